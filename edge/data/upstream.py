"""Connections to endpoints: made, used again, given up.

Rules of this file:
- An idle connection is watched: what arrives on it, an end or a stray byte, closes it at once.
- Idle connections are used last in, first out, and are bounded in number and age.
"""

from __future__ import annotations

import errno
import os
import socket
from time import monotonic
from typing import TYPE_CHECKING

from edge.data._body import Body
from edge.data._head import Head
from edge.data._stream import Stream
from edge.data.errors import StreamTimeout
from edge.data.private import new_socket
from edge.table.counters import Process

if TYPE_CHECKING:
    from edge.data.balancing import Target, Targets
    from edge.table.counters import WorkerCounters


class ConnectError(Exception):
    """No connection could be made; `status` is what a client is told if no other endpoint helps."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Upstream:
    """A connection to TARGET."""

    def __init__(self, target: Target, stream: Stream) -> None:
        self.target = target
        self.stream = stream
        self.head = Head()
        self.body = Body(stream, False)
        self.requests = 0
        self.idle_since = 0.0
        """When it became idle, monotonic seconds; 0: in use."""
        stream.on_surprise = self._surprised

    def close(self) -> None:
        """End it."""
        self.stream.close()

    def _surprised(self, stream: Stream) -> None:
        if self.idle_since:
            self.target.idle.remove(self)
            stream.close()


class Upstreams:
    """The connections of this worker."""

    def __init__(self, counters: WorkerCounters, *, keep: int, keep_for: float) -> None:
        """Idle connections: KEEP at most, each for KEEP_FOR seconds."""
        self._counters = counters
        self._keep = keep
        self._keep_for = keep_for

    def reuse(self, target: Target, check: bool) -> Upstream | None:
        """An idle connection to TARGET; CHECK looks once more whether it is open (one system call)."""
        while target.idle:
            upstream = target.idle.pop()
            upstream.idle_since = 0.0
            if not check or upstream.stream.usable():
                return upstream
            upstream.close()
        return None

    def connect(self, target: Target, timeout: float) -> Upstream:
        """A new connection to TARGET within TIMEOUT seconds.

        Raises:
            ConnectError: 504 after the timeout, else 502.
        """
        try:
            sock = new_socket(socket.AF_INET6 if ":" in target.address else socket.AF_INET)
        except OSError as error:
            raise ConnectError(502, f"{target.name}: {error.strerror}") from error
        code = sock.connect_ex((target.address, target.port))
        if code not in (0, errno.EINPROGRESS):
            sock.close()
            raise ConnectError(502, f"{target.name}: {os.strerror(code)}")
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
        self._counters.add(Process.UPSTREAM_CONNECTIONS, 1)
        return Upstream(target, stream)

    def release(self, upstream: Upstream, now: float) -> None:
        """UPSTREAM has done its request and may do another."""
        target = upstream.target
        if upstream.stream.hung_up or not target.users or len(target.idle) >= self._keep:
            upstream.close()
            return
        upstream.idle_since = now
        target.idle.append(upstream)
        upstream.stream.park()

    def expire(self, targets: Targets) -> None:
        """Close what has been idle for too long, and the longest idle ones above the limit."""
        oldest = monotonic() - self._keep_for
        idle = sorted(targets.idle(), key=lambda upstream: upstream.idle_since, reverse=True)
        for position, upstream in enumerate(idle):
            if position >= self._keep or upstream.idle_since < oldest:
                upstream.target.idle.remove(upstream)
                upstream.close()
