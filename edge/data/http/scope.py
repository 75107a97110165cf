"""The listeners at which a request arrived, if it was not at one of Edge's own addresses."""

from __future__ import annotations

from typing import NamedTuple


class Scope(NamedTuple):
    """The listeners of one Gateway at one port (`edge.table.records.Listening`)."""

    name: str
    listener: str | None
    """Host name of the listener that the TLS server name has chosen; None: the connection is plain."""
