"""The lines of streams in the access log: one for each session that has ended, as `--log-format-stream` says."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, NamedTuple

from edge.table.templates import parse
from edge.table.variables import STREAM

if TYPE_CHECKING:
    from edge.data.observe.access_log import AccessLog
    from edge.settings import Settings


class Ended(NamedTuple):
    """A session of a stream that has ended."""

    protocol: str
    """`tcp`, `tls` or `udp`."""
    address: str
    """Of the client."""
    status: int
    seconds: float
    connecting: float
    """Seconds until an endpoint took the connection, or none did; -1: none was asked."""
    received: int
    """Bytes from the client."""
    sent: int
    """Bytes to the client."""
    endpoint: str
    """Empty: there was none."""


class StreamLog:
    """Adds lines to the access log."""

    def __init__(self, access_log: AccessLog, text: str, *, as_json: bool) -> None:
        """By the template TEXT, or AS_JSON."""
        self._access_log = access_log
        self._template = parse(text, STREAM)
        self._as_json = as_json

    def tune(self, settings: Settings, _: object) -> None:
        """Go by SETTINGS from now on."""
        self._template = parse(settings.log_format_stream, STREAM)

    def add(self, ended: Ended, upstream: str) -> None:
        """A session with an endpoint of UPSTREAM, the name of a Service's port, has ended."""
        values = _json(ended, upstream) if self._as_json else self._template.fill(_variables(ended, upstream))
        if self._access_log.lines.append(values.encode() + b"\n"):
            self._access_log.flush()


def _json(ended: Ended, upstream: str) -> str:
    now = time.time()
    members = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03d}Z",
        "protocol": ended.protocol.upper(),
        "remote_addr": ended.address,
        "status": ended.status,
        "session_time": round(ended.seconds, 3),
        "bytes_received": ended.received,
        "bytes_sent": ended.sent,
        "proxy_upstream_name": upstream,
        "upstream_addr": ended.endpoint,
    }
    return json.dumps(members, separators=(",", ":"))


def _variables(ended: Ended, upstream: str) -> dict[str, str]:
    now = time.time()
    return {
        "remote_addr": ended.address,
        "time_local": time.strftime("%d/%b/%Y:%H:%M:%S %z", time.localtime(now)),
        "time_iso8601": time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(now)),
        "msec": f"{now:.3f}",
        "protocol": "UDP" if ended.protocol == "udp" else "TCP",
        "status": str(ended.status),
        "bytes_sent": str(ended.sent),
        "bytes_received": str(ended.received),
        "session_time": f"{ended.seconds:.3f}",
        "upstream_addr": ended.endpoint or "-",
        "upstream_connect_time": f"{ended.connecting:.3f}" if ended.connecting >= 0 else "-",
        "proxy_upstream_name": upstream,
    }
