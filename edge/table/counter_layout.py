"""Layout of the counters' files, in one place for the workers that write and the control plane that reads.

A worker owns a slot: `worker.<slot>`, locked by it for as long as it lives, and `series.<slot>.<n>`. The files stay
when it dies and the next owner of the slot goes on from what they say, so a sum over all slots never goes backwards.

- `worker.<slot>`: a page; `FILE_HEAD`, then the words of `WorkerWord`, 8 bytes each, little-endian and aligned.
- `series.<slot>.<n>`: `FILE_HEAD`, padded to `SERIES_FIRST` bytes, then entries one behind the other. An entry is a
  multiple of 64 bytes: sequence word (odd while the entry changes), size of the entry, length of the key (0: the entry
  is free), serial of the key, `VALUES` words of numbers, the key. The numbers are two histograms of times (request,
  endpoint; a word per bucket of `TIME_BUCKETS`, one for what is above, the sum in nanoseconds) and two of sizes
  (received, sent; the same by `SIZE_BUCKETS`, the sum in bytes). Buckets are not cumulative. Size 0 ends the file.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import TYPE_CHECKING, Final

import msgspec

from edge.table.records import Backend, upstream_name

if TYPE_CHECKING:
    from edge.table.records import Route
    from edge.table.streams import StreamRoute

VERSION: Final = 2
"""Of these files; those of another version are left alone by readers and replaced by the next owner of the slot."""

FILE_HEAD: Final = struct.Struct("<8sII")
"""Magic, VERSION, slot."""
WORKER_NAME: Final = "worker."
WORKER_MAGIC: Final = b"EDGEWRK\x00"
WORKER_SIZE: Final = 4096
WORKER_FIRST: Final = FILE_HEAD.size // 8
"""Index of the word of the first `WorkerWord`."""
SERIES_NAME: Final = "series."
SERIES_MAGIC: Final = b"EDGESER\x00"
SERIES_FIRST: Final = 64
SERIES_MIN: Final = 64 * 1024
SERIES_MAX: Final = 1024 * 1024
"""Sizes of series files: the first is the smallest, each further one twice as large up to the largest."""
LONGEST_KEY: Final = 16 * 1024
"""Bytes; what has longer labels is counted in the route of `OTHER`."""


class WorkerWord(IntEnum):
    """The words of a worker. Those in `GAUGES` go up and down, all others only grow."""

    PID = 0
    """As the worker sees it; it may live in another container."""
    STARTED = 1
    """Unix nanoseconds."""
    HEARTBEAT = 2
    """CLOCK_MONOTONIC nanoseconds of the last heartbeat."""
    GENERATION = 3
    """Of the table in force."""
    TABLE_REFUSALS = 4
    """Tables, or records of one, that were torn, corrupt or of another version."""
    CPU_MICROSECONDS = 5
    """User and system time."""
    RESIDENT_BYTES = 6
    VIRTUAL_BYTES = 7
    CONNECTIONS_ACCEPTED = 8
    CONNECTIONS_HANDLED = 9
    """Accepted, and not refused because of the limit."""
    CONNECTIONS_ACTIVE = 10
    """Open connections of clients: reading, writing, waiting and upgraded ones."""
    CONNECTIONS_READING = 11
    """A request head is being read."""
    CONNECTIONS_WRITING = 12
    """A request is being served, and the connection has not been upgraded."""
    CONNECTIONS_WAITING = 13
    """Idle between two requests."""
    CONNECTIONS_UPGRADED = 14
    CONNECTIONS_REFUSED = 15
    """Over the limit of connections."""
    BYTES_IN = 16
    BYTES_OUT = 17
    REQUESTS = 18
    """Requests that a route took, those of routes that are gone included."""
    BAD_REQUESTS = 19
    """Malformed requests, answered 4xx without looking for a route."""
    UNMATCHED = 20
    """Requests that no route takes."""
    HANDSHAKES = 21
    """TLS handshakes that succeeded."""
    HANDSHAKES_RESUMED = 22
    HANDSHAKE_FAILURES = 23
    UPSTREAM_CONNECTIONS = 24
    """Opened to endpoints."""
    UPSTREAM_IDLE = 25
    UPSTREAM_CONNECT_FAILURES = 26
    RETRIES = 27
    EJECTIONS = 28
    """Endpoints left out for a while because they failed."""
    STARTS = 29
    """Of workers in this slot."""
    ACCESS_LOG_DROPPED = 30
    """Access lines dropped because the log's reader was too slow."""
    SERIES = 31
    """Entries in use."""
    SERIES_FOLDED = 32
    """Series that were not made because there was no room: their requests are counted under `OTHER`, or not by route at
    all."""
    DRAINING = 33
    """1: it finishes what it has and accepts no more."""
    CLOSED_ROUTES = 34
    """Plans made of routes that are closed, because of a policy that this worker does not know."""
    STREAMS_ACTIVE = 35
    """Connections that are relayed, without HTTP."""
    SESSIONS_ACTIVE = 36
    """Sessions of datagrams."""
    DATAGRAMS_IN = 37
    """From clients."""
    DATAGRAMS_OUT = 38
    DATAGRAMS_DROPPED = 39
    """From clients, because there was no endpoint or no room."""
    TEMPORARY_BYTES = 40
    """On disk, in files with bodies of requests and responses."""


GAUGES: Final = frozenset(
    (
        WorkerWord.PID,
        WorkerWord.STARTED,
        WorkerWord.HEARTBEAT,
        WorkerWord.GENERATION,
        WorkerWord.RESIDENT_BYTES,
        WorkerWord.VIRTUAL_BYTES,
        WorkerWord.CONNECTIONS_ACTIVE,
        WorkerWord.CONNECTIONS_READING,
        WorkerWord.CONNECTIONS_WRITING,
        WorkerWord.CONNECTIONS_WAITING,
        WorkerWord.CONNECTIONS_UPGRADED,
        WorkerWord.UPSTREAM_IDLE,
        WorkerWord.STREAMS_ACTIVE,
        WorkerWord.SESSIONS_ACTIVE,
        WorkerWord.SERIES,
        WorkerWord.DRAINING,
        WorkerWord.TEMPORARY_BYTES,
    )
)
"""Words that the next owner of a slot starts at zero."""


class RouteLabels(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The labels under which a route's requests are counted."""

    kind: str
    """Of the object that the route comes from: Ingress, HTTPRoute; empty: a flag."""
    namespace: str
    """Of that object."""
    ingress: str
    """Name of that object."""
    service: str
    """Empty where the route names none."""
    host: str
    """As the Ingress writes it: a wildcard stays one; empty: any host."""
    path: str
    """Of the Ingress, not of the request."""
    canary: str
    """Namespace, name and port of the canary's Service, joined by `-`; empty: the request was not the canary's."""


def backends_of(route: Route) -> tuple[Backend, ...]:
    """The backends of ROUTE; where none has a share of its requests, one that stands for Edge's own answer.

    Without any share the answer is 500 (Gateway API, BackendRef.weight), unless a policy gives one.
    """
    if any(one.weight > 0 for one in route.backends):
        return route.backends
    return (Backend(status=500 if route.backends else 404),)


def labels_of(host: str, route: Route, backend: Backend) -> RouteLabels:
    """The labels of requests to BACKEND by ROUTE, in the record of HOST.

    A canary's are those of the first backend, and its own name beside, as in ingress-nginx.
    """
    main = route.backends[0] if backend.canary else backend
    return RouteLabels(
        kind=route.owner.kind,
        namespace=route.owner.namespace or backend.namespace,
        ingress=route.owner.name,
        service=main.service,
        host=host,
        path=route.path,
        canary=upstream_name(backend.namespace, backend.service, backend.port) if backend.canary else "",
    )


class SeriesKey(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The key of an entry: route, method, status of HTTP and of gRPC."""

    labels: RouteLabels
    method: str
    status: int
    grpc: int = -1
    """Below 0: the request was no call of gRPC, or its status is not known."""

    @property
    def code(self) -> int:
        """Both statuses as one number."""
        return code_of(self.status, self.grpc)


def code_of(status: int, grpc: int) -> int:
    """A status of HTTP, and one of gRPC (below 0: there is none), as one number: the former where that is all."""
    return status + GRPC * (grpc + 1)


def stream_labels(key: str, stream: StreamRoute, backend: Backend) -> RouteLabels:
    """The labels of sessions of the STREAM under KEY that go to BACKEND."""
    return RouteLabels(
        kind=stream.owner.kind,
        namespace=stream.owner.namespace or backend.namespace,
        ingress=stream.owner.name,
        service=backend.service,
        host="",
        path=key,
        canary="",
    )


OTHER: Final = RouteLabels(
    kind="", namespace="_other", ingress="_other", service="_other", host="_other", path="", canary=""
)
"""Routes for which there is no room; an underscore is in no name that Kubernetes allows."""
OTHER_METHOD: Final = "OTHER"
METHODS: Final = {
    name.encode(): name for name in ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")
}
"""Methods of RFC 9110 and RFC 5789; all others are `OTHER_METHOD`."""

STREAMS: Final = frozenset(("tcp", "tls", "udp"))
"""What stands in the place of a method in the key of a stream's sessions; no method of a request is counted so."""

GRPC: Final = 1000
"""In the number of a key, each status of gRPC has as many numbers: more than there are statuses of HTTP."""

_Key = tuple[str, str, str, str, str, str, str, str, int]
_decoder = msgspec.msgpack.Decoder(_Key)


def encode_key(labels: RouteLabels, method: str, code: int) -> bytes:
    """The key of an entry; CODE: see `code_of`."""
    return msgspec.msgpack.encode((*msgspec.structs.astuple(labels), method, code))


def decode_key(key: bytes) -> SeriesKey | None:
    """The parts of KEY; None: it is malformed."""
    try:
        *labels, method, code = _decoder.decode(key)
    except msgspec.DecodeError:
        return None
    named = RouteLabels(**dict(zip(RouteLabels.__struct_fields__, labels, strict=True)))
    return SeriesKey(named, method, code % GRPC, code // GRPC - 1)
