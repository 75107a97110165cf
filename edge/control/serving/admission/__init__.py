"""The validating admission webhook: the API server calls it before it stores an Ingress."""
