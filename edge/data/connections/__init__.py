"""Connections of clients: one module for each HTTP version."""
