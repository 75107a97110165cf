"""Regular expressions of users: the control plane judges them here, and workers match by them. No objects, no I/O."""
