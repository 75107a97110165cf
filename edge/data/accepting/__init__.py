"""From a listening socket to a connection that speaks HTTP: accept, PROXY header, TLS handshake."""
