"""The grammar of HTTP/1.1 (RFC 9112): heads and bodies, read strictly and written with new framing."""
