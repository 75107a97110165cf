"""ingress-nginx's ConfigMap (`--configmap`): what each key means, taken for itself.

Rules of this package:
- A group is a module with KEYS that belong together, as annotations have units; `groups.py` lists them all.
- A key is a default for annotations of the same name, a parameter of workers or of handshakes, or what its group makes
  a policy of all routes of. Workers see none of them: the table has the outcome.
- A value that cannot be read is reported, and its default holds. Where that would open a door, the routes are closed.
"""
