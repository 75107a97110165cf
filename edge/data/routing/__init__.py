"""From a request to the plan of its route."""
