"""Exchanges in the access log and in traces."""
