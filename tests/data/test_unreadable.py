"""A record that cannot be read does not count as absent: its last good version is used, or the answer is 503."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from edge.data.accepting.contexts import Contexts
from edge.data.http.scope import Scope
from edge.data.routing.planner import Planner
from edge.data.routing.router import UNAVAILABLE, Router
from edge.table.counter_layout import labels_of
from edge.table.counters import WorkerCounters, WorkerWord
from edge.table.policies import Closed
from edge.table.reader import TableReader, UnreadableError
from edge.table.record import Record
from edge.table.records import (
    DEFAULT_CERTIFICATE,
    GLOBALS,
    TICKETS,
    Certificate,
    Endpoint,
    Globals,
    Host,
    Owner,
    PathKind,
    Route,
    ServerName,
    ServicePort,
    TicketKeys,
    TlsOptions,
    scoped,
    server_name_key,
    tls_options_key,
)
from edge.table.records import Backend as RouteBackend
from edge.table.writer import TableWriter
from tests.support.backends import Backend
from tests.support.certificates import issue, self_signed, serial_of, trusting_all
from tests.support.policies import policy
from tests.support.site import request
from tests.support.stage import Stage
from tests.support.waiting import eventually


def newer(record: Record) -> Record:
    """RECORD as a later release writes it, with a field that this one does not know."""
    kind = msgspec.defstruct(
        type(record).__name__, [("gate", str, "deny")], bases=(type(record),), frozen=True, array_like=True
    )
    made: Record = kind(*msgspec.structs.astuple(record))
    return made


def route(ingress: str, service: str = "") -> Route:
    return Route(
        PathKind.PREFIX, "/", Owner("Ingress", "demo", ingress), (RouteBackend("demo", key=service, status=404),)
    )


class Spoilt(Record, frozen=True, array_like=True):
    """What is no record of any kind."""

    nothing: int = 0


class Table:
    """A table in DIRECTORY, and what a worker makes of it that has just started."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.writer = TableWriter(directory)
        self.counters = WorkerCounters(directory)

    def reader(self) -> TableReader:
        return TableReader(self.directory)

    def router(self) -> Router:
        reader = self.reader()
        return Router(reader, Planner(reader, self.counters, logged=False))

    def spoil(self, part: str) -> Path:
        """Nobody can open the segment of PART; gives where it is."""
        (path,) = self.directory.glob(f"{part}.*")
        path.rename(path.with_name(f"spoilt-{path.name}"))
        path.write_bytes(b"x" * 4096)
        return path

    def mend(self, path: Path) -> None:
        path.with_name(f"spoilt-{path.name}").rename(path)


@pytest.fixture
def table(tmp_path: Path) -> Iterator[Table]:
    made = Table(tmp_path)
    yield made
    made.counters.close()
    made.writer.close()


def taken(router: Router, host: str, target: bytes = b"/") -> str | int:
    """The Ingress that takes a request, or the status that is its answer."""
    plan = router.match(request(host, target.decode()))
    if plan is None:
        return 404
    return 503 if policy(plan.route, Closed) is not None else plan.route.owner.name


# --- hosts ----------------------------------------------------------------------------------------------------------

HOSTS = {"": "everybody", "*.shop.test": "wildcard", "pay.shop.test": "pay", "shop.test": "shop"}


@pytest.mark.parametrize(
    ("unreadable", "expected"),
    [
        (
            "pay.shop.test",
            {"pay.shop.test": 503, "a.shop.test": "wildcard", "shop.test": "shop", "x.test": "everybody"},
        ),
        ("*.shop.test", {"pay.shop.test": "pay", "a.shop.test": 503, "shop.test": "shop", "x.test": "everybody"}),
        ("", {"pay.shop.test": "pay", "a.shop.test": "wildcard", "shop.test": "shop", "x.test": 503, "": 503}),
    ],
)
def test_nobody_takes_the_requests_of_a_host_that_cannot_be_read(
    table: Table, unreadable: str, expected: dict[str, str | int]
) -> None:
    records: dict[str, Record] = {name: Host(name, (route(ingress),)) for name, ingress in HOSTS.items()}
    records[GLOBALS] = Globals(route("default"))
    table.writer.publish(routes={**records, unreadable: newer(records[unreadable])})
    router = table.router()
    assert {host: taken(router, host) for host in expected} == expected
    assert {host: taken(router, host.upper(), b"/a?b") for host in expected} == expected
    table.writer.publish(routes={unreadable: records[unreadable]})
    for name, ingress in HOSTS.items():
        assert taken(router, name.replace("*", "a") or "x.test") == ingress


@pytest.mark.parametrize("unreadable", ["pay.shop.test", "*.shop.test"])
@pytest.mark.parametrize("scope", ["", "demo/edge:443"])
def test_no_wider_host_takes_what_goes_on_to_a_host_that_cannot_be_read(
    table: Table, unreadable: str, scope: str
) -> None:
    pay = Route(PathKind.EXACT, "/pay", Owner("Ingress", "demo", "pay"), (RouteBackend(status=404),))
    hosts = [
        Host("pay.shop.test", (pay,), scope=scope, listener="*", wider=True),
        Host("**.shop.test", (pay,), scope=scope, listener="*", wider=True),
        Host("", (route("everybody"),), scope=scope, listener="*", wider=True),
    ]
    asked = request("pay.shop.test", "/else")
    asked.scope = Scope(scope, "*") if scope else None
    records: dict[str, Record] = {scoped(scope, one.name): one for one in hosts}
    table.writer.publish(routes=records)
    router = table.router()
    plan = router.match(asked)
    assert plan is not None
    assert plan.route.owner.name == "everybody"
    key = scoped(scope, unreadable.replace("*", "**"))
    table.writer.publish(routes={key: newer(records[key])})
    plan = router.match(asked)
    assert plan is not None
    assert policy(plan.route, Closed) is not None


def test_its_last_good_version_stays_in_force(table: Table) -> None:
    good = Host("a.test", (route("good"),))
    table.writer.publish(routes={"a.test": good, "": Host("", (route("everybody"),))})
    router = table.router()
    assert taken(router, "a.test") == "good"
    table.writer.publish(routes={"a.test": Spoilt()})
    assert taken(router, "a.test") == "good"
    table.writer.publish(routes={"a.test": None})
    assert taken(router, "a.test") == "everybody"
    table.writer.publish(routes={"a.test": Spoilt()})
    assert taken(router, "a.test") == 503, "it has been absent meanwhile"


def test_what_a_newer_release_adds_closes_the_host_although_an_earlier_version_is_known(table: Table) -> None:
    good = Host("a.test", (route("good"),))
    table.writer.publish(routes={"a.test": good})
    router = table.router()
    assert taken(router, "a.test") == "good"
    table.writer.publish(routes={"a.test": newer(good)})
    assert taken(router, "a.test") == 503
    table.writer.publish(routes={"a.test": good})
    assert taken(router, "a.test") == "good"


def test_a_host_that_cannot_be_read_answers_probes_no_more_than_its_other_requests(table: Table) -> None:
    records: dict[str, Record] = {name: newer(Host(name, (route(ingress),))) for name, ingress in HOSTS.items()}
    table.writer.publish(routes=records)
    reader = table.reader()
    router = Router(reader, Planner(reader, table.counters, logged=False), "/healthz")
    assert [taken(router, host, b"/healthz") for host in ("pay.shop.test", "a.shop.test", "shop.test")] == [503] * 3
    assert taken(router, "x.test", b"/healthz") == 404, "no Ingress names it: the probe is Edge's"
    assert router.probed(request("x.test", "/healthz"))
    assert not router.probed(request("pay.shop.test", "/healthz"))


def test_many_names_that_cannot_be_read_cost_one_plan(table: Table) -> None:
    table.writer.publish(routes={"": newer(Host(""))})
    router = table.router()
    assert len({id(router.match(request(f"h{number}.test", "/"))) for number in range(100)}) == 1
    assert router.serves(labels_of("", UNAVAILABLE, RouteBackend())), "its counters stay its own"


def test_a_default_that_cannot_be_read_is_503_for_what_it_would_take(table: Table) -> None:
    host = Host(
        "a.test", (Route(PathKind.EXACT, "/known", Owner("Ingress", "demo", "known"), (RouteBackend(status=404),)),)
    )
    table.writer.publish(routes={"a.test": host, GLOBALS: newer(Globals(route("default")))})
    router = table.router()
    assert [taken(router, "a.test", b"/known"), taken(router, "a.test"), taken(router, "b.test")] == ["known", 503, 503]
    table.writer.publish(routes={GLOBALS: Globals(route("default"))})
    assert [taken(router, "a.test"), taken(router, "b.test")] == ["default", "default"]
    table.writer.publish(routes={GLOBALS: newer(Globals())})
    assert taken(router, "b.test") == "default"


def test_where_the_routes_cannot_be_opened_every_answer_is_503_until_they_can(table: Table) -> None:
    table.writer.publish(routes={"a.test": Host("a.test", (route("a"),))})
    path = table.spoil("routes")
    router = table.router()
    assert [taken(router, "a.test"), taken(router, "b.test")] == [503, 503]
    table.mend(path)
    assert [taken(router, "a.test"), taken(router, "b.test")] == ["a", 404]


def test_routes_that_cannot_be_opened_later_leave_the_last_good_ones(table: Table) -> None:
    table.writer.publish(routes={"a.test": Host("a.test", (route("a"),))})
    router = table.router()
    assert taken(router, "a.test") == "a"
    table.writer.close()
    table.writer = TableWriter(table.directory)
    table.writer.publish(routes={"a.test": Host("a.test", (route("next"),))})
    table.spoil("routes")
    assert [taken(router, "a.test"), taken(router, "b.test")] == ["a", 404]


# --- certificates ---------------------------------------------------------------------------------------------------


def certificate(name: str) -> Certificate:
    pair = self_signed(name)
    return Certificate("demo", name, pair.certificate, pair.key)


def tls(**unreadable: str) -> dict[str, Record]:
    records: dict[str, Record] = {
        TICKETS: TicketKeys((bytes(80),)),
        DEFAULT_CERTIFICATE: certificate("default.test"),
        "c:demo/a": certificate("a.test"),
        "c:demo/w": certificate("w.test"),
        server_name_key("a.test"): ServerName("a.test", "c:demo/a"),
        server_name_key("*.test"): ServerName("*.test", "c:demo/w"),
    }
    return records | {key: newer(records[key]) for key in unreadable.values()}


@pytest.mark.parametrize(
    ("unreadable", "refused"),
    [
        ("h:a.test", ["a.test"]),
        ("c:demo/a", ["a.test"]),
        ("h:*.test", ["b.test"]),
        ("c:demo/w", ["b.test"]),
        (DEFAULT_CERTIFICATE, ["a.b.test", ""]),
        (TICKETS, []),
    ],
)
def test_no_other_certificate_is_shown_for_one_that_cannot_be_read(
    table: Table, unreadable: str, refused: list[str]
) -> None:
    table.writer.publish(tls=tls(key=unreadable))
    contexts = Contexts(table.reader())
    for name in ("a.test", "b.test", "a.b.test", ""):
        if name in refused:
            with pytest.raises(UnreadableError):
                contexts.choose(name)
        else:
            assert contexts.choose(name) is not None
    table.writer.publish(tls=tls())
    assert all(contexts.choose(name) for name in refused)


@pytest.mark.parametrize("unreadable", ["h:a.test", "c:demo/a", DEFAULT_CERTIFICATE])
def test_the_last_good_certificate_stays(table: Table, unreadable: str) -> None:
    table.writer.publish(tls=tls())
    contexts = Contexts(table.reader())
    before = {name: contexts.choose(name) for name in ("a.test", "")}
    table.writer.publish(tls={unreadable: newer(tls()[unreadable])})
    assert {name: contexts.choose(name) for name in before} == before


def test_where_the_options_of_a_host_cannot_be_read_its_handshakes_fail(table: Table) -> None:
    """Clients would not be asked for their certificate."""
    options = tls_options_key("a.test")
    host = Host("a.test", (route("web", "demo/*:80"),), tls=True, tls_options=True)
    table.writer.publish(routes={"a.test": host}, tls={**tls(), options: newer(TlsOptions(ciphers="ECDHE+AESGCM"))})
    contexts = Contexts(table.reader())
    with pytest.raises(UnreadableError):
        contexts.choose("a.test")
    assert contexts.choose("b.test") is not None
    table.writer.publish(tls={options: TlsOptions(ciphers="ECDHE+AESGCM")})
    assert contexts.choose("a.test") is not None


def test_where_a_host_cannot_be_read_its_handshakes_ask_for_nothing(table: Table) -> None:
    """Its routes are closed."""
    table.writer.publish(routes={"a.test": newer(Host("a.test", tls_options=True))}, tls=tls())
    assert Contexts(table.reader()).choose("a.test").trust == ""


def test_where_certificates_cannot_be_opened_none_is_shown(table: Table) -> None:
    table.writer.publish(tls=tls())
    path = table.spoil("tls")
    reader = table.reader()
    contexts = Contexts(reader)
    with pytest.raises(UnreadableError):
        contexts.choose("a.test")
    table.mend(path)
    reader.reopen()
    assert contexts.choose("a.test") is not None


# --- a worker -------------------------------------------------------------------------------------------------------


def test_a_worker_answers_503_and_reports_it(stage: Stage, backend: Backend) -> None:
    publish = stage._writer.publish
    stage.serve(backend, host="*.gated.test")
    assert stage.get("a.gated.test").status == 200
    record = Host("pay.gated.test", (route("pay", "demo/*:80"),))
    before = stage.count(WorkerWord.TABLE_REFUSALS)
    publish(routes={"pay.gated.test": newer(record)})
    assert [stage.get("pay.gated.test").status for _ in range(3)] == [503, 503, 503]
    assert stage.get("a.gated.test").status == 200
    eventually(lambda: 'record "pay.gated.test" of routes cannot be read' in stage.edge.log)
    eventually(lambda: stage.count(WorkerWord.TABLE_REFUSALS) == before + 1)
    publish(routes={"pay.gated.test": record})
    assert stage.get("pay.gated.test").status == 200


def test_endpoints_that_cannot_be_read_are_503_and_known_ones_stay(stage: Stage, backend: Backend) -> None:
    host = stage.serve(backend)
    name = host.partition(".")[0]
    key = f"demo/{name}:80"
    good = ServicePort("demo", name, "80", (Endpoint(backend.host, backend.port),))
    stage._writer.publish(endpoints={key: newer(good)})
    assert stage.get(host).status == 503
    stage._writer.publish(endpoints={key: good})
    assert stage.get(host).status == 200
    stage._writer.publish(endpoints={key: newer(msgspec.structs.replace(good, endpoints=()))})
    assert stage.get(host).status == 200


def test_a_handshake_without_a_readable_certificate_ends_in_an_alert(stage: Stage) -> None:
    pair = issue("alert.test")
    stage.certificate(pair, "alert.test", secret="alert")
    key = server_name_key("alert.test")
    stage._writer.publish(tls={key: newer(ServerName("alert.test", "c:demo/alert"))})
    before = stage.count(WorkerWord.HANDSHAKE_FAILURES)
    with pytest.raises(ssl.SSLError, match="internal error"):
        stage.connect(tls=trusting_all(), server_name="alert.test")
    assert stage.count(WorkerWord.HANDSHAKE_FAILURES) == before + 1
    stage._writer.publish(tls={key: ServerName("alert.test", "c:demo/alert")})
    with stage.connect(tls=trusting_all(), server_name="alert.test") as client:
        assert serial_of(client.certificate) == pair.serial
