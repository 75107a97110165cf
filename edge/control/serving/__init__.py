"""The admin port: /metrics, /healthz and /readyz."""
