"""Edge: a Kubernetes ingress controller around a routing table in shared memory.

What belongs here: nothing but the version. `edge.table` is the vocabulary of both sides, `edge.control` turns
Kubernetes objects into the table, `edge.data` moves requests by it; the last two never import each other.
"""

__version__ = "0.1.0"
