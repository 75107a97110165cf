"""A package, so that its fixture of that scope ends with it, and its load with the fixture."""
