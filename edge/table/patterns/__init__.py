"""Regular expressions of users: the control plane checks them, and workers match by them. No objects, no I/O."""
