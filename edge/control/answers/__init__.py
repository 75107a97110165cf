"""What Edge reports back: status and Events in the cluster, problems in the log."""
