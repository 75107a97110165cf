"""Sockets to listen on."""

from __future__ import annotations

from enum import IntEnum

from edge.table.record import Record

LISTENERS = "listeners:"
"""Key of the `Listeners` record, in the routes part."""


class Wire(IntEnum):
    """The protocol of a listening socket."""

    HTTP = 0
    """HTTP, or TLS with HTTP or a stream in it."""
    TCP = 1
    """Connections that are relayed (`edge.table.streams`)."""
    UDP = 2
    """Datagrams that are relayed."""


class Listening(Record, frozen=True):
    """A socket to listen on, beside those of `--http` and `--https`."""

    address: str
    """IPv4 or IPv6, without brackets."""
    port: int
    scope: str
    """Requests are for the hosts of this scope: a Gateway and a port. Streams belong to the `StreamRoute` of this
    scope."""
    tls: bool = False
    wire: Wire = Wire.HTTP


class Listeners(Record, frozen=True):
    """All sockets to listen on beside those of `--http` and `--https`. Key: `LISTENERS`."""

    sockets: tuple[Listening, ...] = ()
