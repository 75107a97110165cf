"""Byte streams: sockets, buffers, TLS, tunnels, temporary files, and their errors.

What belongs here: bytes and time. What does not: HTTP, routes, endpoints.
"""
