"""Everything that uses a private interface of Python or gevent, in one place.

Each has a test (tests/data/net/test_private.py) that fails when the interface changes.

- `_socket.socket`: the C socket below `socket.socket`. Creating the Python object costs more than the system call, and
  `ssl` works on the C object.
- `ssl.SSLContext._wrap_socket`: the C object of a TLS connection, without the Python socket around it, whose
  `read`/`write` take buffers.
- The `SSL_CTX *` inside a context object: for connections that use OpenSSL directly, without an exception for "not
  yet", session ticket keys that all workers share, and modes of OpenSSL that Python does not offer.
"""

from __future__ import annotations

import _socket
import _ssl
import ctypes
import importlib
import socket
import ssl
import sys
from typing import Any

TICKET_KEYS_SIZE = 80
"""Bytes of SSL_CTX_set_tlsext_ticket_keys in OpenSSL 3: name 16, HMAC 32, AES 32."""
# From OpenSSL's ssl.h, the same in 1.1.1 and 3.x.
_CTRL_MODE = 33
_CTRL_SET_READ_AHEAD = 41
_CTRL_SET_SESS_CACHE_MODE = 44
_CTRL_SET_SESS_CACHE_SIZE = 42
_CTRL_SET_TICKET_KEYS = 59
_CTRL_SET_GROUPS_LIST = 92
_SESS_CACHE_CLIENT = 0x1
_SESS_CACHE_SERVER = 0x2
_SESS_CACHE_NO_INTERNAL = 0x300
_MODE_PARTIAL_WRITE = 0x1
_MODE_MOVING_WRITE_BUFFER = 0x2
_MODE_NO_AUTO_CHAIN = 0x8
_MODE_RELEASE_BUFFERS = 0x10
_LIBEV_VERSION = 4
_LIBEV_IO_SIZE = 40
"""Of `ev_io` as gevent builds libev: without a pointer for its user (EV_COMMON)."""
_TO_FUNCTION = 16
"""Bytes of a watcher of libev before its function."""
_FUNCTIONS = (
    "SSL_new", "SSL_set_bio", "SSL_version", "SSL_set_accept_state", "SSL_do_handshake", "SSL_session_reused",
    "SSL_read", "SSL_write", "SSL_has_pending", "SSL_get_error", "SSL_shutdown", "SSL_free",
    "SSL_set_connect_state", "SSL_ctrl", "SSL_set1_host", "SSL_add1_host", "SSL_set_session", "SSL_SESSION_free",
    "SSL_get_verify_result", "SSL_set_ex_data", "SSL_get_ex_data", "SSL_CTX_sess_set_new_cb",
    "SSL_get0_alpn_selected", "X509_verify_cert_error_string", "BIO_get_new_index", "BIO_meth_new",
    "BIO_meth_set_read", "BIO_meth_set_write", "BIO_meth_set_ctrl", "BIO_new", "BIO_get_data", "BIO_set_data",
    "BIO_set_flags", "BIO_clear_flags", "ERR_clear_error", "ERR_peek_last_error", "ERR_reason_error_string",
)  # fmt: skip


class CSocket(_socket.socket):
    """The C socket, which `ssl` wants to refer to weakly."""

    __slots__ = ("__weakref__",)


def new_socket(family: int) -> Any:
    """A non-blocking TCP socket that sends small pieces at once."""
    sock = CSocket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, 0)
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def adopted_socket(fd: int) -> Any:
    """The C socket of FD, a connected non-blocking descriptor, which it owns."""
    sock = CSocket(socket.AF_INET, socket.SOCK_STREAM, 0, fd)  # the family only matters for addresses
    sock.setblocking(False)
    return sock


def tls_connection(context: ssl.SSLContext, sock: Any, *, server_side: bool, server_name: str | None = None) -> Any:
    """The TLS connection of CONTEXT over SOCK, before its handshake."""
    return context._wrap_socket(sock, server_side=server_side, server_hostname=server_name)  # type: ignore[attr-defined]  # noqa: SLF001


class OpenSSL:
    """Functions of OpenSSL that Edge calls below Python's `ssl`.

    The addresses of `SSL_CTX` and `SSL` are read out of Python's objects; `reachable`: whether this works with this
    Python. If not, the documented interface is used: slower, with tickets that are only valid for the worker that made
    them, and with more memory for each connection.
    """

    def __init__(self) -> None:
        self._library = ctypes.CDLL(_ssl.__file__)  # the library that Python's module is linked with
        self._control = self._library.SSL_CTX_ctrl
        self._control.restype = ctypes.c_long
        self._control.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_long, ctypes.c_char_p)
        self._set_timeout = self._library.SSL_CTX_set_timeout
        self._set_timeout.restype = ctypes.c_long
        self._set_timeout.argtypes = (ctypes.c_void_p, ctypes.c_long)
        self._set_suites = self._library.SSL_CTX_set_ciphersuites
        self._set_suites.restype = ctypes.c_int
        self._set_suites.argtypes = (ctypes.c_void_p, ctypes.c_char_p)
        self._set_depth = self._library.SSL_CTX_set_verify_depth
        self._set_depth.restype = None
        self._set_depth.argtypes = (ctypes.c_void_p, ctypes.c_int)
        self.reachable = sys.implementation.name == "cpython" and self._try()

    def _try(self) -> bool:
        """Whether the structure of a connection, at the address that we find, refers to its context."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        connection = context._wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), True)  # type: ignore[attr-defined]  # noqa: SLF001
        owner = self._library.SSL_get_SSL_CTX
        owner.restype = ctypes.c_void_p
        owner.argtypes = (ctypes.c_void_p,)
        return bool(owner(_member(connection, 1)) == _member(context, 0))

    def function(self, name: str, result: Any, *arguments: Any) -> Any:
        """The function NAME, with the ctypes of its RESULT and ARGUMENTS."""
        prototype = ctypes.PYFUNCTYPE(result, *arguments)
        return prototype((name, self._library))

    def functions(self) -> dict[str, int]:
        """Addresses for `edge.data.net._tls.use_openssl`."""
        return {name: ctypes.cast(getattr(self._library, name), ctypes.c_void_p).value or 0 for name in _FUNCTIONS}

    def address(self, context: ssl.SSLContext) -> int:
        """Of the `SSL_CTX` below CONTEXT, 0 where it cannot be known."""
        return _member(context, 0) if self.reachable else 0

    def tune(self, context: ssl.SSLContext, *, client: bool = False) -> None:
        """Make connections of CONTEXT release their buffers when idle, read all available bytes at once, and build the
        certificate chain once instead of at each handshake. Server contexts cache no sessions, because clients hold
        tickets; those of a CLIENT pass each new one to `edge.data.net._tls`."""
        if self.reachable:
            pointer = _member(context, 0)
            modes = _MODE_PARTIAL_WRITE | _MODE_MOVING_WRITE_BUFFER | _MODE_NO_AUTO_CHAIN | _MODE_RELEASE_BUFFERS
            self._control(pointer, _CTRL_MODE, modes, None)
            self._control(pointer, _CTRL_SET_READ_AHEAD, 1, None)
            sessions = _SESS_CACHE_CLIENT | _SESS_CACHE_NO_INTERNAL if client else 0
            self._control(pointer, _CTRL_SET_SESS_CACHE_MODE, sessions, None)

    def prefer_suite(self, context: ssl.SSLContext, name: str) -> None:
        """Put the cipher suite NAME before the others of TLS 1.3 in CONTEXT, if it is among them and this Python allows
        it."""
        names = [suite["name"] for suite in context.get_ciphers() if suite["protocol"] == "TLSv1.3"]
        if self.reachable and name in names:
            names.sort(key=lambda one: one != name)
            self._set_suites(_member(context, 0), ":".join(names).encode())

    def set_verify_depth(self, context: ssl.SSLContext, depth: int) -> bool:
        """Make CONTEXT accept chains of DEPTH certificates between a peer's and an authority's; False if this Python
        does not allow it."""
        if self.reachable:
            self._set_depth(_member(context, 0), depth)
        return self.reachable

    def set_curves(self, context: ssl.SSLContext, names: list[str]) -> None:
        """Make CONTEXT use one of the curves NAMES, only the first of them if this Python does not allow more.

        Raises:
            ssl.SSLError: OpenSSL does not know one of them.
        """
        if not self.reachable:
            context.set_ecdh_curve(names[0])
        elif self._control(_member(context, 0), _CTRL_SET_GROUPS_LIST, 0, ":".join(names).encode()) != 1:
            raise ssl.SSLError(f"unknown curves: {names}")

    def keep_sessions(self, context: ssl.SSLContext, number: int, seconds: int) -> None:
        """Make CONTEXT cache NUMBER sessions (0: none), each to be resumed for SECONDS, if this Python allows it."""
        if self.reachable:
            pointer = _member(context, 0)
            self._control(pointer, _CTRL_SET_SESS_CACHE_MODE, _SESS_CACHE_SERVER if number else 0, None)
            self._control(pointer, _CTRL_SET_SESS_CACHE_SIZE, max(number, 1), None)
            self._set_timeout(pointer, seconds)

    def set_ticket_keys(self, context: ssl.SSLContext, keys: bytes) -> bool:
        """Make CONTEXT encrypt session tickets with KEYS (80 bytes); False if this Python does not allow it."""
        if len(keys) != TICKET_KEYS_SIZE:
            raise ValueError(f"ticket keys have {TICKET_KEYS_SIZE} bytes")
        if not self.reachable:
            return False
        return bool(self._control(_member(context, 0), _CTRL_SET_TICKET_KEYS, len(keys), keys) == 1)


def _member(instance: object, number: int) -> int:
    """The pointer that is the NUMBERth member of a C structure behind its object head."""
    address = id(instance) + object.__basicsize__ + number * ctypes.sizeof(ctypes.c_void_p)
    return ctypes.c_void_p.from_address(address).value or 0


OPENSSL = OpenSSL()


_corecext: Any = importlib.import_module("gevent.libev.corecext")


class Libev:
    """libev's own functions below gevent's event loop, as ev.h declares them since version 4."""

    def functions(self) -> dict[str, int]:
        """Addresses for `edge.data.net._scheduler.use_libev`; empty where they cannot be known."""
        library = ctypes.CDLL(_corecext.__file__)
        names = (
            "ev_clear_pending", "ev_feed_event", "ev_io_start", "ev_io_stop", "ev_invoke_pending", "ev_iteration",
            "ev_pending_count", "ev_set_invoke_pending_cb",
        )  # fmt: skip
        # gevent's object for a watcher has libev's behind what all of them have.
        size = _corecext.io.__basicsize__ - _corecext.watcher.__basicsize__
        try:
            known = library.ev_version_major() == _LIBEV_VERSION and size == _LIBEV_IO_SIZE
            found = {name: ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0 for name in names}
        except AttributeError:
            return {}
        return found if known else {}

    def drives(self, loop: object) -> bool:
        """Whether LOOP is gevent's over libev."""
        return isinstance(loop, _corecext.loop)

    def runner(self, loop: object) -> int:
        """The address of LOOP's watcher that runs its callbacks in each turn; 0 where it cannot be known."""
        run = getattr(ctypes.CDLL(_corecext.__file__), "gevent_run_callbacks", None)
        if run is None or not self.drives(loop):
            return 0
        function = ctypes.cast(run, ctypes.c_void_p).value
        members = range(id(loop), id(loop) + type(loop).__basicsize__, ctypes.sizeof(ctypes.c_void_p))
        found = (one for one in members if ctypes.c_void_p.from_address(one).value == function)
        return next((one - _TO_FUNCTION for one in found), 0)

    def callbacks(self, loop: object) -> object:
        """The callbacks of LOOP: false if there are none, true if that is not known."""
        return getattr(loop, "_callbacks", True)


LIBEV = Libev()
