"""Functions of the operating system for both sides and the launcher: addresses, logs, processors, directories.

What belongs here: small modules over the standard library alone. What does not: anything that knows the table,
Kubernetes or HTTP.
"""
