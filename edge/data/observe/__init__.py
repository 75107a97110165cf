"""What becomes of exchanges in the access log and in traces."""
