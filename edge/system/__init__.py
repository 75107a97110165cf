"""What both sides and the launcher need of the operating system: addresses, logs, processors, directories.

What belongs here: small modules over the standard library alone. What does not: anything that knows the table,
Kubernetes or HTTP.
"""
