"""Two byte streams joined: WebSocket and any other upgraded protocol.

Each direction ends separately (half-close). The tunnel ends when both directions have ended, when one breaks, or when
both sides are silent for too long.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import gevent

from edge.data.net.errors import StreamError, StreamTimeout
from edge.table.counters import WorkerWord

if TYPE_CHECKING:
    from edge.data.net._stream import Stream
    from edge.table.counters import WorkerCounters

HALF_CLOSED = 60.0
"""Longest silence, in seconds, after one side has ended: the other one may not have noticed."""


def tunnel(client: Stream, endpoint: Stream, *, timeout: float, counters: WorkerCounters) -> None:
    """Carry bytes both ways, those already buffered first, until the end of both; TIMEOUT in seconds of silence."""
    counters.add(WorkerWord.CONNECTIONS_UPGRADED, 1)
    try:
        carry_both(client, endpoint, timeout)
    finally:
        counters.add(WorkerWord.CONNECTIONS_UPGRADED, -1)


def carry_both(client: Stream, endpoint: Stream, timeout: float) -> None:
    """Carry bytes both ways, as `tunnel`."""
    both = Tunnel(timeout)
    client.write_timeout = endpoint.write_timeout = timeout
    back = gevent.spawn(both.carry, endpoint, client)
    try:
        both.carry(client, endpoint)
        back.join()
    finally:
        back.kill()


class Tunnel:
    """Two directions and their common timeout."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout

    def carry(self, source: Stream, sink: Stream) -> None:
        """Copy bytes from SOURCE to SINK until SOURCE ends; an error ends both."""
        try:
            while len(source) or self._fill(source, sink):
                sink.send_from(source, len(source))
            sink.shutdown_output()
            self._timeout = min(self._timeout, HALF_CLOSED)
            sink.restart(self._timeout)
        except StreamError:
            source.close()
            sink.close()

    def _fill(self, source: Stream, sink: Stream) -> int:
        """Read from SOURCE, while either side sends something; 0 at its end."""
        source.read_timeout = self._timeout
        while True:
            try:
                return source.fill(True)
            except StreamTimeout:
                left = self._timeout - sink.silence
                if left <= 0:
                    raise
                source.read_timeout = left  # the other direction is alive
