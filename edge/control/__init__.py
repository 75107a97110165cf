"""The control plane: Kubernetes objects in, routing table out.

What belongs here, in the order that a change passes: sources -> store -> translation (pure functions) -> incremental
compilation -> publication; beside it the admin server, status, Events and the Lease. Plain threads.
What does not: gevent, gunicorn, anything of `edge.data`.
"""
