"""With `--gateway-services` a Gateway in a cluster gets a Service, which leads to ports of Edge's pods."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from edge.control.api.transport import MERGE_PATCH
from edge.control.kinds import resources
from tests.support import gateway
from tests.support.backends import Backend
from tests.support.clients import get
from tests.support.cluster import Cluster
from tests.support.edge import Edge, free_port
from tests.support.fakeapi import Rules
from tests.support.gateway import listener, route, rule
from tests.support.objects import Manifest, config_map
from tests.support.rendering import ROOT, kustomization
from tests.support.waiting import eventually

FIRST = free_port()
PORTS = range(FIRST, FIRST + 20)
pytestmark = pytest.mark.usefixtures("edge")


@pytest.fixture(scope="module")
def edge(where: Cluster, backend: Backend) -> Iterator[Edge]:
    """Edge with the rights that deploy/gateway-services gives it."""
    if where.api is not None:
        where.api.rules = Rules.from_manifests(kustomization(ROOT / "deploy/gateway-services"), subject="edge")
    flags = ["--gateway-services=LoadBalancer", f"--gateway-service-ports={PORTS[0]}-{PORTS[-1]}",
             "--bind-address=127.0.0.1", "--no-update-status-on-shutdown"]  # fmt: skip
    with Edge(None, *where.flags, *flags) as one:
        where.apply(
            gateway.gateway_class(where.name, controller=f"edge.ingress/{where.name}"),
            where.service(),
            where.endpoints(backend.port),
        )
        yield one


def made(where: Cluster, name: str, *listeners: Manifest, **infrastructure: Any) -> Manifest:
    one = gateway.gateway(*(listeners or [listener()]), name=name, namespace=where.name, gateway_class=where.name)
    if infrastructure:
        one["spec"]["infrastructure"] = infrastructure
    return one


def routed(where: Cluster, name: str, *rules: Manifest) -> Manifest:
    return route(*(rules or [rule("web")]), name=name, namespace=where.name, hosts=(), parents=[{"name": name}])


def service(where: Cluster, name: str) -> Any:
    found = where.get("Service", f"edge-{name}")
    assert found is not None, "not yet"
    return found


def targets(where: Cluster, name: str) -> dict[int, int]:
    return {one["port"]: one["targetPort"] for one in service(where, name)["spec"]["ports"]}


def balance(where: Cluster, name: str, address: str) -> None:
    """What a cloud does: the Service of the Gateway gets an ADDRESS."""
    path = f"{resources.SERVICE.path_of((where.name, f'edge-{name}'))}/status"
    body = {"status": {"loadBalancer": {"ingress": [{"ip": address}]}}}
    where.transport.request("PATCH", path, body=body, content_type=MERGE_PATCH)


def status(where: Cluster, name: str) -> Any:
    found = where.get("Gateway", name)
    assert found is not None
    return found.get("status") or {}


def condition(where: Cluster, name: str, kind: str) -> tuple[str, str]:
    found = status(where, name).get("conditions", ())
    return next(((one["status"], one["reason"]) for one in found if one["type"] == kind), ("", ""))


def answer(port: int, target: str = "/") -> str:
    try:
        response = get(port, target, host="web.example")
    except OSError:
        return ""
    return response.get("X-Backend") or str(response.status)


def test_gateways_with_the_same_port(where: Cluster) -> None:
    """Each is served behind its own Service, and says where that is reached."""
    for name in ("left", "right"):
        where.apply(made(where, name), routed(where, name))
    where.apply(routed(where, "left", {**rule("web"), "matches": [gateway.path("/left")]}))
    for name, address in (("left", "203.0.113.1"), ("right", "203.0.113.2")):
        eventually(lambda name=name: targets(where, name))
        assert condition(where, name, "Programmed") != ("True", "Programmed")
        balance(where, name, address)
        shown = [{"type": "IPAddress", "value": address}]
        eventually(lambda name=name, shown=shown: status(where, name).get("addresses") == shown)
        eventually(lambda name=name: condition(where, name, "Programmed") == ("True", "Programmed"))
    left, right = (targets(where, name)[80] for name in ("left", "right"))
    assert left != right
    eventually(lambda: (answer(left, "/left"), answer(right)) == ("one", "one"))
    assert answer(left) == "404"


def test_listeners_that_change_and_a_gateway_that_goes(where: Cluster) -> None:
    where.apply(made(where, "changing"), routed(where, "changing"))
    eventually(lambda: answer(targets(where, "changing")[80]) == "one")
    where.apply(made(where, "changing", listener(port=8080)))
    eventually(lambda: list(targets(where, "changing")) == [8080])
    own = targets(where, "changing")[8080]
    eventually(lambda: answer(own) == "one")
    where.delete("Gateway", "changing")
    eventually(lambda: where.get("Service", "edge-changing") is None)
    eventually(lambda: answer(own) == "")


def test_a_redirect_names_the_port_of_the_listener(where: Cluster) -> None:
    """Not the port behind the Service, which clients do not know."""
    to = {"type": "RequestRedirect", "requestRedirect": {"hostname": "new.example"}}
    where.apply(
        made(where, "redirecting", listener(), listener("other", port=8080)),
        routed(where, "redirecting", {"filters": [to]}),
    )
    eventually(lambda: answer(targets(where, "redirecting")[80]) == "302")
    found = [get(targets(where, "redirecting")[port], "/x", host="web.example").get("Location") for port in (80, 8080)]
    assert found == ["http://new.example/x", "http://new.example:8080/x"]


def test_labels_annotations_and_parameters(where: Cluster) -> None:
    reference = {"group": "", "kind": "ConfigMap", "name": "parameters"}
    where.apply(
        config_map("parameters", {"externalTrafficPolicy": "Local"}, namespace=where.name),
        made(where, "asking", labels={"team": "shop"}, annotations={"example.com/x": "y"}, parametersRef=reference),
    )
    eventually(lambda: service(where, "asking")["spec"]["externalTrafficPolicy"] == "Local")
    metadata = service(where, "asking")["metadata"]
    assert metadata["labels"]["team"] == "shop"
    assert metadata["labels"]["gateway.networking.k8s.io/gateway-name"] == "asking"
    assert metadata["annotations"]["example.com/x"] == "y"
    where.apply(config_map("parameters", {"externalTrafficPolicy": "Sometimes"}, namespace=where.name))
    eventually(lambda: condition(where, "asking", "Accepted") == ("False", "InvalidParameters"))
    assert service(where, "asking")["spec"]["externalTrafficPolicy"] == "Local"
    where.apply(config_map("parameters", {"type": "ClusterIP"}, namespace=where.name))
    eventually(lambda: service(where, "asking")["spec"]["type"] == "ClusterIP")
    eventually(lambda: condition(where, "asking", "Accepted") == ("True", "Accepted"))


def test_a_service_of_somebody_else(where: Cluster) -> None:
    """It stays as it is, the Gateway says so, and there is an Event."""
    where.apply(where.service("edge-foreign"))
    before = service(where, "foreign")
    where.apply(made(where, "foreign"))
    eventually(lambda: condition(where, "foreign", "Programmed") == ("False", "AddressNotAssigned"))
    eventually(lambda: "ServiceConflict" in {one["reason"] for one in where.events("foreign")})
    assert service(where, "foreign") == before
