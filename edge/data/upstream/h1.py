"""The endpoint's half of an exchange over HTTP/1.1: one connection, its requests one after another (RFC 9112)."""

from __future__ import annotations

import socket
import struct
from time import monotonic
from typing import TYPE_CHECKING, Any

import gevent

from edge.data.exchange.upstream import Upstream
from edge.data.http.h1._body import Body
from edge.data.http.h1._head import Head
from edge.data.http.h1._writing import HeadWriter
from edge.data.net.errors import ENDPOINT

if TYPE_CHECKING:
    from edge.data.http._fields import FieldLines, Limits
    from edge.data.http._message import Outgoing
    from edge.data.net._buffer import Buffer
    from edge.data.net._scheduler import Resumable
    from edge.data.net._stream import Stream
    from edge.data.upstream.target import Target

FOREVER = 1e9
"""Seconds."""
EXACT = 5.0
"""Seconds. A response that must be complete sooner has a timer: `sweep`, which comes a few times a second, would let an
endpoint of 300 ms pass where 200 ms are allowed."""
_bytes_acked = struct.Struct("=120xQ")
"""In `struct tcp_info` (Linux, since 4.1)."""


class Keeper:
    """A keeper of idle connections."""

    def keep(self, upstream: H1Upstream, now: float) -> None:
        """UPSTREAM is idle from NOW on, monotonic seconds."""
        raise NotImplementedError


class H1Upstream(Upstream):
    """A connection to TARGET."""

    def __init__(self, target: Target, stream: Stream, limits: Limits, pool: Keeper) -> None:
        """LIMITS: of the heads of responses; POOL: where it goes between two requests."""
        stream.to_endpoint = True
        self.name = target.name
        self.target = target
        self.stream = self.waiter = stream
        self.response = self.head = Head()
        self.content = self.body = Body(stream, False)
        self.requests = 0
        self.made = monotonic()
        self.doubtful = False
        """Its last response had no content where a faulty server may still send some: check the socket before reuse."""
        self.idle_since = 0.0
        self._limits = limits
        self._writer = HeadWriter(stream)
        self._pool = pool
        self._chunked = 0
        self._sent_before = 0
        """Bytes sent for earlier requests."""
        self._complete = False
        """Whether the request has been sent as a whole."""
        self._expires = False
        self._timer: Any = None
        self._last = False
        """Whether it was of HTTP/1.0, which ends the connection."""
        stream.on_surprise = self._surprised

    # --- the request ----------------------------------------------------------------------------------------------

    def begin(self, request: Outgoing, send_timeout: float, read_timeout: float) -> None:
        """As `Upstream`."""
        stream = self.stream
        stream.write_timeout = send_timeout
        stream.read_timeout = read_timeout
        self.requests += 1
        self._sent_before = stream.sent
        self.head.size = 0
        self._chunked = request.streamed()
        self._complete = False
        self._last = request.old
        self._writer.request(request)

    def expire_in(self, seconds: float) -> None:
        """As `Upstream`."""
        self.stream.expire_in(seconds)
        self._expires = seconds > 0
        if self._timer is not None:
            self._timer.close()
            self._timer = None
        if 0 < seconds < EXACT:
            self._timer = gevent.get_hub().loop.timer(seconds)
            self._timer.start(self.stream.overdue, update=True)  # what the loop takes for now may be some time ago

    def send_all(self, content: bytes) -> None:
        """As `Upstream`."""
        if content:
            self.stream.send(content)
        else:
            self.stream.flush()
        self._complete = True

    def send(self, source: Buffer, count: int) -> None:
        """As `Upstream`."""
        self.stream.send_from(source, count, self._chunked)

    def flush(self) -> None:
        """As `Upstream`."""
        self.stream.flush()

    def finish(self, trailers: FieldLines | None) -> None:
        """As `Upstream`."""
        stream = self.stream
        if self._chunked:
            stream.write(b"0\r\n")
            if trailers is not None:
                self._writer.trailers(trailers)
            else:
                stream.write(b"\r\n")
        stream.flush()
        self._complete = True

    # --- the response ---------------------------------------------------------------------------------------------

    def await_response(self, one: Resumable) -> bool:
        """As `Upstream`."""
        return self.stream.await_read(one)

    def receive(self, first: bool) -> None:
        """As `Upstream`."""
        self.head.read_response(self.stream, self._limits, first)

    def start_content(self, bodiless: bool) -> None:
        """As `Upstream`."""
        head = self.head
        if bodiless:
            self.body.start(-1, False, False)
        else:
            self.body.start(head.length, head.chunked, True)

    def trailers(self) -> FieldLines | None:
        """As `Upstream`."""
        section = self.body.trailers
        if not section:
            return None
        head = Head()
        head.read_trailers(section, self._limits, ENDPOINT)
        return head

    def length(self) -> int:
        """As `Upstream`."""
        return self.head.length

    def waiting(self) -> bool:
        """As `Upstream`."""
        return not len(self.stream)

    def at_hand(self) -> bool:
        """As `Upstream`; `Body` has decoded all that was in the buffer."""
        return self.stream.readable()

    def be_patient(self) -> float:
        """As `Upstream`."""
        patience = self.stream.read_timeout
        self.stream.read_timeout = FOREVER
        return patience

    def be_impatient(self, timeout: float) -> None:
        """As `Upstream`."""
        self.stream.restart(timeout)

    def fail(self, error: Exception) -> None:
        """As `Upstream`."""
        self.stream.fail(error)

    # --- afterwards -----------------------------------------------------------------------------------------------

    def unprocessed(self) -> bool:
        """Whether an endpoint that closed the connection did so before the last request arrived, and so has processed
        nothing of it. The kernel knows how many bytes had been acknowledged. Only for an orderly close; after a reset,
        or if it is not known, False.
        """
        if self.head.size:
            return False
        try:
            info = self.stream.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _bytes_acked.size)
        except OSError:
            return False
        # One more than was sent, because the SYN counts.
        return len(info) == _bytes_acked.size and _bytes_acked.unpack(info)[0] <= self._sent_before + 1

    def reusable(self, bodiless: bool) -> bool:
        """As `Upstream`."""
        head = self.head
        self.doubtful = bodiless
        return (
            head.keep_alive
            and self._complete
            and not self._last
            and (bodiless or head.length >= 0 or head.chunked)
            and self.stream.drained()
        )

    def open(self, check: bool) -> bool:
        """Whether an idle connection can be used; CHECK looks at the socket (one system call)."""
        return not (check or self.doubtful) or self.stream.usable()

    def release(self, now: float) -> None:
        """As `Upstream`."""
        self._pool.keep(self, now)

    def park(self, now: float) -> None:
        """Become idle at NOW, monotonic seconds."""
        self.idle_since = now
        if self._expires:
            self.expire_in(0)
        self.stream.park()

    def close(self) -> None:
        """As `Upstream`."""
        if self._expires:
            self.expire_in(0)
        self.stream.close()

    def switched(self) -> Stream:
        """As `Upstream`."""
        self.expire_in(0)
        return self.stream

    def _surprised(self, stream: Stream) -> None:
        if not self.idle_since:
            return
        if stream.usable():  # a TLS record without application data
            stream.park()
        else:
            self.target.idle.remove(self)
            stream.close()
