"""The cluster as a source: lists and watches objects, and sends their changes.

The client for the API server is `edge.control.api`; what is written to the cluster is in `edge.control.answers`. The
meaning of objects belongs to `edge.control.kinds` and `edge.control.translate`.
"""
