"""Metrics: what the counters in shared memory and the state of the control plane look like to Prometheus."""
