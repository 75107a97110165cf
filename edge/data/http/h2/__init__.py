"""The grammar of HTTP/2 (RFC 9113) and of its field compression (RFC 7541): frames, heads, flow control.

What belongs here: bytes in, events out, and how streams share a connection. What does not: which requests there are.
"""
