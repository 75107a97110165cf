"""Everything that leans on a private interface of Python or gevent, in one place.

Each has a test (tests/data/test_private.py) that fails loudly when the interface changes.

- `_socket.socket`: the C socket below `socket.socket`. Creating the Python object costs more than the system call, and
  `ssl` works on the C object.
- `_socket.socket._accept`: accept(2) that gives the bare descriptor.
- `ssl.SSLContext._wrap_socket`: the C object of a TLS connection, without the Python socket around it, whose
  `read`/`write` take buffers.
- The `SSL_CTX *` inside a context object, to give every worker the same session ticket keys.
"""

from __future__ import annotations

import _socket  # noqa: PLC2701 - see above
import _ssl
import ctypes
import socket
import ssl
from typing import Any

TICKET_KEYS_SIZE = 80
"""Bytes of SSL_CTX_set_tlsext_ticket_keys in OpenSSL 3: name 16, HMAC 32, AES 32."""
_SSL_CTRL_SET_TLSEXT_TICKET_KEYS = 59


class CSocket(_socket.socket):
    """The C socket, which `ssl` wants to refer to weakly."""

    __slots__ = ("__weakref__",)


def new_socket(family: int) -> Any:
    """A non-blocking TCP socket that sends small pieces at once."""
    sock = CSocket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, 0)
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def accept(listener: Any, family: int) -> tuple[Any, Any]:
    """Accept from the non-blocking LISTENER: a non-blocking C socket and the peer's address.

    Raises:
        OSError: as accept(2); BlockingIOError when nobody waits.
    """
    fd, address = listener._accept()  # noqa: SLF001 - the purpose of this module
    sock = CSocket(family, socket.SOCK_STREAM, 0, fd)
    sock.setblocking(False)
    return sock, address


def tls_connection(context: ssl.SSLContext, sock: Any, *, server_side: bool, server_name: str | None = None) -> Any:
    """The TLS connection of CONTEXT over SOCK, before its handshake."""
    return context._wrap_socket(sock, server_side=server_side, server_hostname=server_name)  # type: ignore[attr-defined]  # noqa: SLF001


def set_ticket_keys(context: ssl.SSLContext, keys: bytes) -> bool:
    """Have CONTEXT seal session tickets with KEYS (80 bytes); False where this Python does not let us."""
    if len(keys) != TICKET_KEYS_SIZE:
        raise ValueError(f"ticket keys have {TICKET_KEYS_SIZE} bytes")
    library = ctypes.CDLL(_ssl.__file__)
    control = library.SSL_CTX_ctrl
    control.restype = ctypes.c_long
    control.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_long, ctypes.c_char_p)
    pointer = ctypes.c_void_p.from_address(id(context) + object.__basicsize__)
    return bool(control(pointer, _SSL_CTRL_SET_TLSEXT_TICKET_KEYS, len(keys), keys) == 1)
