"""How requests are logged, as ingress-nginx's ConfigMap sets it: the same for all routes and workers.

Rules of this file: a key that the control plane cannot read has its default here.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from edge.table.record import Record

UPSTREAM_FORMAT: Final = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"'
    " $request_length $request_time [$proxy_upstream_name] [$proxy_alternative_upstream_name] $upstream_addr"
    " $upstream_response_length $upstream_response_time $upstream_status $req_id"
)
"""ingress-nginx's default format."""


class Escape(IntEnum):
    """Escaping of values (nginx docs, "log_format")."""

    DEFAULT = 0
    """Controls, quotes, backslashes and what is not ASCII become `\\xXX`; absent values become `-`."""
    JSON = 1
    """As within a string of JSON (RFC 8259, section 7); absent values are empty."""
    NONE = 2
    """None, except control characters, which could end a line; absent values are empty."""


class AccessLogging(Record, frozen=True):
    """Whether, where and how requests and streams are logged; part of `edge.table.parameters.Parameters`."""

    on: bool = True
    streams: bool = True
    """Whether sessions of streams are logged."""
    format: str = ""
    """A text with variables (`edge.table.variables.LOG`); empty: as the worker was started (`--log-format`)."""
    escape: Escape = Escape.DEFAULT
    skipped: tuple[str, ...] = ()
    """Request targets without a line: as they came, whatever their case, or `~` and a regular expression (`~*`:
    whatever its case)."""
    unmatched: bool = True
    """Whether requests are logged that no Ingress takes."""
    path: str = ""
    """A file that lines are appended to; empty: standard output."""
    syslog: str = ""
    """In place of the file: `HOST:PORT` of a server that takes datagrams (RFC 5426), or `unix:` and the path of its
    socket."""
