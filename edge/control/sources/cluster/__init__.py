"""The cluster: what the API server says becomes changes, and what Edge has to say goes back to it.

What belongs here: transport, list+watch, the source of changes, status, Events, the Lease; nothing else in the package
speaks with the API server. What does not: the meaning of the objects (`edge.control`'s store and compiler).
The official client is transport only (configuration, credentials, TLS, proxies); its models, watches, informers and
leader election are not used.
"""
