"""ingress-nginx's ConfigMap (`--configmap`): the meaning of each key.

Rules of this package:
- A group is a module with KEYS that belong together, as annotations have units; `groups.py` lists them all.
- A key is a default for annotations of the same name, a parameter of workers or of handshakes, or what its group makes
  a policy of all routes of. Workers do not read keys: the table has the results.
- A value that cannot be read is reported, and its default holds. If requests could pass a check because of that, the
  routes are closed.
"""
