"""Two byte streams joined: WebSocket and any other upgraded protocol.

Each direction ends for itself (half-close); the tunnel ends when both have, when one breaks, or when neither side has
said anything for a while.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import gevent

from edge.data.errors import StreamError, StreamTimeout
from edge.table.counters import Process

if TYPE_CHECKING:
    from edge.data._stream import Stream
    from edge.table.counters import WorkerCounters


def tunnel(client: Stream, endpoint: Stream, *, timeout: float, counters: WorkerCounters) -> None:
    """Carry bytes both ways, those already buffered first, until the end of both; TIMEOUT in seconds of silence."""
    for stream in (client, endpoint):
        stream.read_timeout = stream.write_timeout = timeout
    counters.add(Process.CONNECTIONS_UPGRADED, 1)
    back = gevent.spawn(_carry, endpoint, client, timeout)
    try:
        _carry(client, endpoint, timeout)
        back.join()
    finally:
        back.kill()
        counters.add(Process.CONNECTIONS_UPGRADED, -1)


def _carry(source: Stream, sink: Stream, timeout: float) -> None:
    """Carry SOURCE's bytes to SINK until SOURCE ends; a break ends both."""
    try:
        while True:
            try:
                if not len(source) and source.fill(True) == 0:
                    sink.shutdown_output()
                    return
            except StreamTimeout:
                if sink.silence < timeout:
                    continue  # the other direction is alive
                raise
            sink.send_from(source, len(source))
    except StreamError:
        source.close()
        sink.close()
