"""The vocabulary that the control plane and the workers share.

What belongs here: the records of the table, their codec, the shared-memory files and the counters in them.
What does not: Kubernetes objects (`edge.control`), sockets and requests (`edge.data`); this package imports neither.
"""
