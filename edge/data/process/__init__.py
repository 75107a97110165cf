"""Processes: gunicorn's arbiter and worker, and what all connections of a worker share."""
