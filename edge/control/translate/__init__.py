"""Translates Kubernetes objects to records of the table: pure functions.

What belongs here: the meaning of single Ingresses, Services, EndpointSlices, Secrets and annotations.
What does not: which object depends on which (`edge.control.compiling`), time, threads, files, the network.
"""
