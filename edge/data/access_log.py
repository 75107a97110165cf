"""The access log: one line a request to standard output, in ingress-nginx's default format or as JSON.

Rules of this file:
- A line costs a formatting and an append; a thread of the operating system writes what has been gathered, so a slow
  reader of the log never stops the event loop. What it does not take in time is dropped and counted.
- Lines of several workers share one pipe: pieces of at most PIPE_BUF bytes, cut between lines, keep lines whole
  (pipe(7)).
- What clients sent is escaped as nginx does it, so that no line can be forged.
"""

from __future__ import annotations

import json
import os
import queue
import re
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from edge.table.counters import Process

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.table.counters import WorkerCounters

PIECE = 4096
"""PIPE_BUF of Linux."""
GATHER = 65536
"""Bytes after which lines are handed over before `flush` is called."""
MOST_WAITING = 64
"""Hand-overs that may wait for the reader of the log."""
_UNSAFE = re.compile(rb'[\x00-\x1f"\\\x7f-\xff]')


class Entry(NamedTuple):
    """What is known of one request when it has ended. Times in seconds, sizes in bytes."""

    address: str
    method: bytes
    target: bytes
    version: int
    status: int
    body_sent: int
    referer: bytes | None
    agent: bytes | None
    received: int
    duration: float
    upstream_name: str
    upstream_address: str
    """Empty: no endpoint was asked."""
    upstream_received: int
    upstream_time: float
    upstream_status: int
    request_id: bytes
    host: bytes
    namespace: str
    ingress: str
    service: str
    port: str


class AccessLog:
    """Writes lines to the descriptor FD."""

    def __init__(self, counters: WorkerCounters, *, as_json: bool, fd: int = 1) -> None:
        self._counters = counters
        self._fd = fd
        self._format = json_line if as_json else Text().line
        self._lines: list[bytes] = []
        self._size = 0
        self._queue: queue.SimpleQueue[list[bytes] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="access log", daemon=True)
        self._thread.start()

    def request(self, entry: Entry) -> None:
        """Log ENTRY."""
        line = self._format(entry)
        self._lines.append(line)
        self._size += len(line)
        if self._size > GATHER:
            self.flush()

    def flush(self) -> None:
        """Hand over what has been gathered."""
        lines = self._lines
        if not lines:
            return
        self._lines = []
        self._size = 0
        if self._queue.qsize() < MOST_WAITING:
            self._queue.put(lines)
        else:
            self._counters.add(Process.ACCESS_LOG_DROPPED, len(lines))

    def close(self, timeout: float = 1.0) -> None:
        """Write what is left, for TIMEOUT seconds at most."""
        self.flush()
        self._queue.put(None)
        self._thread.join(timeout)

    def _write(self) -> None:
        while (lines := self._queue.get()) is not None:
            try:
                for piece in pieces(lines):
                    _write_all(self._fd, piece)
            except OSError:
                continue  # nobody reads; the next hand-over tries again


def pieces(lines: list[bytes]) -> Iterator[bytes]:
    """LINES joined into pieces of at most PIECE bytes; a longer line is a piece of its own."""
    piece: list[bytes] = []
    size = 0
    for line in lines:
        if size + len(line) > PIECE and piece:
            yield b"".join(piece)
            piece, size = [], 0
        piece.append(line)
        size += len(line)
    yield b"".join(piece)


def _write_all(fd: int, data: bytes) -> None:
    while data:
        try:
            data = data[os.write(fd, data) :]
        except BlockingIOError:  # somebody made the shared descriptor non-blocking
            time.sleep(0.01)


class Text:
    """ingress-nginx's `upstreaminfo` format."""

    def __init__(self) -> None:
        self._second = -1
        self._time = b""

    def line(self, entry: Entry) -> bytes:
        """ENTRY as a line."""
        now = int(time.time())
        if now != self._second:
            self._second = now
            self._time = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)).encode()
        asked = entry.upstream_address
        upstream = (
            b"%b %d %.3f %d"
            % (asked.encode(), entry.upstream_received, max(entry.upstream_time, 0.0), entry.upstream_status)
            if asked
            else b"- - - -"
        )
        return b'%b - - [%b] "%b %b HTTP/%d.%d" %d %d "%b" "%b" %d %.3f [%b] [] %b %b\n' % (
            entry.address.encode(),
            self._time,
            entry.method,
            _escape(entry.target),
            entry.version // 10,
            entry.version % 10,
            entry.status,
            entry.body_sent,
            _escape(entry.referer) if entry.referer else b"-",
            _escape(entry.agent) if entry.agent else b"-",
            entry.received,
            entry.duration,
            entry.upstream_name.encode(),
            upstream,
            _escape(entry.request_id),
        )


def json_line(entry: Entry) -> bytes:
    """ENTRY as a line that is a JSON object."""
    asked = entry.upstream_address
    fields = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "remote_addr": entry.address,
        "method": _text(entry.method),
        "host": _text(entry.host),
        "target": _text(entry.target),
        "protocol": f"HTTP/{entry.version // 10}.{entry.version % 10}",
        "status": entry.status,
        "body_bytes_sent": entry.body_sent,
        "request_length": entry.received,
        "request_time": round(entry.duration, 6),
        "referer": _text(entry.referer),
        "user_agent": _text(entry.agent),
        "request_id": _text(entry.request_id),
        "namespace": entry.namespace,
        "ingress": entry.ingress,
        "service": entry.service,
        "service_port": entry.port,
        "upstream_addr": asked,
        "upstream_status": entry.upstream_status if asked else None,
        "upstream_response_length": entry.upstream_received if asked else None,
        "upstream_response_time": round(entry.upstream_time, 6) if asked and entry.upstream_time >= 0 else None,
    }
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


def _text(value: bytes | None) -> str | None:
    return value.decode("utf-8", "backslashreplace") if value is not None else None


def _escape(value: bytes) -> bytes:
    if value.isascii() and _UNSAFE.search(value) is None:
        return value
    return _UNSAFE.sub(lambda match: b"\\x%02X" % match[0][0], value)
