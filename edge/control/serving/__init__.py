"""The HTTP servers of the control plane: the admin port (the page, /api, /metrics, /healthz, /readyz), and the
admission webhook."""
