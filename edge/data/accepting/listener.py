"""Accepts connections on a listening socket: PROXY header, TLS, HTTP.

Rules of this file:
- A listener accepts a few connections for each event; a worker with more than its share waits a moment, so that the
  others accept them.
- PROXY header and handshake have deadlines.
"""

from __future__ import annotations

import errno
import logging
import os
import time
from typing import TYPE_CHECKING

import gevent

from edge.data.accepting import proxy_protocol
from edge.data.accepting.handshake import HTTP2, REFUSAL_TIMEOUT, REFUSED_BYTES, Handshakes
from edge.data.connections.caller import Caller
from edge.data.connections.h1 import Http1
from edge.data.connections.h2 import Http2
from edge.data.http import replies
from edge.data.http.scope import Scope
from edge.data.net._accept import accept
from edge.data.net._scheduler import Resumable
from edge.data.net._stream import Stream
from edge.data.net._waiter import Turn
from edge.data.net.errors import Incomplete, MessageError, StreamError
from edge.data.net.peers import PLAIN
from edge.data.streams.plan import TLS
from edge.data.streams.proxy_header import Ends
from edge.table.counters import WorkerWord

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from edge.data.accepting.handshake import Accepted
    from edge.data.accepting.proxy_protocol import Source
    from edge.data.accepting.spread import Spread
    from edge.data.connections.connections import Connections
    from edge.data.http.forwarding import Forwarding
    from edge.data.net.peers import Peer
    from edge.data.streams.connections import StreamConnections

    Places = dict[tuple[str, int], "Listener"]
    """By address and port."""

log = logging.getLogger("edge.data")

AT_ONCE = 8
"""Connections accepted for one event: open connections wait for so many handshakes at most."""
LATER = -1
"""A priority of libev: that of others is 0."""
PAUSE_NO_DESCRIPTORS = 0.5
"""Seconds without accepting after the process ran out of descriptors."""
REFUSED_AT_ONCE = 65536
"""Bytes read and dropped when a refused client is answered without waiting."""
TOO_MANY = replies.farewell(replies.TOO_MANY)
HTTPS_PORT = 443
"""A PROXY header with this destination port means that a load balancer in front has terminated TLS: it cannot say so
otherwise, and redirects to https would loop."""
COMPLAIN = 10.0
"""Seconds between two messages that the limit of connections or descriptors has been reached."""

# Plain numbers: a member of an enumeration costs a look-up of its own each time.
CONNECTIONS_ACCEPTED = int(WorkerWord.CONNECTIONS_ACCEPTED)
CONNECTIONS_ACTIVE = int(WorkerWord.CONNECTIONS_ACTIVE)
CONNECTIONS_HANDLED = int(WorkerWord.CONNECTIONS_HANDLED)

NO_DESCRIPTORS = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))
GONE_AGAIN = frozenset(
    (
        errno.ECONNABORTED, errno.EINTR, errno.EPROTO, errno.EPERM, errno.ENETDOWN, errno.ENOPROTOOPT, errno.EHOSTDOWN,
        errno.ENONET, errno.EHOSTUNREACH, errno.EOPNOTSUPP, errno.ENETUNREACH,
    )
)  # fmt: skip
"""Errors of accept(2) that concern one connection only: the next one may be accepted."""


class Opening:
    """A connection before its first request, as draining and counting see it."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.idle = True
        self.upgraded = False

    def close(self) -> None:
        """End it at once."""
        self.stream.close()

    def drain(self) -> None:
        """Nothing: no protocol has begun."""

    def retune(self, forwarding: Forwarding) -> None:
        """Nothing: there is no request yet."""

    def close_idle(self) -> None:
        """As `close`: nothing is lost."""
        self.stream.close()


class Arrival(Resumable):
    """A connection that LISTENER has accepted, as long as it is open.

    - `fd`, `peer`: the socket, and the address of the peer. `above`: beyond the limit of connections.
    """

    def __init__(self, listener: Listener, fd: int, peer: str, above: bool) -> None:
        self.fd = fd
        self.peer = peer
        self.above = above
        self._listener = listener
        self._stream: Stream | None = None
        self._ended = False
        self._turn = Turn()

    def turn(self) -> None:
        """Serve it before the event loop waits again."""
        self._turn.call(self)

    def resume(self) -> None:
        """Serve it."""
        self._listener.begin(self)

    def open(self) -> Stream:
        """Its bytes."""
        self._stream = stream = Stream(self.fd)
        stream.counted = True
        return stream

    def end(self) -> None:
        """Close it, and no longer count it."""
        if self._ended:
            return
        self._ended = True
        if self._stream is not None:
            self._stream.close()
        else:
            os.close(self.fd)
        connections = self._listener.connections
        connections.accepted -= 1
        connections.refusing -= self.above
        connections.counters.add(CONNECTIONS_ACTIVE, -1)


class Listener:
    """One listening socket."""

    def __init__(
        self,
        sock: socket.socket,
        connections: Connections,
        handshakes: Handshakes,
        spread: Spread,
        *,
        tls: bool,
        shed: Callable[[], object],
        scope: str = "",
        port: int = 0,
        places: Places | None = None,
        streams: StreamConnections | None = None,
    ) -> None:
        """SHED frees descriptors when they have run out. SCOPE: see `edge.table.records.Listening`.

        PORT: the port if SOCK is not bound: nothing is accepted on it then.
        PLACES: addresses of Gateways that connections to a socket for all addresses may have as their destination.
        STREAMS: takes connections that are not for HTTP.
        """
        self._sock = sock
        self._fd = sock.fileno()
        self._port = port or sock.getsockname()[1]
        self.connections = connections
        self._handshakes = handshakes
        self._shed = shed
        self._spread = spread
        self._tls = tls
        self._scope = scope
        self._plain_scope = Scope(scope, None) if scope else None
        self._places = places
        self.streams = streams
        self._complained = -COMPLAIN
        self._stopped = False
        self._loop = gevent.get_hub().loop
        # Called after the events of open connections, which go before new ones.
        self._watcher = self._loop.io(self._fd, 1, priority=LATER)
        self._pause = self._loop.timer(0)

    def start(self) -> None:
        """Accept connections."""
        self._watcher.start(self._acceptable)

    def stop(self) -> None:
        """Accept what waits, then no more."""
        self._stopped = True
        self._watcher.stop()
        self._watcher.close()
        self._pause.close()
        while self._accept(AT_ONCE):
            pass
        self._sock.close()

    def _acceptable(self) -> None:
        try:
            self._accept_some()
        except Exception:
            # An exception that reached the event loop would stop this watcher for good.
            log.exception("cannot accept")
            self._rest(PAUSE_NO_DESCRIPTORS)

    def _accept_some(self) -> None:
        delay = self._spread.hesitation(self.connections.accepted)
        if delay:
            self._rest(delay)
            return
        self._accept(AT_ONCE if self._spread.alone() else 1)

    def _rest(self, seconds: float) -> None:
        if self._stopped:
            return
        self._watcher.stop()
        self._pause.close()
        self._pause = self._loop.timer(seconds)
        self._pause.start(self._watcher.start, self._acceptable)

    def _accept(self, most: int) -> bool:
        """Accept MOST connections; whether more may be waiting."""
        try:
            return self._take(most)
        except OSError as error:
            if error.errno in GONE_AGAIN:
                return True
            if error.errno in NO_DESCRIPTORS:
                self.complain("cannot accept: %s; raise the limit of open files", error.strerror)
                self._shed()
            else:
                self.complain("cannot accept: %s", error.strerror)
            self._rest(PAUSE_NO_DESCRIPTORS)
            return False

    def _take(self, most: int) -> bool:
        """As `_accept`; OSError as of accept4(2)."""
        connections = self.connections
        for _ in range(most):
            accepted = accept(self._fd)
            if accepted is None:
                return False
            connections.look()
            connections.counters.add(CONNECTIONS_ACCEPTED, 1)
            connections.accepted += 1
            # Several are accepted before the first is served: whether each is above the limit is decided now.
            above = connections.accepted - connections.refusing > connections.most
            connections.refusing += above
            Arrival(self, *accepted, above).turn()
        return True

    def complain(self, message: str, *arguments: object) -> None:
        """Log MESSAGE, unless there was one recently."""
        now = time.monotonic()
        if now - self._complained >= COMPLAIN:
            self._complained = now
            log.error(message, *arguments)

    # --- one connection -------------------------------------------------------------------------------------------

    def begin(self, arrival: Arrival) -> None:
        """Serve ARRIVAL, or refuse it."""
        self.connections.counters.add(CONNECTIONS_ACTIVE, 1)
        peer = arrival.peer
        goes_on = False
        try:
            stream = arrival.open()
            if arrival.above:
                self.refuse(stream, peer)
            else:
                goes_on = self._place(stream).serve(stream, peer, arrival.end)
        except (StreamError, MessageError, OSError) as error:
            log.debug("connection from %s: %s", peer, error)
        except Exception:
            log.exception("connection from %s", peer)
        finally:
            if not goes_on:
                arrival.end()

    def _place(self, stream: Stream) -> Listener:
        """The listener of the Gateway whose address is the destination of STREAM; otherwise this one."""
        if not self._places:
            return self
        return self._places.get(stream.socket.getsockname()[:2], self)

    def serve(self, stream: Stream, peer: str, over: Callable[[], None]) -> bool:
        """Serve a connection of PEER, accepted by this socket or, for its address, by another one; returns whether it
        goes on after this has returned, and calls OVER at its end."""
        connections = self.connections
        opened = self._open(stream, peer)
        if opened is None:
            return False
        client, port, secure, tls_peer, scope = opened
        connections.counters.add(CONNECTIONS_HANDLED, 1)
        caller = Caller(connections.forwarding, address=client, port=port, secure=secure, peer=tls_peer, scope=scope)
        if stream.alpn == HTTP2:
            Http2(connections, stream, caller).serve(over)
            return True

        def ended(seen: int) -> None:
            if seen >= 0:
                Http2(connections, stream, caller).serve(over, seen)
            else:
                over()

        Http1(connections, stream, caller).serve(ended)
        return True

    def _open(self, stream: Stream, peer: str) -> tuple[str, int, bool, Peer, Scope | None] | None:
        """Do everything that precedes HTTP: the client's address, the destination port, whether it is https, the facts
        of its handshake, and the scope. None: there will be no HTTP.
        """
        if not self.connections.proxied and not self._tls:
            return peer, self._port, False, PLAIN, self._plain_scope
        opening = Opening(stream)
        self.connections.open.add(opening)
        try:
            source = self.source(stream, peer) if self.connections.proxied else None
            origin = self._origin(peer, source)
            if not self._tls:
                return (*origin, PLAIN, self._plain_scope)
            accepted = self._handshakes.accept(stream, self._scope)
            if accepted is None:
                return None
            if accepted.stream:
                self.connections.open.discard(opening)
                self._relay(stream, accepted, peer, source)
                return None
            return (*origin, accepted.shown, Scope(self._scope, accepted.listener) if self._scope else None)
        finally:
            self.connections.open.discard(opening)

    def _relay(self, stream: Stream, accepted: Accepted, peer: str, source: Source | None) -> None:
        """Relay what is not HTTP."""
        plan = self.streams.plans.find(accepted.stream) if self.streams is not None else None
        if plan is None or self.streams is None:
            return
        self.connections.counters.add(CONNECTIONS_HANDLED, 1)
        self.streams.serve(
            plan,
            stream,
            source.address if source is not None else peer,
            protocol=TLS,
            ends=ends_of(source),
            ahead=accepted.ahead,
            secure=not accepted.passed,
        )

    def _origin(self, peer: str, source: Source | None) -> tuple[str, int, bool]:
        """As `_open`, with the values of the PROXY header."""
        if source is None:
            return peer, HTTPS_PORT if self._tls and not self._scope else self._port, self._tls
        return source.address, source.destination_port, self._tls or source.destination_port == HTTPS_PORT

    def source(self, stream: Stream, peer: str) -> Source | None:
        """The PROXY header of a trusted PEER at the beginning of STREAM; None: the addresses of the connection
        count."""
        stream.read_timeout = self.connections.proxy_header_timeout
        stream.expire_in(self.connections.proxy_header_timeout)
        try:
            source = proxy_protocol.read(stream)
        except Incomplete:  # a probe that connects and says nothing
            raise
        except MessageError as error:
            self.complain("connection from %s is closed: %s (use-proxy-protocol is on)", peer, error)
            raise
        stream.expire_in(0)
        return source if self.connections.forwarding.trusts(peer) else None

    def refuse(self, stream: Stream, peer: str) -> None:
        """Above the limit of connections: answer 503, and close."""
        connections = self.connections
        connections.counters.add(WorkerWord.CONNECTIONS_REFUSED, 1)
        self.complain(
            "more than %d connections (--max-worker-connections, limit of open files): answered 503",
            connections.most,
        )
        if connections.refusing > connections.most_refusals:
            if not self._tls and not connections.proxied:
                stream.take_socket(REFUSED_AT_ONCE)  # unread bytes would cause a reset
                stream.send(TOO_MANY)
            return
        if self.connections.proxied:
            self.source(stream, peer)
        accepted = self._handshakes.accept(stream, self._scope) if self._tls else None
        if not self._tls or (accepted is not None and not accepted.stream):
            stream.write_timeout = REFUSAL_TIMEOUT
            stream.send(TOO_MANY)
            stream.linger(0.5, REFUSED_BYTES)


def ends_of(source: Source | None) -> Ends | None:
    """The addresses of a connection according to a load balancer in front."""
    if source is None:
        return None
    return Ends(source.address, source.port, source.destination, source.destination_port)
