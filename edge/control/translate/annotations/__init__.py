"""The annotations `nginx.ingress.kubernetes.io/...` of an Ingress, as policies.

Rules of this package:
- A module reads one policy: it has the names of its annotations (`NAMES`) and a function `read` that yields the
  policies that the values ask for. `policies.UNITS` lists them.
- Annotations override process-wide values of the same names, so that the same `read` serves both.
- A value that cannot be read is a problem of the Ingress, and the annotation counts as absent. If requests could pass a
  check because of that, the unit yields `Closed` instead (`Values.refuse`).
- A policy that needs a Secret or ConfigMap is `Deferred`: it is made when that object has been read.
"""
