"""The records of streams: connections and datagrams that are relayed without HTTP.

Rules of this file:
- As in `edge.table.records` no record knows which API asked for it: a ConfigMap of TCP services, a TCPRoute and an
  Ingress with ssl-passthrough are translated to the same ones.
- A stream belongs to the scope of the sockets that accept it (`edge.table.records.Listening`), or, over TLS, to
  a server name in that scope.
"""

from __future__ import annotations

from enum import IntEnum

from edge.table.record import Record
from edge.table.records import Backend, Owner

STREAM = "s:"
"""Begins the keys of `StreamRoute` records, in the routes part; no host name has a colon."""
SERVER_STREAM = "n:"
"""Begins those of streams that belong to a TLS server name."""
SERVER_STREAMS = "streams:"
"""Key of the `ServerStreams` record, in the routes part."""
ANY = -1
"""Of `StreamRoute.responses`: as many as there are."""


class ProxyHeader(IntEnum):
    """The PROXY protocol header that endpoints get first."""

    NONE = 0
    V1 = 1
    V2 = 2


class StreamRoute(Record, frozen=True):
    """Where the connections or datagrams of a listener, or of a TLS server name, go.

    Key: `stream_key(scope)` or `server_stream_key(scoped(scope, host))`, where the host may be a wildcard.
    """

    owner: Owner = Owner()
    backends: tuple[Backend, ...] = ()
    """Each connection, and each session of datagrams, goes to one of them, by their weights."""
    by_client: bool = False
    """Whether connections of one client address go to the same endpoint; else the Service's balance decides."""
    terminate: bool = False
    """Over TLS: Edge terminates it, and endpoints get the plain bytes; else TLS is passed through."""
    proxied: bool = False
    """Whether each connection begins with a PROXY protocol header; of streams with a TLS server name the process's
    setting holds."""
    send_proxy: ProxyHeader = ProxyHeader.NONE
    idle_timeout: float = 600.0
    """Seconds of silence in both directions that end a connection or session."""
    connect_timeout: float = 5.0
    tries: int = 3
    """Endpoints that are tried until one takes the connection; 0: all."""
    tries_timeout: float = 600.0
    """Seconds after which no other one is tried; 0: no limit."""
    responses: int = 1
    """Datagrams with which an endpoint answers one of a client, after which the session ends; `ANY`: it ends by timeout
    alone."""


class ServerStreams(Record, frozen=True):
    """The scopes with streams by TLS server name; without it none is looked up. Key: `SERVER_STREAMS`."""

    scopes: tuple[str, ...] = ()
    """The empty one: at Edge's own addresses."""


def stream_key(scope: str) -> str:
    """Key of the stream of the sockets of SCOPE."""
    return f"{STREAM}{scope}"


def server_stream_key(host: str) -> str:
    """Key of the stream of a TLS server name; HOST: `edge.table.records.scoped` of its scope, maybe a wildcard."""
    return f"{SERVER_STREAM}{host}"


def is_stream(key: str) -> bool:
    """Whether the record under KEY of the routes part is a `StreamRoute`."""
    return key.startswith((STREAM, SERVER_STREAM))
