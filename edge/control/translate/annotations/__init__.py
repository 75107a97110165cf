"""The annotations `nginx.ingress.kubernetes.io/...` of an Ingress, as typed policies.

Rules of this package:
- A unit is a module with the names of its annotations (`NAMES`) and a function that reads them (`read`) into one small
  frozen struct with the defaults of absent annotations. A new annotation is a new unit, or a line in one, and an entry
  in `policies`.
- A value that cannot be read is a problem of the Ingress, and the annotation counts as absent.
"""
