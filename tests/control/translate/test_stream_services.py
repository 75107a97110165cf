"""ConfigMaps of TCP and UDP services: records of streams and sockets, and what is wrong with entries."""

from __future__ import annotations

from typing import Any

import pytest

from edge.control.kinds.objects import ObjectId
from edge.settings import Settings
from edge.table.records import LISTENERS, Balance, Listeners, Wire
from edge.table.streams import ANY, ProxyHeader, StreamRoute
from tests.support import objects
from tests.support.world import World

TCP = ObjectId("ConfigMap", "demo", "tcp")
UDP = ObjectId("ConfigMap", "demo", "udp")


def config_map(name: str, **data: str) -> dict[str, Any]:
    """PORTs are written `p9000`, because a keyword does not begin with a digit."""
    entries = {port.removeprefix("p"): value for port, value in data.items()}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "demo"},
        "data": entries,
    }


def world(**settings: Any) -> World:
    names = {"tcp_services_configmap": "demo/tcp", "udp_services_configmap": "demo/udp", **settings}
    made = World(Settings(**names))
    return made.apply(objects.service("web"), objects.endpoints("web", "10.0.0.1"))


def stream(made: World, scope: str) -> StreamRoute:
    found = made.routes[f"s:{scope}"]
    assert isinstance(found, StreamRoute)
    return found


def places(made: World) -> set[tuple[str, int, Wire]]:
    found = made.routes.get(LISTENERS)
    return {(one.address, one.port, one.wire) for one in found.sockets} if isinstance(found, Listeners) else set()


def told(made: World, owner: ObjectId) -> list[str]:
    return [f"{one.reason} {one.field}" for one in made.problems.get(owner, ())]


def test_an_entry_opens_its_port_at_every_address() -> None:
    made = world().apply(config_map("tcp", p9000="demo/web:80"), config_map("udp", p53="demo/dns:53"))
    assert places(made) == {
        ("0.0.0.0", 9000, Wire.TCP),
        ("::", 9000, Wire.TCP),
        ("0.0.0.0", 53, Wire.UDP),
        ("::", 53, Wire.UDP),
    }
    (backend,) = stream(made, "tcp:9000").backends
    assert (backend.namespace, backend.service, backend.port, backend.key) == ("demo", "web", "80", "demo/web:80")
    assert made.addresses("web") == ["10.0.0.1:8080"]


def test_only_at_the_addresses_that_are_asked_for() -> None:
    made = world(bind_address=("10.1.2.3",)).apply(config_map("tcp", p9000="demo/web:80"))
    assert places(made) == {("10.1.2.3", 9000, Wire.TCP)}


def test_entries_come_and_go() -> None:
    made = world().apply(config_map("tcp", p9000="demo/web:80", p9001="demo/web:80"))
    made.apply(config_map("tcp", p9001="demo/web:http"))
    assert "s:tcp:9000" not in made.routes
    assert stream(made, "tcp:9001").backends[0].key == "demo/web:http"
    made.delete("ConfigMap", "tcp")
    assert not places(made)
    assert "s:tcp:9001" not in made.routes
    assert told(made, TCP) == ["MissingConfigMap "]


@pytest.mark.parametrize(
    ("value", "takes", "sends"),
    [
        ("demo/web:80", False, ProxyHeader.NONE),
        ("demo/web:80:PROXY", True, ProxyHeader.NONE),
        ("demo/web:80::PROXY", False, ProxyHeader.V1),
        ("demo/web:80:PROXY:PROXY", True, ProxyHeader.V1),
        ("demo/web:80::PROXY2", False, ProxyHeader.V2),
    ],
)
def test_proxy_protocol(value: str, takes: bool, sends: ProxyHeader) -> None:
    found = stream(world().apply(config_map("tcp", p9000=value)), "tcp:9000")
    assert (found.proxied, found.send_proxy) == (takes, sends)


@pytest.mark.parametrize(
    ("port", "value"),
    [("p0", "demo/web:80"), ("p65536", "demo/web:80"), ("p09", "demo/web:80"), ("http", "demo/web:80")]
    + [("p9000", value) for value in ("web:80", "demo/web", "demo/web:80:proxy", "demo/web:80:PROXY:PROXY:PROXY", "")],
)
def test_an_entry_that_cannot_be_read_is_left_out(port: str, value: str) -> None:
    made = world().apply(config_map("tcp", **{port: value, "p9009": "demo/web:80"}))
    assert told(made, TCP) == [f"InvalidEntry data.{port.removeprefix('p')}"]
    assert {place[1] for place in places(made)} == {9009}


def test_there_is_no_proxy_protocol_for_datagrams() -> None:
    made = world().apply(config_map("udp", p53="demo/web:80:PROXY"))
    assert told(made, UDP) == ["InvalidEntry data.53"]


def test_the_port_must_have_the_protocol() -> None:
    """A Service may have TCP 53 and UDP 53; each entry takes its own."""
    dns = objects.service("dns")
    dns["spec"]["ports"] = [
        {"name": "tcp", "port": 53, "targetPort": 5301, "protocol": "TCP"},
        {"name": "udp", "port": 53, "targetPort": 5302, "protocol": "UDP"},
    ]
    slices = objects.endpoints("dns", "10.0.0.9")
    slices["ports"] = [
        {"name": one["name"], "port": one["targetPort"], "protocol": one["protocol"]} for one in dns["spec"]["ports"]
    ]
    made = world().apply(
        dns, slices, config_map("tcp", p53="demo/dns:53"), config_map("udp", p53="demo/dns:53", p54="demo/web:80")
    )
    found = {key: [one.port for one in record.endpoints] for key, record in made.endpoints.items()}  # type: ignore[attr-defined]
    assert found["demo/dns:53"] == [5301]
    assert found["demo/dns:53#udp"] == [5302]
    assert told(made, UDP) == ["MissingPort data.54"]


def test_a_service_that_is_missing_is_reported_with_the_entry() -> None:
    made = world().apply(config_map("tcp", p9000="demo/other:80"))
    assert told(made, TCP) == ["MissingService data.9000"]
    (problem,) = made.problems[TCP]
    assert "connections are closed" in problem.message


def test_external_names_are_looked_up() -> None:
    far = objects.service("far", type="ExternalName", externalName="db.example.com")
    made = world().apply(far, config_map("tcp", p5432="demo/far:5432"))
    assert made.compiler.external_names == {"db.example.com"}


def test_flags_hold_for_all_streams() -> None:
    made = world(
        proxy_stream_timeout=5.0,
        proxy_stream_responses=ANY,
        proxy_stream_next_upstream=False,
        stream_load_balance="least_conn",
    ).apply(config_map("tcp", p9000="demo/web:80"))
    found = stream(made, "tcp:9000")
    assert (found.idle_timeout, found.responses, found.tries, found.by_client) == (5.0, ANY, 1, False)
    assert made.service("web").balance is Balance.LEAST_CONNECTIONS
    by_client = world(stream_load_balance="client_address").apply(config_map("tcp", p9000="demo/web:80"))
    assert stream(by_client, "tcp:9000").by_client


def test_one_config_map_may_have_both() -> None:
    made = world(udp_services_configmap="demo/tcp").apply(config_map("tcp", p53="demo/web:80"))
    assert {place[2] for place in places(made)} == {Wire.TCP, Wire.UDP}


def test_the_config_maps_are_needed() -> None:
    """They are read from a cluster by name."""
    assert {TCP, UDP} <= world().compiler.wanted
