"""The API server: transport, list and watch, reading single objects, the Lease.

Nothing outside of this package opens a connection to the API server. The official client supplies configuration,
credentials, TLS and proxies; its models, watches, informers and leader election are not used.
"""
