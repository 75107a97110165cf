"""From Kubernetes objects to records of the table: pure functions.

What belongs here: the meaning of Ingress, Service, EndpointSlice, Secret and annotations, each taken for itself.
What does not: which object depends on which (`edge.control.compiling`), time, threads, files, the network.
"""
