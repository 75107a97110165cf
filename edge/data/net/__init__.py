"""Byte streams: sockets, buffers, TLS, tunnels, temporary files, and what can go wrong with them.

What belongs here: bytes and time. What does not: HTTP, routes, endpoints.
"""
