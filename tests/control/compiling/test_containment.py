"""An internal failure is an error of one object: its last good version stays, and all others are served."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from edge.control import check
from edge.control.compiling import claims, compiler, hosts, secrets, server_names, service_ports
from edge.control.compiling.delta import Delta
from edge.control.containment import REASON
from edge.control.kinds.objects import ObjectId
from edge.control.publishing.publisher import Publisher
from edge.control.publishing.state import State
from edge.settings import Settings
from edge.table.reader import TableReader
from edge.table.record import Record
from edge.table.records import (
    DEFAULT_CERTIFICATE,
    GLOBALS,
    Backend,
    Certificate,
    Endpoint,
    Host,
    Owner,
    PathKind,
    Route,
    ServerName,
    ServicePort,
)
from edge.table.writer import TableWriter
from tests.support import objects
from tests.support.certificates import self_signed
from tests.support.world import World

GENERATED = Certificate("", "", b"chain", b"key")
PAIRS = {host: self_signed(host) for host in ("bad.example", "good.example")}


def manifests(port: int = 80, **data: str) -> list[dict[str, Any]]:
    """Two applications that have nothing in common."""
    made = []
    for name in ("bad", "good"):
        host, pair = f"{name}.example", PAIRS[f"{name}.example"]
        made += [
            objects.ingress(name, host=host, service=name, port=port, secret=name),
            objects.service(name, port=port),
            objects.endpoints(name, "10.0.0.1"),
            objects.secret(name, tls_crt=pair.certificate, tls_key=pair.key, **data),
        ]
    return made


def failing(real: Callable[..., Any], is_bad: Callable[..., bool]) -> Callable[..., Any]:
    """REAL, but for what concerns the bad object."""

    def stand_in(*given: Any, **named: Any) -> Any:
        if is_bad(*given):
            raise TypeError("-----BEGIN PRIVATE KEY-----")
        return real(*given, **named)

    return stand_in


UNITS = {
    "translate": (compiler, "translate", lambda ingress, *_: ingress.metadata.name == "bad"),
    "claim": (claims.classes, "claim", lambda ingress, *_: ingress.metadata.name == "bad"),
    "certificate": (secrets.certificates, "read", lambda secret: secret.metadata.name == "bad"),
    "endpoints": (service_ports, "by_slices", lambda service, *_: service.metadata.name == "bad"),
    "host": (hosts, "merge", lambda name, *_: name == "bad.example"),
    "choice": (server_names.Certificates, "_choose", lambda _, host: host == "bad.example"),
    "problems": (hosts.Hosts, "problems", lambda _, owner, *__: owner.name == "bad"),
}


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("known", [True, False])
def test_a_unit_that_fails_is_an_error_of_its_object_alone(
    unit: str, known: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    place, name, is_bad = UNITS[unit]
    world = World(generated=GENERATED)
    if known:
        world.apply(*manifests(port=80))
        before = dict(world.routes), dict(world.tls), dict(world.endpoints)
    with monkeypatch.context() as patch:
        patch.setattr(place, name, failing(getattr(place, name), is_bad))
        world.apply(*manifests(port=81, changed="yes"))
    assert world.route("good.example").backends[0].port == "81"
    assert world.addresses("good", 81) == ["10.0.0.1:8080"]
    assert world.tls["h:good.example"] == ServerName("good.example", "c:demo/good")
    assert world.problems_of("good") == ()
    (problem,) = {one.message: one for one in world.problems_of("bad") if one.reason == REASON}.values()
    assert "internal error (TypeError" in problem.message
    assert "PRIVATE KEY" not in str(world.problems)
    assert "TypeError" in caplog.text
    if known:
        assert "bad.example" in world.routes
        assert world.tls["h:bad.example"] == ServerName("bad.example", "c:demo/bad")
        assert world.tls["c:demo/bad"] == before[1]["c:demo/bad"]
        if unit in ("translate", "claim", "host"):
            assert world.routes["bad.example"] == before[0]["bad.example"]
    world.apply(*manifests(port=82, changed="again"))
    assert world.problems_of("bad") == ()
    assert world.route("bad.example").backends[0].port == "82"
    assert world.addresses("bad", 82) == ["10.0.0.1:8080"]


def test_a_default_certificate_that_fails_is_an_error_of_its_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        secrets.certificates, "read", failing(secrets.certificates.read, lambda secret: secret.metadata.name == "bad")
    )
    world = World(Settings(default_ssl_certificate="demo/bad"), generated=GENERATED)
    world.apply(*manifests())
    assert world.tls[DEFAULT_CERTIFICATE] is GENERATED
    (problem,) = world.problems[ObjectId("Secret", "demo", "bad")]
    assert (problem.reason, problem.field) == (REASON, "--default-ssl-certificate")
    assert world.tls["h:good.example"] == ServerName("good.example", "c:demo/good")


def test_a_default_backend_that_fails_leaves_the_last_one_in_force(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(Settings(default_backend_service="demo/bad"), generated=GENERATED).apply(*manifests())
    before = world.routes[GLOBALS]
    monkeypatch.setattr(compiler.DefaultBackend, "_find", failing(lambda _: None, lambda _: True))
    world.apply(*manifests(port=81))
    assert world.routes[GLOBALS] == before
    assert REASON in [one.reason for one in world.problems[ObjectId("Service", "demo", "bad")]]
    assert world.route("good.example").backends[0].port == "81"


def test_a_class_that_fails_is_an_error_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(generated=GENERATED).apply(*manifests())
    with monkeypatch.context() as patch:
        patch.setattr(claims.Claims, "affected", failing(claims.Claims.affected, lambda *_: True))
        world.apply(objects.ingress_class("other", controller="x"))
        (problem,) = world.problems[ObjectId("IngressClass", "", "other")]
        assert problem.reason == REASON
    assert world.route("bad.example")
    world.apply(objects.ingress_class("other", controller="y"))
    assert ObjectId("IngressClass", "", "other") not in world.problems


def test_an_object_that_cannot_be_kept_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(generated=GENERATED)
    with monkeypatch.context() as patch:
        real = compiler.Store._put
        patch.setattr(compiler.Store, "_put", failing(real, lambda _, __, key, ___: key[1] == "bad"))
        world.apply(*manifests())
    assert [one.reason for one in world.problems[ObjectId("Service", "demo", "bad")]] == ["InvalidObject"]
    assert world.route("good.example")
    world.apply(*manifests())
    assert not world.problems
    assert world.route("bad.example")


def test_check_reports_what_fails(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import json  # noqa: PLC0415

    path = tmp_path / "all.json"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests()}))
    for place, name, is_bad in UNITS.values():
        with monkeypatch.context() as patch:
            patch.setattr(place, name, failing(getattr(place, name), is_bad))
            assert check.run([path], Settings()) == 1
        output = capsys.readouterr().out
        assert "internal error (TypeError" in output
        assert "Prefix /  -> good:80  -> 10.0.0.1:8080" in output


@pytest.fixture
def writer(tmp_path: Any) -> Iterator[TableWriter]:
    made = TableWriter(tmp_path)
    yield made
    made.close()


def test_every_listener_hears_of_a_round_that_one_of_them_cannot_digest(writer: TableWriter) -> None:
    heard: list[int] = []
    state = State()
    state.listeners += [failing(print, lambda *_: True), lambda what: heard.append(what.generation)]
    publisher = Publisher(writer, state)
    publisher.add(Delta(tls={DEFAULT_CERTIFICATE: GENERATED}))
    assert publisher.publish({})
    assert heard == [1]


def test_a_host_that_cannot_be_written_is_reported_to_the_owners_of_its_routes(writer: TableWriter) -> None:
    state = State()
    publisher = Publisher(writer, state)
    owner, backend = Owner("HTTPRoute", "demo", "bad"), Backend("demo", "web", "80", weight=10**30)
    routes = (Route(PathKind.PREFIX, "/", owner, (backend,)), Route(PathKind.PREFIX, "/flag"))
    publisher.add(Delta(routes={"bad.example": Host("bad.example", routes)}))
    assert publisher.publish({})
    assert [report.object for report in state.reports()] == [ObjectId("HTTPRoute", "demo", "bad")]


def test_a_record_that_cannot_be_written_is_left_out_and_reported(writer: TableWriter) -> None:
    state = State()
    publisher = Publisher(writer, state)
    table = TableReader(writer.directory)

    def publish(port: int) -> list[str]:
        records: dict[str, Record | None] = {
            f"demo/{name}:80": ServicePort("demo", name, "80", (Endpoint("10.0.0.1", number),))
            for name, number in (("bad", port), ("good", min(port, 65535)))
        }
        publisher.add(Delta(endpoints=records))
        assert publisher.publish({})
        table.reopen()
        return [
            str(one and one.endpoints[0].port) for one in (table.endpoints.get(key, ServicePort) for key in records)
        ]

    assert publish(80) == ["80", "80"]
    assert publish(10**30) == ["80", "65535"]
    (report,) = state.reports()
    assert (report.object, report.problem.reason) == (ObjectId("Service", "demo", "bad"), REASON)
    publisher.add(Delta(problems={report.object: ("", ())}))  # it has no other problem
    assert publisher.publish({})
    assert state.reports() == [report]
    assert publish(81) == ["81", "81"]
    assert state.reports() == []
