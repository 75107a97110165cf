"""The Services that Gateways are to have, and the ports of ours behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.control.translate.gateway.services import service_name
from edge.table.records import LISTENERS, Listeners
from tests.support import gateway, objects
from tests.support.gateway import listener, route, rule
from tests.support.objects import Manifest
from tests.support.site import Site, serving

OLD, NEW = "2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z"
STREAM: Manifest = {**route(rule("a"), hosts=()), "kind": "TCPRoute"}
Made = Callable[..., Site]


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Made]:
    """A site with a class and Services a and b, and these settings."""
    sites: list[Site] = []

    def begin(**settings: Any) -> Site:
        one = Site(tmp_path, **{"gateway_services": "LoadBalancer", **settings})
        one.put("class.yaml", gateway.gateway_class())
        one.put("services.yaml", *serving("a", "b"))
        sites.append(one)
        return one

    yield begin
    for one in sites:
        one.close()


def own(name: str, *ports: tuple[int, int], created: str = OLD, reached: str = "", **spec: Any) -> Manifest:
    """The Service that Edge has made for the Gateway NAME: ports and the ports behind them, and its address."""
    labels = {
        "gateway.networking.k8s.io/gateway-name": name,
        "app.kubernetes.io/managed-by": "edge-ingress",
    }
    made: Manifest = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": service_name(name), "namespace": "demo", "labels": labels, "creationTimestamp": created,
        },
        "spec": {
            "type": "LoadBalancer",
            "ports": [{"name": f"http-{port}", "port": port, "targetPort": target} for port, target in ports],
            **spec,
        },
    }  # fmt: skip
    if reached:
        made["status"] = {"loadBalancer": {"ingress": [{"ip": reached}]}}
    return made


def sockets(site: Site) -> dict[str, set[int]]:
    """Ports that are listened on, by scope."""
    site.reader.refresh()
    found = site.reader.routes.get(LISTENERS, Listeners)
    made: dict[str, set[int]] = {}
    for one in found.sockets if found is not None else ():
        made.setdefault(one.scope, set()).add(one.port)
    return made


def ports(site: Site, name: str = "edge") -> list[tuple[str, int, str]]:
    return [(one.name, one.port, one.protocol) for one in site.services[f"Gateway demo/{name}"].ports]


def target(site: Site, name: str, port: int = 80) -> int:
    """The port of ours that the Service for the Gateway NAME is to lead to."""
    return next(one.target for one in site.services[f"Gateway demo/{name}"].ports if one.port == port)


def condition(site: Site, kind: str, name: str = "edge") -> tuple[str, str]:
    found = site.statuses[f"Gateway demo/{name}"]["conditions"]
    return next((one["status"], one["reason"]) for one in found if one["type"] == kind)


def test_any_number_of_gateways_may_have_port_80(made: Made) -> None:
    """Each has a port of ours of its own, at all addresses, and its requests are in its scope."""
    site = made()
    site.put("gateways.yaml", gateway.gateway(name="one"), gateway.gateway(name="two"))
    first, second = target(site, "one"), target(site, "two")
    assert first != second
    assert {first, second} <= set(range(20000, 25000))
    assert sockets(site) == {"demo/one:80": {first}, "demo/two:80": {second}}


def test_ports_are_those_of_all_listeners_that_are_served(made: Made) -> None:
    site = made()
    one = gateway.gateway(
        listener(), listener("other", "other.example"), listener("tls", secret="tls"),
        listener("tcp", port=53, protocol="TCP"), listener("udp", port=53, protocol="UDP"),
        listener("odd", port=1, protocol="example.com/odd"),
    )  # fmt: skip
    site.put("gateway.yaml", gateway.with_sets(one))
    site.put("set.yaml", gateway.listener_set(listener("more", port=8080)))
    assert ports(site) == [
        ("tcp-53", 53, "TCP"), ("udp-53", 53, "UDP"), ("http-80", 80, "TCP"), ("https-443", 443, "TCP"),
        ("http-8080", 8080, "TCP"),
    ]  # fmt: skip
    targets = [one.target for one in site.services["Gateway demo/edge"].ports]
    assert len(set(targets)) == len(targets)
    site.remove("set.yaml")
    assert ("http-8080", 8080, "TCP") not in ports(site)


def test_a_stream_listens_on_the_port_behind_the_service(made: Made) -> None:
    site = made()
    site.put("gateway.yaml", gateway.gateway(listener("tcp", port=53, protocol="TCP")))
    site.put("route.yaml", STREAM)
    assert sockets(site) == {"demo/edge:53": {target(site, "edge", 53)}}


def test_what_a_service_says_is_so(made: Made) -> None:
    """Also for an instance that would have chosen otherwise, and also when it changes; routes follow."""
    site = made()
    site.put("gateway.yaml", gateway.gateway(listener("tcp", port=53, protocol="TCP")))
    site.put("route.yaml", STREAM)
    for port in (20007, 20008):
        site.put("own.yaml", own("edge", (53, port)))
        assert sockets(site) == {"demo/edge:53": {port}}
        assert target(site, "edge", 53) == port


def test_of_two_services_with_one_port_the_older_one_keeps_it(made: Made) -> None:
    site = made()
    site.put("gateways.yaml", gateway.gateway(name="one"), gateway.gateway(name="two"))
    site.put("own.yaml", own("one", (80, 20007), created=NEW), own("two", (80, 20007), created=OLD))
    assert (target(site, "two"), target(site, "one") != 20007) == (20007, True)
    assert sockets(site) == {"demo/one:80": {target(site, "one")}, "demo/two:80": {20007}}


def test_a_port_of_ours_beyond_the_range_is_not_taken_up(made: Made) -> None:
    """The right to write Services does not allow a user to choose where Edge listens."""
    site = made()
    site.put("gateway.yaml", gateway.gateway())
    site.put("own.yaml", own("edge", (80, 22)))
    assert target(site, "edge") in range(20000, 25000)


def test_a_port_is_given_back(made: Made) -> None:
    site = made(gateway_service_ports="20000-20000")
    site.put("one.yaml", gateway.gateway(name="one"))
    site.put("two.yaml", gateway.gateway(name="two"))
    assert condition(site, "Programmed", "two") == ("False", "AddressNotAssigned")
    assert "all of --gateway-service-ports are in use" in str(site.statuses["Gateway demo/two"])
    site.remove("one.yaml")
    assert site.services["Gateway demo/one"] is None
    assert target(site, "two") == 20000


def test_the_status_shows_where_the_service_is_reached(made: Made) -> None:
    site = made()
    site.put("gateway.yaml", gateway.gateway())
    assert condition(site, "Programmed") == ("False", "AddressNotAssigned")
    assert site.problems("Gateway demo/edge") == (), "it takes a cloud some time, and nothing is wrong"
    site.put("own.yaml", own("edge", (80, 20007)))
    assert condition(site, "Programmed") == ("False", "AddressNotAssigned")
    site.put("own.yaml", own("edge", (80, 20007), reached="203.0.113.9"))
    assert condition(site, "Programmed") == ("True", "Programmed")
    assert site.statuses["Gateway demo/edge"]["addresses"] == [{"type": "IPAddress", "value": "203.0.113.9"}]
    inside = own("edge", (80, 20007), type="ClusterIP", clusterIP="10.96.0.7")
    site.put("own.yaml", inside)
    assert site.statuses["Gateway demo/edge"]["addresses"] == [{"type": "IPAddress", "value": "10.96.0.7"}]


def test_an_address_that_is_asked_for(made: Made) -> None:
    """It is asked of the load balancer, and the Gateway is not programmed before that has it."""
    site = made()
    asked = gateway.gateway()
    asked["spec"]["addresses"] = [{"type": "IPAddress", "value": "203.0.113.9"}]
    site.put("gateway.yaml", asked)
    assert site.services["Gateway demo/edge"].spec["loadBalancerIP"] == "203.0.113.9"
    site.put("own.yaml", own("edge", (80, 20007), reached="203.0.113.1"))
    assert condition(site, "Programmed") == ("False", "AddressNotUsable")
    site.put("own.yaml", own("edge", (80, 20007), reached="203.0.113.9"))
    assert condition(site, "Programmed") == ("True", "Programmed")
    asked["spec"]["addresses"] = [{"type": "IPAddress", "value": ""}]
    site.put("gateway.yaml", asked)
    assert "loadBalancerIP" not in site.services["Gateway demo/edge"].spec
    asked["spec"]["addresses"] = [{"type": "Hostname", "value": "a.example"}]
    site.put("gateway.yaml", asked)
    assert condition(site, "Accepted") == ("False", "UnsupportedAddress")


def test_a_service_of_somebody_else_is_left_alone_and_reported(made: Made) -> None:
    site = made()
    foreign = own("edge", (80, 20007), reached="203.0.113.9")
    del foreign["metadata"]["labels"]
    site.put("foreign.yaml", foreign)
    site.put("gateway.yaml", gateway.gateway())
    assert "Gateway demo/edge" not in site.services
    assert site.problems("Gateway demo/edge") == ("error ServiceConflict ",)
    assert condition(site, "Programmed") == ("False", "AddressNotAssigned")
    site.remove("foreign.yaml")
    assert "Gateway demo/edge" in site.services
    assert site.problems("Gateway demo/edge") == ()


def test_labels_and_annotations_are_propagated(made: Made) -> None:
    site = made()
    one = gateway.gateway()
    one["spec"]["infrastructure"] = {"labels": {"team": "shop"}, "annotations": {"example.com/pool": "public"}}
    site.put("gateway.yaml", one)
    found = site.services["Gateway demo/edge"]
    assert found.labels == {
        "team": "shop",
        "gateway.networking.k8s.io/gateway-name": "edge",
        "app.kubernetes.io/managed-by": "edge-ingress",
    }
    assert found.annotations == {"example.com/pool": "public"}


def with_parameters(name: str = "own") -> Manifest:
    one = gateway.gateway()
    one["spec"]["infrastructure"] = {"parametersRef": {"group": "", "kind": "ConfigMap", "name": name}}
    return one


def test_parameters_of_the_class_and_of_the_gateway(made: Made) -> None:
    """Those of the Gateway go first; changes are followed."""
    site = made()
    one = gateway.gateway_class()
    one["spec"]["parametersRef"] = {"group": "", "kind": "ConfigMap", "name": "all", "namespace": "edge"}
    site.put("class.yaml", one)
    both = {"externalTrafficPolicy": "Local", "annotations": "example.com/pool: public\nexample.com/zone: a"}
    site.put("all.yaml", objects.config_map("all", both, namespace="edge"))
    site.put("own.yaml", objects.config_map("own", {"annotations": "example.com/pool: 'private'"}))
    site.put("gateway.yaml", with_parameters())
    found = site.services["Gateway demo/edge"]
    assert found.spec == {"type": "LoadBalancer", "externalTrafficPolicy": "Local"}
    assert found.annotations == {"example.com/pool": "private", "example.com/zone": "a"}
    assert condition(site, "Accepted") == ("True", "Accepted")
    site.put("own.yaml", objects.config_map("own", {"type": "ClusterIP"}))
    found = site.services["Gateway demo/edge"]
    assert found.spec == {"type": "ClusterIP"}, "the policy is not one that a Service of this type may have"
    assert found.annotations["example.com/pool"] == "public"


@pytest.mark.parametrize(
    ("parameters", "wrong"),
    [
        (objects.config_map("own", {"type": "Balancer"}), "must be one of LoadBalancer, ClusterIP, NodePort"),
        (objects.config_map("own", {"replicas": "3"}), '"replicas" is not known'),
        (objects.config_map("own", {"loadBalancerSourceRanges": "10.0.0.0/8, x"}), '"x" must be an address block'),
        (objects.config_map("own", {"annotations": "no value"}), '"no value" must be NAME: VALUE'),
        (objects.config_map("own", {"allocateLoadBalancerNodePorts": "no"}), '"no" must be true or false'),
        (objects.config_map("other", {}), "does not exist"),
    ],
)
def test_bad_parameters_of_a_gateway(made: Made, parameters: Manifest, wrong: str) -> None:
    """The Gateway says so, and its Service stays as it is."""
    site = made()
    site.put("own.yaml", objects.config_map("own", {"type": "NodePort"}))
    site.put("gateway.yaml", with_parameters())
    site.put("own.yaml", parameters)
    assert condition(site, "Accepted") == ("False", "InvalidParameters")
    assert wrong in str(site.statuses["Gateway demo/edge"])
    assert site.services["Gateway demo/edge"].spec == {"type": "NodePort"}
    site.put("own.yaml", objects.config_map("own", {}))
    assert condition(site, "Accepted") == ("True", "Accepted")
    assert site.services["Gateway demo/edge"].spec == {"type": "LoadBalancer"}


def test_bad_parameters_of_a_class(made: Made) -> None:
    site = made()
    one = gateway.gateway_class()
    one["spec"]["parametersRef"] = {"group": "", "kind": "ConfigMap", "name": "all", "namespace": "edge"}
    site.put("class.yaml", one)
    site.put("gateway.yaml", gateway.gateway())
    (accepted,) = site.statuses["GatewayClass edge"]["conditions"]
    assert (accepted["status"], accepted["reason"]) == ("False", "InvalidParameters")
    assert site.problems("GatewayClass edge") == ("error InvalidParameters spec.parametersRef.name",)
    assert "Gateway demo/edge" not in site.services
    site.put("all.yaml", objects.config_map("all", {}, namespace="edge"))
    assert site.statuses["GatewayClass edge"]["conditions"][0]["status"] == "True"
    assert "Gateway demo/edge" in site.services


def test_a_gateway_whose_class_is_missing_keeps_its_service(made: Made) -> None:
    """One that is another controller's does not."""
    site = made()
    site.put("gateway.yaml", gateway.gateway())
    site.remove("class.yaml")
    assert site.services["Gateway demo/edge"] is not None
    site.put("class.yaml", gateway.gateway_class(controller="example.com/other"))
    assert site.services["Gateway demo/edge"] is None


def test_addresses_out_of_a_pool_are_behind_the_service(made: Made) -> None:
    """Its ports are those of the listeners, and the status shows the address of the pool."""
    site = made(gateway_addresses=("127.9.4.1",), gateway_services="ClusterIP")
    site.put("gateway.yaml", gateway.gateway())
    found = site.services["Gateway demo/edge"]
    assert (found.backends, target(site, "edge")) == (("127.9.4.1",), 80)
    assert sockets(site) == {"demo/edge:80": {80}}
    assert site.statuses["Gateway demo/edge"]["addresses"] == [{"type": "IPAddress", "value": "127.9.4.1"}]


@pytest.mark.parametrize("setting", ["gateway_services", "gateway_addresses"])
def test_nothing_is_made_unless_asked_for(made: Made, setting: str) -> None:
    site = made(**{"gateway_services": "", **({setting: ("127.9.4.1",)} if setting == "gateway_addresses" else {})})
    site.put("gateway.yaml", gateway.gateway())
    assert site.services == {}


def test_names_of_services() -> None:
    """They are DNS labels, whatever the Gateway is called, and no two Gateways have the same one."""
    assert service_name("shop") == "edge-shop"
    odd = [service_name(name) for name in ("a.b", "a-b", "x" * 253, "x" * 252, "x" * 59)]
    assert len(set(odd)) == len(odd)
    assert all(len(one) <= 63 and "." not in one for one in odd)


def test_the_requests_of_a_gateway_come_by_its_own_ports(made: Made) -> None:
    site = made()
    site.put("gateway.yaml", gateway.gateway())
    site.put("route.yaml", route(rule("a"), hosts=()))
    assert site.takes("web.example") == "404", "Edge's own ports know nothing of it"
