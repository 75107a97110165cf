"""The TLS handshakes of clients, from the ClientHello on.

Rules of this file:
- The ClientHello is read before the handshake, and stays in the socket for it: it decides for the certificate.
- A handshake has a deadline, and their number at a time is limited: above it the one that has taken longest makes room,
  so that those who stall do not keep the others out.
- Who speaks something else than TLS, or offers no protocol that is spoken here, is told so in its own language.
"""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

from edge.data.accepting import client_hello
from edge.data.http import replies
from edge.data.net.errors import StreamError
from edge.table.counters import Process
from edge.table.reader import UnreadableError

if TYPE_CHECKING:
    import logging

    from edge.data.accepting.contexts import Contexts
    from edge.data.net._stream import Stream
    from edge.table.counters import WorkerCounters

MOST = 2048
"""At a time, in a worker: about 80 MB."""
REFUSAL_TIMEOUT = 2.0
"""Seconds for a client to take what refuses it."""
REFUSED_BYTES = 1 << 24
"""Bytes that are read and dropped behind a refusal, so that who is still sending gets to read it."""
SPOKEN = frozenset((b"http/1.1", b"http/1.0"))
"""Protocols of ALPN; who offers only others is told so (RFC 7301, section 3.2), which OpenSSL does not do by itself."""
NO_APPLICATION_PROTOCOL = b"\x15\x03\x03\x00\x02\x02\x78"
"""A fatal alert (RFC 8446, section 6)."""
INTERNAL_ERROR = b"\x15\x03\x03\x00\x02\x02\x50"
"""The same, where there is no certificate to show, or it cannot be read."""

# Plain numbers: a member of an enumeration costs a look-up of its own each time.
HANDSHAKES = int(Process.HANDSHAKES)
HANDSHAKES_RESUMED = int(Process.HANDSHAKES_RESUMED)


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

    def accept(self, stream: Stream) -> bool:
        """Speak TLS on STREAM; False where the connection is to end."""
        counters = self._counters
        stream.read_timeout = stream.write_timeout = self._timeout
        stream.expire_in(self._timeout)
        hello = self._hello(stream)
        if hello is None:
            return False
        if hello.alpn and SPOKEN.isdisjoint(hello.alpn):
            self._alert(stream, NO_APPLICATION_PROTOCOL)
            return False
        # Two server names whose hosts had different policies (versions, client certificates) would need their requests
        # held against the one that was shown here (421); all hosts have the same so far.
        try:
            shown = self._contexts.choose(hello.server_name)
        except UnreadableError:
            shown = None
        if shown is None:
            self._alert(stream, INTERNAL_ERROR)
            return False
        self._make_room()
        self._pending[stream] = None
        try:
            resumed = stream.accept_tls(shown.context, shown.address)
        except (ssl.SSLError, StreamError) as error:
            counters.add(Process.HANDSHAKE_FAILURES, 1)
            self._log.debug("handshake failed: %s", error)
            return False
        finally:
            self._pending.pop(stream, None)
        counters.add(HANDSHAKES, 1)
        if resumed:
            counters.add(HANDSHAKES_RESUMED, 1)
        stream.expire_in(0)
        return True

    def _alert(self, stream: Stream, alert: bytes) -> None:
        """Refuse the handshake with ALERT."""
        self._counters.add(Process.HANDSHAKE_FAILURES, 1)
        stream.write_timeout = REFUSAL_TIMEOUT
        stream.send(alert)
        stream.linger(0.5, REFUSED_BYTES)

    def _make_room(self) -> None:
        if len(self._pending) >= MOST:
            longest = next(iter(self._pending))
            del self._pending[longest]
            longest.close()

    def _hello(self, stream: Stream) -> client_hello.ClientHello | None:
        """The ClientHello, which stays in the socket; None: there is none, and what there was has been answered.

        While it has arrived only in part the socket is told to count as readable when there is more.
        """
        seen = need = 0
        try:
            while True:
                if need:
                    stream.wait_readable()
                data = stream.peek_socket(client_hello.LONGEST)
                if data is None:
                    stream.wait_readable()
                    continue
                if len(data) == seen:
                    return None  # readable with nothing new: the end
                seen = len(data)
                try:
                    hello = client_hello.parse(data)
                except client_hello.NotAHelloError:
                    self._not_tls(stream, data)
                    return None
                if isinstance(hello, client_hello.ClientHello):
                    return hello
                need = hello.need
                stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, need)
        finally:
            if need:
                stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)

    def _not_tls(self, stream: Stream, data: bytes) -> None:
        """Tell a client that speaks HTTP, or anything else, to the TLS port."""
        self._counters.add(Process.HANDSHAKE_FAILURES, 1)
        if data[:1].isalpha():
            stream.write_timeout = REFUSAL_TIMEOUT
            stream.send(replies.farewell(replies.PLAIN_ON_TLS))
            stream.linger(0.5, REFUSED_BYTES)
