"""The validating admission webhook: the API server asks before it takes an Ingress."""
