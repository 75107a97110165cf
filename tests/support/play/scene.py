"""A route, its endpoints, and requests that are served by a real handler with a real plan."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import gevent
import msgspec

from edge.data.exchange._outcome import Outcome
from edge.data.exchange.client import Client
from edge.data.handling.calls import Calls
from edge.data.handling.handler import Handler
from edge.data.handling.handling import Handling
from edge.data.handling.subrequests import Subrequests
from edge.data.net._stream import sweep
from edge.data.net.peers import NAMED, PLAIN, Peer
from edge.data.net.spool import Spools
from edge.data.observe.access_log import AccessLog
from edge.data.routing.plan import Plan
from edge.data.routing.planner import Planner
from edge.data.routing.router import Router
from edge.data.upstream.budget import RetryBudget
from edge.data.upstream.pool import ConnectError
from edge.data.upstream.target import Target
from edge.settings import Settings
from edge.table.access_logging import AccessLogging, Escape
from edge.table.counter_layout import SeriesKey
from edge.table.counters import CountersReader, WorkerCounters, WorkerWord
from edge.table.parameters import Parameters
from edge.table.policies.policy import Policy
from edge.table.reader import TableReader
from edge.table.records import Backend, Host, Owner, PathKind, Route, ServicePort
from edge.table.records import Endpoint as Address
from edge.table.writer import TableWriter
from tests.support.play import h2, h2_endpoint, memory, sockets
from tests.support.play.script import Asked, Endpoint, Request, values
from tests.support.wire import HEAD_LIMITS

HOST = "app.example"
UNCOMPARED = frozenset(("date", "server", "content-type", "connection", "keep-alive", "transfer-encoding"))
"""Fields that frame a response or belong to a connection: each half has its own."""
SWEEP = 0.02
"""Seconds between two looks at the deadlines of streams."""
CLIENTS = {"memory": memory.exchange, "h1": sockets.exchange, "h2": h2.exchange}
"""Serves one request by a client half, by name."""
POOLS = {"memory": memory.MemoryPool, "h1": sockets.SocketPool, "h2": h2_endpoint.H2Pool}
"""Gives upstream halves, by name."""
PAIRS = (
    ("memory", "memory"),
    ("memory", "h1"),
    ("h1", "h1"),
    ("h2", "memory"),
    ("h2", "h1"),
    ("h1", "h2"),
    ("h2", "h2"),
)
"""Client halves and upstream halves with which exchanges are played."""


@dataclass
class Received:
    """What the client got.

    - `fields`: names in lower case, without what belongs to the connection. `length`: Content-Length.
    - `whole`: the response came to its end; False: none came, or it was broken off.
    - `interim`: statuses and fields of the responses before. `status` 0: no response came.
    """

    status: int = 0
    reason: str = ""
    fields: list[tuple[str, str]] = field(default_factory=list)
    length: int | None = None
    content: bytes = b""
    trailers: list[tuple[str, str]] = field(default_factory=list)
    interim: list[tuple[int, list[tuple[str, str]]]] = field(default_factory=list)
    whole: bool = False
    expected: bool = False

    def begin(self, line: str, fields: list[tuple[str, str]]) -> None:
        """The head has come."""
        _, status, self.reason = line.split(" ", 2)
        self.status = int(status)
        length = values(fields, "content-length")
        self.length = int(length[0]) if length else None
        self.fields = fields

    def field(self, name: str) -> str | None:
        """The value of the field NAME, several joined by a comma; None: there is none."""
        found = values(self.fields, name.lower())
        return ", ".join(found) if found else None

    def names(self) -> set[str]:
        """Names of the fields, but for those that each half has for itself."""
        return {name for name, _ in self.fields} - UNCOMPARED - {"content-length"}


class Played(NamedTuple):
    """What came of a request.

    - `asked`: what endpoints got for it, in order. `outcome`: as the log and the counters get it.
    - `timeouts`: connect (0: the connection was there already), send and read. `logged`: lines of the access log.
    """

    received: Received
    asked: list[Asked]
    outcome: Outcome
    timeouts: tuple[float, float, float]
    logged: list[str]

    @property
    def status(self) -> int:
        return self.received.status

    @property
    def content(self) -> bytes:
        return self.received.content

    @property
    def whole(self) -> bool:
        return self.received.whole

    def field(self, name: str) -> str | None:
        return self.received.field(name)


class FurtherPolicies(Planner):
    """Makes plans of routes that have further policies, which a table cannot hold."""

    further: tuple[Policy, ...] = ()

    def plan(self, host: str, route: Route) -> Plan:
        return super().plan(host, msgspec.structs.replace(route, policies=(*route.policies, *self.further)))


class Scene:
    """A context manager: one worker's handling of requests, without the worker."""

    def __init__(
        self,
        directory: Path,
        pair: tuple[str, str],
        *policies: Policy,
        endpoints: list[Endpoint] | None = None,
        services: dict[str, list[Endpoint]] | None = None,
        remotes: dict[str, list[Endpoint]] | None = None,
        routes: tuple[Route, ...] | None = None,
        further: tuple[Policy, ...] = (),
        **settings: Any,
    ) -> None:
        """One route, with POLICIES, to one service of ENDPOINTS; or ROUTES to SERVICES (see `backend`). REMOTES: hosts
        that URLs name, by key.

        FURTHER: policies that stand in no table. SETTINGS: as the worker has them.
        """
        self.settings = Settings().with_(**settings)
        self._exchange, pool = CLIENTS[pair[0]], POOLS[pair[1]]
        self._directory = directory
        services = services or {"web": endpoints if endpoints is not None else [Endpoint()]}
        self._endpoints: dict[str, Endpoint] = {}
        records = {key_of(name): self._service(name, given) for name, given in services.items()}
        records |= {key: self._service(key, given) for key, given in (remotes or {}).items()}
        if routes is None:
            routes = (Route(PathKind.PREFIX, "/", OWNER, (backend(next(iter(services))),), policies),)
        self._writer = TableWriter(directory)
        self._writer.publish(routes={HOST: Host(HOST, routes), "": Host("", routes)}, endpoints=records)
        self.counters = WorkerCounters(directory)
        self._log = directory / "access.log"
        fd = os.open(self._log, os.O_WRONLY | os.O_CREAT)
        self._access_log = AccessLog(self.counters, as_json=False, fd=fd)
        os.close(fd)
        table = TableReader(directory)
        self.planner = FurtherPolicies(table, self.counters, largest_head=self.settings.max_response_header_size)
        self.planner.further = further
        self.router = Router(table, self.planner)
        self.budget = RetryBudget()
        self.pool = pool(self.counters, self.planner.targets, HEAD_LIMITS)
        self.pool.tune(self.settings, Parameters())
        self.pool.begin(self)
        calls = Calls(self.pool, self.budget, self.counters)
        self.planner.subrequests = Subrequests(calls).to
        self.spools = Spools(self.settings.temp_dir)
        self._handling = Handling(self.router, calls, self.counters, self._access_log, self.spools, tunnel_timeout=10.0)
        self.timeouts = (0.0, 0.0)
        self._connect_timeout = 0.0
        self._handler: Handler | None = None
        self._sweep = gevent.get_hub().loop.timer(SWEEP, SWEEP)
        self._sweep.start(sweep)

    def __enter__(self) -> Scene:
        return self

    def __exit__(self, *_: object) -> None:
        self._sweep.stop()
        for one in self.pool.made:
            one.close()
        self.counters.close()
        self._writer.close()

    def _service(self, name: str, endpoints: list[Endpoint]) -> ServicePort:
        addresses = []
        for endpoint in endpoints:
            address = Address(f"10.0.0.{len(self._endpoints) + 1}", 80)
            self._endpoints[address.address] = endpoint
            addresses.append(address)
        return ServicePort("demo", name, "80", tuple(addresses))

    def connecting(self, target: Target, timeout: float) -> Endpoint:
        """The endpoint at TARGET, to which a connection is made."""
        self._connect_timeout = timeout
        endpoint = self._endpoints[target.address]
        endpoint.attempts += 1
        if endpoint.connect:
            raise ConnectError(endpoint.connect, f"{target.name}: scripted", ours=endpoint.connect == 503)
        return endpoint

    def handler(self, client: Client) -> Handler:
        """What serves the requests of CLIENT."""
        self._handler = Handler(self._handling, client)
        return self._handler

    def play(
        self, request: Request | None = None, *, secure: bool = False, peer: Peer | None = None, **rest: Any
    ) -> Played:
        """Serve REQUEST, or one made of REST; SECURE: it came by TLS, from PEER. Nothing may be left open."""
        request = request or Request(**rest)
        received, before = Received(), {id(asked) for asked in self.asked()}
        logged = len(self._lines())
        self._connect_timeout = 0.0
        with gevent.Timeout(sockets.PATIENCE):
            self._exchange(self, request, received, secure=secure, peer=peer or (NAMED if secure else PLAIN))
        assert self._handler is not None
        self._access_log.flush()
        assert self.in_use() == 0, "a connection to an endpoint is left open"
        assert self.in_flight() == 0, "an endpoint is still said to have a request"
        asked = [one for one in self.asked() if id(one) not in before]
        outcome = self._handler.exchange.outcome
        return Played(received, asked, outcome, (self._connect_timeout, *self.timeouts), self._lines()[logged:])

    def without_sweeps(self) -> None:
        """From now on deadlines are kept only where something other than a sweep sees to them."""
        self._sweep.stop()

    def log_by(self, text: str, escape: Escape = Escape.DEFAULT, **rest: Any) -> None:
        """Make lines by the format TEXT from now on; REST: of `AccessLogging`."""
        self._access_log.use(AccessLogging(format=text, escape=escape, **rest))

    # --- afterwards -----------------------------------------------------------------------------------------------

    def asked(self) -> list[Asked]:
        """All requests that endpoints have got."""
        endpoints = {id(endpoint): endpoint for endpoint in self._endpoints.values()}  # one may have several addresses
        return [asked for endpoint in endpoints.values() for asked in endpoint.asked]

    def in_use(self) -> int:
        """Connections to endpoints that are neither closed nor idle."""
        return self.pool.open()

    def in_flight(self) -> int:
        return sum(target.in_flight for target in self.planner.targets._known.values())

    def idle(self) -> int:
        """Connections to endpoints that are kept, as far as one exchange would not have ended those of HTTP/1.1."""
        return sum(getattr(one, "kept", True) for one in self.planner.targets.idle())

    def close_idle(self) -> None:
        """The endpoints have closed the connections that are kept."""
        for one in self.planner.targets.idle():
            if one in one.target.idle:
                one.target.idle.remove(one)
            one.close()

    def count(self, which: WorkerWord) -> int:
        return self.counters.get(which)

    def counted(self) -> dict[tuple[str, int], int]:
        """Requests of each service and status, by the counters of routes."""
        reader = CountersReader(self._directory)
        try:
            sums = reader.series()
            return {(key.labels.service, int(key.status)): sums.totals.requests(row) for key, row in sums.items()}
        finally:
            reader.close()

    def series(self) -> list[SeriesKey]:
        """The counters of routes that have been used."""
        reader = CountersReader(self._directory)
        try:
            return [key for key, _ in reader.series().items()]
        finally:
            reader.close()

    def _lines(self) -> list[str]:
        return self._log.read_text().splitlines()


OWNER = Owner("Ingress", "demo", "app")


def key_of(service: str) -> str:
    return f"demo/{service}:80"


def backend(service: str = "web", **rest: Any) -> Backend:
    """A backend that is SERVICE."""
    return Backend("demo", service, "80", key_of(service), **rest)


def route(path: str = "/", *policies: Policy, kind: PathKind = PathKind.PREFIX, to: Any = None, **rest: Any) -> Route:
    """A route for PATH with POLICIES; TO: backends, by default the service `web`."""
    return Route(kind, path, OWNER, to if to is not None else (backend(),), policies, **rest)
