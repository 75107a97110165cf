"""Facts about a TLS connection from OpenSSL, by the address of its `SSL`; for the access log.

Rules of this file:
- They are read when a line is made, and only those of the format.
- If OpenSSL cannot be called directly (`edge.data.net.private`), they are empty.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any, Final

from edge.data.net.private import OPENSSL

_HOST_NAME: Final = 0
"""TLSEXT_NAMETYPE_host_name."""
_TYPES: Final[dict[str, tuple[Any, ...]]] = {
    "SSL_get_version": (ctypes.c_char_p, ctypes.c_void_p),
    "SSL_get_current_cipher": (ctypes.c_void_p, ctypes.c_void_p),
    "SSL_CIPHER_get_name": (ctypes.c_char_p, ctypes.c_void_p),
    "SSL_session_reused": (ctypes.c_int, ctypes.c_void_p),
    "SSL_get_servername": (ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int),
}


@cache
def _function(name: str) -> Any:
    return OPENSSL.function(name, *_TYPES[name])


def version(address: int) -> bytes | None:
    """The version of TLS, such as `TLSv1.3`."""
    return _function("SSL_get_version")(address) if address else None


def cipher(address: int) -> bytes | None:
    """The name of the cipher."""
    current = _function("SSL_get_current_cipher")(address) if address else None
    return _function("SSL_CIPHER_get_name")(current) if current else None


def is_resumed(address: int) -> bool:
    """Whether an earlier session was resumed."""
    return bool(address and _function("SSL_session_reused")(address))


def server_name(address: int) -> bytes | None:
    """The server name that the client sent (RFC 6066, section 3)."""
    return _function("SSL_get_servername")(address, _HOST_NAME) if address else None
