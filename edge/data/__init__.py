"""The data plane: gunicorn's gevent workers that move requests by the table.

What belongs here: worker, listeners, streams, HTTP, the exchange, upstream pools, balancing, policies.
What does not: Kubernetes, threads, anything of `edge.control`. Code here imports gevent explicitly and does not lean
on monkey patching.
"""
