"""A real data plane, `edge proxy`, under a table that the test writes itself: every change holds from the next request.

No control plane runs, so that a route can have what no annotation gives it, a timeout of a fraction of a second for
instance.
"""

from __future__ import annotations

import itertools
import shutil
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from edge.table.access_logging import AccessLogging
from edge.table.counters import CountersReader, WorkerWord
from edge.table.parameters import PARAMETERS, Parameters
from edge.table.policies import BodyLimit, RequestBuffering, Retry, Timeouts
from edge.table.policies.policy import Policy
from edge.table.records import (
    DEFAULT_CERTIFICATE,
    LISTENERS,
    TICKETS,
    Backend,
    Balance,
    Certificate,
    Endpoint,
    Host,
    Listeners,
    Listening,
    Owner,
    PathKind,
    Route,
    ServerName,
    ServicePort,
    TicketKeys,
    TlsMaterial,
    Transport,
    Wire,
    certificate_key,
    material_key,
    server_name_key,
    service_key,
)
from edge.table.streams import SERVER_STREAMS, ServerStreams, StreamRoute, stream_key
from edge.table.writer import TableWriter
from tests.support.backends import Listener
from tests.support.certificates import Pair, self_signed
from tests.support.clients import Client, Response
from tests.support.edge import Edge, fresh_directory
from tests.support.waiting import eventually, free_port

if TYPE_CHECKING:
    from collections.abc import Iterable

Server = Listener | tuple[str, int]
STREAMED: tuple[Policy, ...] = (BodyLimit("test", 0), RequestBuffering("test", 0))
"""Request bodies of any size go to the endpoint as they come."""

_names = itertools.count(1)
_default: list[Pair] = []


class Stage:
    """A context manager; FLAGS are of `edge proxy`; the rest as for `Edge`."""

    def __init__(
        self,
        *flags: str,
        workers: int = 1,
        environment: dict[str, str] | None = None,
        prefix: Iterable[str] = (),
        ready: bool = True,
    ) -> None:
        self.directory = fresh_directory(self, "stage", Path("/dev/shm"))
        self._writer = TableWriter(self.directory)
        if not _default:
            _default.append(self_signed("default.example"))
        self.generated = _certificate("", "", _default[0])
        self._writer.publish(
            routes={"nobody.invalid": Host("nobody.invalid")},
            tls={TICKETS: TicketKeys((bytes(range(80)),)), DEFAULT_CERTIFICATE: self.generated},
        )
        self._listening: dict[tuple[Wire, int], Listening] = {}
        self.edge = Edge(
            None,
            *flags,
            command="proxy",
            workers=workers,
            shm_dir=self.directory,
            environment=environment,
            prefix=prefix,
            ready=ready,
        )

    def __enter__(self) -> Self:
        try:
            self.edge.__enter__()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.edge.close()
        self._writer.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    # --- the table ------------------------------------------------------------------------------------------------

    def serve(
        self,
        *backends: Server,
        host: str = "",
        connect: float = 5.0,
        send: float = 60.0,
        read: float = 60.0,
        retry: Retry | None = None,
        balance: Balance = Balance.ROUND_ROBIN,
        policies: tuple[Policy, ...] = (),
        transport: Transport | None = None,
        secure_transport: Transport | None = None,
    ) -> str:
        """A new host, or a new version of HOST, with one route to BACKENDS; gives the host's name.

        CONNECT, SEND, READ: timeouts in seconds; POLICIES: further ones; TRANSPORT: how BACKENDS are spoken to.
        """
        host = host or f"host{next(_names)}.example"
        name = host.partition(".")[0]
        key = service_key("demo", name, 80)
        entry = Route(
            PathKind.PREFIX,
            "/",
            Owner("Ingress", "demo", name),
            (Backend("demo", name, "80", key, transport=transport or Transport(), secure_transport=secure_transport),),
            (Timeouts("test", connect, send, read), retry or Retry("test"), *policies),
        )
        self._writer.publish(
            routes={host: Host(host, (entry,))},
            endpoints={key: ServicePort("demo", name, "80", _endpoints(backends), balance)},
        )
        return host

    def publish(self, **parts: Any) -> None:
        """Publish records, by part; the last ones that `Stage` itself needs stay."""
        self._writer.publish(**parts)

    def endpoints(
        self, host: str, *backends: Listener | tuple[str, int], balance: Balance = Balance.ROUND_ROBIN
    ) -> None:
        """HOST's endpoints are BACKENDS from now on."""
        name = host.partition(".")[0]
        key = service_key("demo", name, 80)
        self._writer.publish(endpoints={key: ServicePort("demo", name, "80", _endpoints(backends), balance)})

    def certificate(self, pair: Pair | None, *names: str, secret: str = "tls") -> None:
        """Show PAIR, in the Secret SECRET, for the server NAMES; None: that Secret is gone."""
        key = certificate_key("demo", secret)
        self._writer.publish(
            tls={
                key: _certificate("demo", secret, pair) if pair is not None else None,
                **{server_name_key(name): ServerName(name, key) if pair is not None else None for name in names},
            }
        )

    def material(self, authority: Pair | None = None, shown: Pair | None = None) -> str:
        """Key of what trusts AUTHORITY and shows the client certificate SHOWN, for `Tls`."""
        record = TlsMaterial(
            authority.certificate if authority is not None else b"",
            shown.certificate if shown is not None else b"",
            shown.key if shown is not None else b"",
        )
        key = material_key(record.authorities, record.chain, record.key)
        self._writer.publish(tls={key: record})
        return key

    def ticket_keys(self, *keys: bytes) -> None:
        """Seal session tickets with the first of KEYS from now on."""
        self._writer.publish(tls={TICKETS: TicketKeys(keys)})

    def log_by(self, logging: AccessLogging) -> None:
        """Log requests by LOGGING from now on."""
        self._writer.publish(routes={PARAMETERS: Parameters(access_logging=logging)})

    # --- streams --------------------------------------------------------------------------------------------------

    def relay(
        self, *backends: Server, wire: Wire = Wire.TCP, port: int = 0, address: str = "127.0.0.1", **fields: Any
    ) -> int:
        """A new listener, or one that replaces that at PORT, with traffic to BACKENDS; gives its port.

        FIELDS: of the `StreamRoute`.
        """
        port = port or free_port()
        scope = f"{wire.name.lower()}:{port}"
        self._listening[wire, port] = Listening(address, port, scope, wire=wire)
        self.stream(stream_key(scope), *backends, name=scope.replace(":", "-"), **fields)
        return port

    def stream(self, key: str, *backends: Server, name: str, **fields: Any) -> None:
        """The stream under KEY goes to BACKENDS, the endpoints of the Service NAME; those of all scopes are known."""
        service = service_key("demo", name, 80)
        record = StreamRoute(Owner("ConfigMap", "demo", "streams"), (Backend("demo", name, "80", service),), **fields)
        self._writer.publish(
            routes={key: record, LISTENERS: self._listeners(), SERVER_STREAMS: ServerStreams(("",))},
            endpoints={service: ServicePort("demo", name, "80", _endpoints(backends))},
        )

    def drop(self, key: str) -> None:
        """The record under KEY of the routes part is gone."""
        self._writer.publish(routes={key: None})

    def close_listener(self, port: int, wire: Wire = Wire.TCP) -> None:
        """The listener at PORT is gone, and its stream."""
        listening = self._listening.pop((wire, port))
        self._writer.publish(routes={LISTENERS: self._listeners(), stream_key(listening.scope): None})

    def _listeners(self) -> Listeners:
        return Listeners(tuple(self._listening.values()))

    # --- what clients do ------------------------------------------------------------------------------------------

    def connect(self, **rest: Any) -> Client:
        """A connection to the plain port, or with `tls=` to the TLS port."""
        return self.edge.connect(**rest)

    def get(self, host: str, target: str = "/", **rest: Any) -> Response:
        """One request on a connection of its own."""
        return self.edge.get(target, host=host, **rest)

    # --- a look inside --------------------------------------------------------------------------------------------

    def count(self, which: WorkerWord) -> int:
        """The sum of a word of all workers. Gauges follow within a second."""
        return sum(self.each(which))

    def each(self, which: WorkerWord) -> list[int]:
        """That word of each worker."""
        reader = CountersReader(self.directory)
        try:
            return [worker[which] for worker in reader.workers()]
        finally:
            reader.close()

    def counted(self, host: str) -> dict[tuple[str, str], int]:
        """Requests of HOST by method and status."""
        reader = CountersReader(self.directory)
        try:
            sums = reader.series()
            found: Counter[tuple[str, str]] = Counter()
            for key, row in sums.items():
                if key.labels.host == host:
                    found[key.method, key.status] += sums.totals.requests(row)
            return dict(found)
        finally:
            reader.close()

    def calls(self, host: str) -> dict[int, int]:
        """Calls of gRPC to HOST by status."""
        reader = CountersReader(self.directory)
        try:
            sums = reader.series()
            return {
                key.grpc: sums.totals.requests(row)
                for key, row in sums.items()
                if key.labels.host == host and key.grpc >= 0
            }
        finally:
            reader.close()

    def descriptors(self) -> int:
        """How many descriptors all workers have open."""
        return sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in self.edge.workers())

    def memory(self) -> int:
        """Bytes of memory that the workers have for themselves (Pss)."""
        return sum(_pss(pid) for pid in self.edge.workers())

    def log_lines(self, host: str, count: int) -> list[str]:
        """The COUNT lines of the access log about HOST, as soon as there are so many."""
        mark = f"[demo-{host.partition('.')[0]}-80]"

        def enough() -> list[str]:
            lines = [line for line in self.edge.output.splitlines() if mark in line]
            return lines if len(lines) >= count else []

        return eventually(enough)


def _endpoints(backends: tuple[Server, ...]) -> tuple[Endpoint, ...]:
    return tuple(
        Endpoint(*backend) if isinstance(backend, tuple) else Endpoint(backend.host, backend.port)
        for backend in backends
    )


def _certificate(namespace: str, name: str, pair: Pair) -> Certificate:
    return Certificate(namespace, name, pair.certificate, pair.key)


def _pss(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no Pss")
