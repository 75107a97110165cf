"""The TLS handshakes of clients, from the ClientHello on.

Rules of this file:
- The ClientHello is read before the handshake, because the certificate depends on it. It is taken out of the socket,
  which may not have room for a large one, and OpenSSL reads it from memory. If OpenSSL cannot, it stays in the socket.
- A handshake has a deadline, and their number at a time is limited: above it the longest-running one is closed, so
  that stalled clients do not keep others out.
- A connection of a stream that passes TLS on has no handshake here: its bytes are relayed.
- A client that does not speak TLS gets an HTTP 400; one that offers no ALPN protocol of ours gets a TLS alert.
"""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING, NamedTuple

from edge.data.accepting import client_hello
from edge.data.http import replies
from edge.data.net.errors import StreamError
from edge.data.net.peers import NAMED, UNNAMED, peer_of
from edge.data.net.private import OPENSSL
from edge.table.counters import WorkerWord
from edge.table.reader import UnreadableError

if TYPE_CHECKING:
    import logging

    from edge.data.accepting.contexts import Contexts, ServerContext
    from edge.data.net._stream import Stream
    from edge.data.net.peers import Peer
    from edge.table.counters import WorkerCounters

MOST = 2048
"""At a time, in a worker: about 80 MB."""
MOST_HELD = 1 << 25
"""Bytes of ClientHellos that arrived in pieces, in a worker: above it the longest-running one is closed."""
FIRST = 16389
"""Bytes that are peeked at first: a record of the largest size, with its header."""
PEEKED = 1 << 18
"""Bytes that are peeked at if OpenSSL cannot read from memory: sockets hold less by default."""
REFUSAL_TIMEOUT = 2.0
"""Seconds for a client to read the refusal."""
REFUSED_BYTES = 1 << 24
"""Bytes read and dropped after a refusal, so that a client that is still sending can read it."""
HTTP2 = b"h2"
SPOKEN = frozenset((b"http/1.1", b"http/1.0"))
"""Supported ALPN protocols, beside HTTP/2. A client that offers only others gets the alert no_application_protocol
(RFC 7301, section 3.2), which OpenSSL does not send by itself."""
NO_APPLICATION_PROTOCOL = b"\x15\x03\x03\x00\x02\x02\x78"
"""A fatal alert (RFC 8446, section 6)."""
UNRECOGNIZED_NAME = b"\x15\x03\x03\x00\x02\x02\x70"
"""The same, if no host has the server name and such handshakes are rejected (RFC 6066, section 3)."""
INTERNAL_ERROR = b"\x15\x03\x03\x00\x02\x02\x50"
"""The same, if there is no certificate, or it cannot be read."""

# Plain numbers: a member of an enumeration costs a look-up of its own each time.
HANDSHAKES = int(WorkerWord.HANDSHAKES)
HANDSHAKES_RESUMED = int(WorkerWord.HANDSHAKES_RESUMED)


class Accepted(NamedTuple):
    """A connection that is ready for HTTP, or for the bytes of a stream."""

    shown: Peer
    """The TLS facts about the client."""
    listener: str
    """Host name of the listener; empty without a scope."""
    stream: str = ""
    """Key of its `StreamRoute`; empty: it is for HTTP."""
    passed: bool = False
    """Whether the TLS is passed on."""
    ahead: bytes = b""
    """Bytes of the TLS stream that were taken out of the socket."""


_NAMED, _UNNAMED = Accepted(NAMED, ""), Accepted(UNNAMED, "")
"""Those of most handshakes."""


class Handshakes:
    """Those of one worker."""

    def __init__(self, contexts: Contexts, counters: WorkerCounters, log: logging.Logger, *, timeout: float) -> None:
        """TIMEOUT in seconds, for one from its first byte to its end."""
        self._contexts = contexts
        self._counters = counters
        self._log = log
        self._timeout = timeout
        self._pending: dict[Stream, None] = {}
        """The longest first."""
        self._taken: dict[Stream, int] = {}
        """Bytes of ClientHellos that are held, the longest first."""
        self._held = 0

    def accept(self, stream: Stream, scope: str = "") -> Accepted | None:
        """Do the handshake on STREAM, which was accepted in SCOPE; None: the connection is to be closed."""
        stream.read_timeout = stream.write_timeout = self._timeout
        stream.expire_in(self._timeout)
        try:
            return self._shake(stream, scope)
        finally:
            if self._taken:
                self._drop(stream)

    def _shake(self, stream: Stream, scope: str) -> Accepted | None:  # noqa: PLR0911 - one for each refusal
        counters = self._counters
        found = self._hello(stream)
        if found is None:
            return None
        hello, ahead = found
        server_name, alpn = hello.server_name, hello.alpn
        # A certificate is requested if the host of the server name requires one.
        # `edge.data.policies.client_certificate` checks requests for other hosts on this connection.
        listener = ""
        shown = None
        try:
            if scope:
                chosen = self._contexts.choose_in(scope, server_name)
                if chosen is None:
                    counters.add(WorkerWord.HANDSHAKE_FAILURES, 1)
                    return None  # without an alert: there is no such server name
                shown, listener = chosen
            else:
                shown = self._contexts.choose(server_name)
        except UnreadableError:
            pass
        refusal = self._refusal(shown, scope, server_name)
        if shown is None or refusal:
            self._alert(stream, refusal)
            return None
        if shown.context is None:
            return Accepted(UNNAMED, listener, shown.stream, True, ahead)
        http2 = not shown.stream and self._contexts.http2 and HTTP2 in alpn
        if alpn and not shown.stream and not http2 and SPOKEN.isdisjoint(alpn):
            self._alert(stream, NO_APPLICATION_PROTOCOL)
            return None
        self._make_room()
        self._pending[stream] = None
        try:
            resumed = stream.accept_tls(shown.context, shown.address, ahead)
        except (ssl.SSLError, StreamError) as error:
            counters.add(WorkerWord.HANDSHAKE_FAILURES, 1)
            self._log.debug("handshake failed: %s", error)
            return None
        finally:
            self._pending.pop(stream, None)
        # The server's order decides (RFC 7301, section 3.2), which begins with HTTP/2.
        stream.alpn = HTTP2 if http2 else b""
        counters.add(HANDSHAKES, 1)
        if resumed:
            counters.add(HANDSHAKES_RESUMED, 1)
        stream.expire_in(0)
        named = bool(server_name)
        if shown.trust:
            return Accepted(peer_of(stream.tls_address, shown.trust, named=named), listener)
        return _accepted(NAMED if named else UNNAMED, listener, shown.stream)

    def _refusal(self, shown: ServerContext | None, scope: str, server_name: str) -> bytes:
        """The alert for SERVER_NAME, for which SHOWN was chosen; empty: no alert."""
        if shown is None:
            return INTERNAL_ERROR
        rejected = not scope and not shown.stream and self._contexts.rejects(server_name)
        return UNRECOGNIZED_NAME if rejected else b""

    def _alert(self, stream: Stream, alert: bytes) -> None:
        """Refuse the handshake with ALERT."""
        self._counters.add(WorkerWord.HANDSHAKE_FAILURES, 1)
        stream.write_timeout = REFUSAL_TIMEOUT
        stream.send(alert)
        stream.linger(0.5, REFUSED_BYTES)

    def _make_room(self) -> None:
        if len(self._pending) >= MOST:
            longest = next(iter(self._pending))
            del self._pending[longest]
            longest.close()

    def _hello(self, stream: Stream) -> tuple[client_hello.ClientHello, bytes] | None:
        """The ClientHello and the bytes that were taken out of the socket; None: it was not a hello, and has been
        answered."""
        taken = OPENSSL.reachable
        while (data := stream.take_socket(FIRST) if taken else stream.peek_socket(FIRST)) is None:
            stream.wait_readable()
        try:
            hello = client_hello.at_once(data)
            if hello is None:
                reader = client_hello.Reader()
                hello = reader.feed(data)
            if hello is not None:
                return hello, data if taken else b""
            if not data:
                return None
            if not taken:
                hello = self._look(stream, reader, len(data))
                return None if hello is None else (hello, b"")
            hello = self._take(stream, reader)
            return None if hello is None else (hello, reader.records())
        except client_hello.NotAHelloError:
            self._not_tls(stream, data)
            return None

    def _take(self, stream: Stream, reader: client_hello.Reader) -> client_hello.ClientHello | None:
        """The ClientHello whose beginning READER has; None at the end of the stream."""
        try:
            while True:
                self._hold(stream, reader.held)
                _count_as_readable(stream, reader.need)
                stream.wait_readable()
                data = stream.take_socket(FIRST)
                if data is None:
                    continue
                if not data:
                    return None
                hello = reader.feed(data)
                if hello is not None:
                    self._hold(stream, reader.held)
                    return hello
        finally:
            if not stream.closed:
                _count_as_readable(stream, 1)

    def _look(self, stream: Stream, reader: client_hello.Reader, seen: int) -> client_hello.ClientHello | None:
        """As `_take`, after SEEN bytes that were peeked at, but all bytes stay in the socket: a hello that is larger
        than the socket's buffer counts as truncated."""
        try:
            while True:
                _count_as_readable(stream, seen + reader.need)
                stream.wait_readable()
                data = stream.peek_socket(PEEKED)
                if data is None:
                    continue
                if len(data) == seen:
                    return None
                hello = reader.feed(data[seen:])
                if hello is not None:
                    return hello
                seen = len(data)
        finally:
            if not stream.closed:
                _count_as_readable(stream, 1)

    def _hold(self, stream: Stream, size: int) -> None:
        """Count SIZE bytes as held for STREAM, and make room for them."""
        self._held += size - self._taken.get(stream, 0)
        self._taken[stream] = size
        while self._held > MOST_HELD:
            longest = next(iter(self._taken))
            self._drop(longest)
            longest.close()

    def _drop(self, stream: Stream) -> None:
        self._held -= self._taken.pop(stream, 0)

    def _not_tls(self, stream: Stream, data: bytes) -> None:
        """Answer a client that speaks HTTP, or anything else, on the TLS port."""
        self._counters.add(WorkerWord.HANDSHAKE_FAILURES, 1)
        if data[:1].isalpha():
            stream.write_timeout = REFUSAL_TIMEOUT
            stream.send(replies.farewell(replies.PLAIN_ON_TLS))
            stream.linger(0.5, REFUSED_BYTES)


def _accepted(shown: Peer, listener: str, stream: str) -> Accepted:
    """The result of the handshake of a client without a certificate."""
    if listener or stream:
        return Accepted(shown, listener, stream)
    return _NAMED if shown is NAMED else _UNNAMED


def _count_as_readable(stream: Stream, size: int) -> None:
    """Make the socket of STREAM readable only with SIZE bytes in it, or at the end."""
    stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, size)
