"""Connections to endpoints: opened, reused, closed.

Rules of this file:
- An idle connection is watched: an end or a stray byte on it closes it at once.
- Idle connections are used last in, first out, and are bounded in number, age and requests. Those above the limit of
  their number are closed after a moment and not at once, because a burst of requests needs them again.
- A lack of descriptors or ports in this process does not count against the endpoint.
"""

from __future__ import annotations

import errno
import os
import socket
import ssl
from time import monotonic
from typing import TYPE_CHECKING, Any

from edge.data.http.h2.errors import Http2Error
from edge.data.net._stream import Stream
from edge.data.net.errors import StreamError, StreamTimeout
from edge.data.net.private import new_socket
from edge.data.upstream.fast_cgi import FastCgiUpstream
from edge.data.upstream.h1 import H1Upstream, Keeper
from edge.data.upstream.h2_connection import H2Connection
from edge.data.upstream.h2_pool import connect, take
from edge.data.upstream.tls import reason
from edge.table.counters import WorkerWord
from edge.table.records import Protocol

if TYPE_CHECKING:
    from edge.data.exchange.upstream import Upstream
    from edge.data.http._fields import Limits
    from edge.data.upstream.h2 import H2Upstream
    from edge.data.upstream.target import Idle, Target, Targets
    from edge.data.upstream.tls import EndpointTls
    from edge.settings import Settings
    from edge.table.counters import WorkerCounters
    from edge.table.parameters import Parameters


SHED = 16
"""Idle connections that are closed at a time to make room for others."""
BURST = 1.0
"""Seconds for which idle connections above the limit are kept."""
MOST_EXPIRED = 256
"""Connections closed in one go: closing one takes some 10 microseconds, and everything else waits meanwhile."""
LACKING = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))
OURS = LACKING | {errno.EADDRNOTAVAIL, errno.EAGAIN}
"""Errors of a connect(2) that say nothing about the endpoint."""


FOREVER = 1e9
"""Seconds."""


class ConnectError(Exception):
    """No connection could be made; `status` is the answer to the client if no other endpoint works."""

    def __init__(self, status: int, reason: str, *, ours: bool = False) -> None:
        """OURS: this machine lacks something."""
        super().__init__(reason)
        self.status = status
        self.ours = ours


class Pool(Keeper):
    """The connections of this worker to endpoints."""

    def __init__(self, counters: WorkerCounters, targets: Targets, limits: Limits) -> None:
        """To TARGETS; LIMITS: of the heads of responses. `tune` says which connections are kept."""
        self._limits = limits
        self._counters = counters
        self._targets = targets
        self._keep = 0
        self._keep_for = 0.0
        self._most_requests = 0
        self._longest_life = 0.0
        self._spares: list[H2Upstream] = []
        """Halves of requests over HTTP/2 that can be used again."""

    def tune(self, settings: Settings, parameters: Parameters) -> None:
        """From now on keep connections as SETTINGS and PARAMETERS say."""
        self._keep = settings.upstream_keepalive_connections
        self._keep_for = settings.upstream_keepalive_timeout
        self._most_requests = parameters.upstream_keepalive_requests
        self._longest_life = parameters.upstream_keepalive_time

    def reuse(self, target: Target, check: bool) -> Upstream | None:
        """An idle connection to TARGET; CHECK looks once more whether it is open (one system call)."""
        while target.idle:
            upstream: Any = target.idle.pop()
            upstream.idle_since = 0.0
            if upstream.open(check):
                return upstream  # type: ignore[no-any-return]  # only upstreams are kept
            upstream.close()
        return take(target, check) if target.shares else None

    def connect(self, target: Target, timeout: float) -> Upstream:
        """A new connection to TARGET within TIMEOUT seconds; where connections are shared, one that has room.

        Raises:
            ConnectError: 504 after the timeout, which a TLS handshake may take once more; 503 where descriptors are
                lacking; else 502.
        """
        if target.shares:
            try:
                return connect(target, timeout, lambda: self._share(target, timeout))
            except TimeoutError as error:
                raise ConnectError(504, f"{target.name}: no connection within {timeout:g} s") from error
        stream = self.open(target, timeout)
        if target.transport.protocol is Protocol.FASTCGI:
            return FastCgiUpstream(target, stream, self._limits)
        return H1Upstream(target, stream, self._limits, self)

    def _share(self, target: Target, timeout: float) -> H2Connection:
        """A new connection to TARGET that several requests share; TIMEOUT and errors as for `connect`."""
        stream = self.open(target, timeout)
        connection = H2Connection(target, stream, self._limits, self._spares)
        try:
            connection.begin(timeout or FOREVER)
        except StreamTimeout as error:
            stream.close()
            raise ConnectError(504, f"{target.name}: no HTTP/2 within {timeout:g} s") from error
        except (Http2Error, StreamError) as error:
            stream.close()
            raise ConnectError(502, f"{target.name}: no HTTP/2: {error}") from error
        except BaseException:
            stream.close()
            raise
        if not connection.has_room(False):
            connection.close()
            raise ConnectError(502, f"{target.name}: it allows no request over HTTP/2")
        return connection

    def open(self, target: Target, timeout: float) -> Stream:
        """A new stream to TARGET, with TLS where that is its transport's; as `connect`."""
        sock = self._socket(target)
        code = sock.connect_ex((target.address, target.port))
        if code not in (0, errno.EINPROGRESS):
            sock.close()
            raise ConnectError(502, f"{target.name}: {os.strerror(code)}", ours=code in OURS)
        stream = Stream(sock)
        stream.write_timeout = timeout
        try:
            if code:
                stream.wait_writable()
                code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        except StreamTimeout as error:
            stream.close()
            raise ConnectError(504, f"{target.name}: no connection within {timeout:g} s") from error
        except BaseException:
            stream.close()
            raise
        if code:
            stream.close()
            raise ConnectError(502, f"{target.name}: {os.strerror(code)}")
        if target.tls is not None:
            _secure(stream, target, target.tls, timeout)
        self._counters.add(WorkerWord.UPSTREAM_CONNECTIONS, 1)
        return stream

    def _socket(self, target: Target) -> Any:
        try:
            return new_socket(socket.AF_INET6 if ":" in target.address else socket.AF_INET)
        except OSError as error:
            if error.errno in LACKING and self.shed():
                return self._socket(target)
            raise ConnectError(503, f"{target.name}: {error.strerror}", ours=True) from error

    def keep(self, upstream: H1Upstream, now: float) -> None:
        """UPSTREAM has finished its request, and may serve another one."""
        target = upstream.target
        if (
            not target.users
            or self._keep <= 0
            or upstream.requests >= self._most_requests
            or now - upstream.made > self._longest_life
        ):
            upstream.close()
            return
        target.idle.append(upstream)
        upstream.park(now)

    def expire(self) -> None:
        """Close connections that have been idle for too long, and the longest idle ones above the limit, a part of them
        at a time."""
        now = monotonic()
        idle = self._idle()
        above = len(idle) - self._keep
        for number, upstream in enumerate(reversed(idle[-MOST_EXPIRED:])):
            since = upstream.idle_since
            if since < now - self._keep_for or (number < above and since < now - BURST):
                _drop(upstream)

    def shed(self) -> bool:
        """Close some of the longest idle connections, because descriptors are lacking; returns whether there were
        any."""
        longest = self._idle()[-SHED:]
        for upstream in longest:
            _drop(upstream)
        return bool(longest)

    def _idle(self) -> list[Idle]:
        """The idle connections, the longest idle ones last."""
        return sorted(self._targets.idle(), key=lambda upstream: upstream.idle_since, reverse=True)


def _secure(stream: Stream, target: Target, tls: EndpointTls, timeout: float) -> None:
    """Speak TLS on STREAM to TARGET, within TIMEOUT seconds."""
    stream.read_timeout = timeout
    stream.expire_in(timeout)
    try:
        tls.begin(stream, target.session)
    except StreamTimeout as error:
        stream.close()
        raise ConnectError(504, f"{target.name}: no TLS handshake within {timeout:g} s") from error
    except (ssl.SSLError, StreamError) as error:
        stream.close()
        raise ConnectError(502, f"{target.name}: TLS: {reason(error)}") from error
    except BaseException:
        stream.close()
        raise
    stream.expire_in(0)


def _drop(upstream: Idle) -> None:
    if upstream in upstream.target.idle:  # a shared one removes itself
        upstream.target.idle.remove(upstream)
    upstream.close()
