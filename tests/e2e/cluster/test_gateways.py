"""The Gateway API in a cluster: what users apply is served, and its status says so."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import certificates, gateway, objects
from tests.support.backends import Backend
from tests.support.clients import get
from tests.support.cluster import Cluster
from tests.support.edge import Edge, free_port
from tests.support.gateway import GROUP, backend, listener, route, rule
from tests.support.objects import Manifest, namespace
from tests.support.tls_backends import TlsBackend
from tests.support.waiting import eventually

PORT = free_port()
pytestmark = pytest.mark.usefixtures("edge", "backend")


@pytest.fixture(scope="module")
def controller(where: Cluster) -> str:
    return f"edge.ingress/{where.name}"


@pytest.fixture(scope="module")
def edge(where: Cluster, controller: str) -> Iterator[Edge]:
    with Edge(None, *where.flags, "--no-update-status-on-shutdown", "--gateway-addresses=127.9.8.0/24") as one:
        where.apply(gateway.gateway_class(where.name, controller=controller))
        yield one


def made(where: Cluster, name: str, *listeners: Manifest, **rest: Any) -> Manifest:
    """A Gateway of ours."""
    return gateway.gateway(*(listeners or [listener(port=PORT)]), name=name, namespace=where.name,
                           gateway_class=where.name, **rest)  # fmt: skip


def routed(
    where: Cluster, name: str, *parents: Manifest, hosts: tuple[str, ...] = (), service: str = "web"
) -> Manifest:
    return route(rule(service), name=name, namespace=where.name, hosts=hosts, parents=list(parents) or [{"name": name}])


def conditions(holder: Any) -> dict[str, tuple[str, str, int]]:
    """Status, reason and generation by type."""
    return {
        one["type"]: (one["status"], one["reason"], one["observedGeneration"]) for one in holder.get("conditions", ())
    }


def status(where: Cluster, kind: str, name: str) -> Any:
    found = where.get(kind, name, "" if kind == "GatewayClass" else None)
    assert found is not None
    assert found.get("status"), "not yet"
    defaults = [one for one in found["status"].get("conditions", ()) if "observedGeneration" not in one]
    assert not defaults, "not yet: as the CustomResourceDefinition has it"
    return found["status"]


def address(where: Cluster, name: str) -> str:
    addresses = status(where, "Gateway", name).get("addresses")
    assert addresses, "not yet"
    (one,) = addresses
    assert one["type"] == "IPAddress"
    return str(one["value"])


def answer(where: Cluster, name: str, host: str = "web.example") -> str:
    response = get(PORT, "/", host=host, address=address(where, name))
    return response.get("X-Backend") or str(response.status)


def test_the_class_is_accepted_and_says_what_is_supported(where: Cluster, controller: str) -> None:
    eventually(lambda: conditions(status(where, "GatewayClass", where.name)).get("Accepted") == ("True", "Accepted", 1))
    names = [one["name"] for one in status(where, "GatewayClass", where.name)["supportedFeatures"]]
    assert names == sorted(names)
    assert {"Gateway", "HTTPRoute", "ReferenceGrant"} <= set(names)
    changed = gateway.gateway_class(where.name, controller=controller)
    changed["spec"]["description"] = "another"
    where.apply(changed)
    eventually(lambda: conditions(status(where, "GatewayClass", where.name))["Accepted"][2] == 2)


def definition(version: str, channel: str = "experimental") -> Manifest:
    """The CustomResourceDefinition of GatewayClass in this VERSION, as far as Edge looks at it."""
    annotations = {f"{GROUP}/bundle-version": version, f"{GROUP}/channel": channel}
    metadata = {"name": f"gatewayclasses.{GROUP}", "annotations": annotations}
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": metadata}


def test_whether_the_version_of_the_api_is_supported(where: Cluster) -> None:
    """By the annotation of the CRD, as it is now."""
    if where.api is None:
        pytest.skip("changes the CRD")

    def said() -> tuple[str, str]:
        found = conditions(status(where, "GatewayClass", where.name)).get("SupportedVersion", ("", "", 0))
        return found[0], found[1]

    supported, unsupported = ("True", "SupportedVersion"), ("False", "UnsupportedVersion")
    for version, expected in (
        ("v1.6.1", supported),
        ("v1.60.0", unsupported),
        ("v1.6.0-rc.1", supported),
        ("v1.1.0", unsupported),
    ):
        where.api.apply(definition(version))
        eventually(lambda expected=expected: said() == expected)


def test_features_are_those_of_the_channel(where: Cluster) -> None:
    """The API server drops `retry` of HTTPRoutes where the CRDs are of the standard channel."""
    if where.api is None:
        pytest.skip("changes the CRD")

    def said() -> set[str]:
        return {one["name"] for one in status(where, "GatewayClass", where.name)["supportedFeatures"]}

    for channel, retries in (("standard", False), ("experimental", True)):
        where.api.apply(definition("v1.6.1", channel))
        eventually(lambda retries=retries: ("HTTPRouteRetry" in said()) == retries)
        assert "HTTPRouteCORS" in said()


def test_a_gateway_with_a_route(where: Cluster, backend: Backend) -> None:
    where.apply(where.service(), where.endpoints(backend.port), made(where, "plain"), routed(where, "plain"))
    eventually(lambda: answer(where, "plain") == "one")
    fine = {"Accepted": ("True", "Accepted", 1), "Programmed": ("True", "Programmed", 1)}
    resolved = {"ResolvedRefs": ("True", "ResolvedRefs", 1)}
    assert conditions(status(where, "Gateway", "plain")) == {**fine, **resolved}
    (one,) = status(where, "Gateway", "plain")["listeners"]
    assert (one["name"], one["attachedRoutes"]) == ("http", 1)
    assert one["supportedKinds"] == [{"group": GROUP, "kind": kind} for kind in ("HTTPRoute", "GRPCRoute")]
    assert conditions(one) == {
        **fine,
        "ResolvedRefs": ("True", "ResolvedRefs", 1),
        "Conflicted": ("False", "NoConflicts", 1),
    }
    (parent,) = status(where, "HTTPRoute", "plain")["parents"]
    assert parent["controllerName"].startswith("edge.ingress/")
    assert parent["parentRef"]["name"] == "plain"
    assert conditions(parent) == {"Accepted": fine["Accepted"], "ResolvedRefs": ("True", "ResolvedRefs", 1)}


def test_listeners_that_change(where: Cluster) -> None:
    def listeners() -> list[tuple[str, int]]:
        return [(one["name"], one["attachedRoutes"]) for one in status(where, "Gateway", "changing")["listeners"]]

    where.apply(made(where, "changing"), routed(where, "changing"))
    eventually(lambda: listeners() == [("http", 1)])
    more = [listener(port=PORT), listener("other", "other.example", port=PORT)]
    where.apply(made(where, "changing", *more), routed(where, "second", {"name": "changing", "sectionName": "other"}))
    eventually(lambda: listeners() == [("http", 1), ("other", 2)])
    assert conditions(status(where, "Gateway", "changing"))["Accepted"][2] == 2
    where.apply(made(where, "changing", more[1]))
    eventually(lambda: listeners() == [("other", 2)])
    where.delete("HTTPRoute", "second")
    eventually(lambda: listeners() == [("other", 1)])


@pytest.mark.parametrize(
    ("name", "listeners", "accepted", "of_listeners"),
    [
        ("odd-one", [{"protocol": "a.b/odd"}], ("False", "ListenersNotValid"), [("False", "UnsupportedProtocol")]),
        (
            "mixed",
            [{"protocol": "example.com/odd"}, {"name": "good"}],
            ("True", "ListenersNotValid"),
            [("False", "UnsupportedProtocol"), ("True", "Accepted")],
        ),
    ],
)  # fmt: skip
def test_protocols_that_are_not_supported(
    where: Cluster, name: str, listeners: list[Manifest], accepted: tuple[str, str], of_listeners: list[Any]
) -> None:
    where.apply(made(where, name, *(listener(port=PORT + number, **one) for number, one in enumerate(listeners))))
    eventually(lambda: conditions(status(where, "Gateway", name))["Accepted"][:2] == accepted)
    found = status(where, "Gateway", name)["listeners"]
    assert [conditions(one)["Accepted"][:2] for one in found] == of_listeners
    assert found[0]["supportedKinds"] == []


def test_kinds_of_routes_that_are_not_known(where: Cluster) -> None:
    kinds = [{"kind": "OddRoute"}, {"kind": "HTTPRoute"}]
    where.apply(
        made(where, "odd", listener("a", port=PORT, allowedRoutes={"kinds": kinds[:1]}),
             listener("b", "b.example", port=PORT, allowedRoutes={"kinds": kinds}))
    )  # fmt: skip
    eventually(lambda: len(status(where, "Gateway", "odd")["listeners"]) == 2)
    first, second = status(where, "Gateway", "odd")["listeners"]
    assert (
        conditions(first)["ResolvedRefs"][:2]
        == conditions(second)["ResolvedRefs"][:2]
        == ("False", "InvalidRouteKinds")
    )
    assert ([one["kind"] for one in first["supportedKinds"]], [one["kind"] for one in second["supportedKinds"]]) == (
        [],
        ["HTTPRoute"],
    )


def test_a_certificate_that_is_missing(where: Cluster) -> None:
    where.apply(made(where, "bare", listener(port=PORT, secret="missing")))

    def first() -> Any:
        return conditions(status(where, "Gateway", "bare")["listeners"][0])

    eventually(lambda: first()["ResolvedRefs"][:2] == ("False", "InvalidCertificateRef"))
    assert first()["Programmed"][:2] == ("False", "Invalid")
    far = listener(port=PORT, secret="missing")
    far["tls"]["certificateRefs"][0]["namespace"] = "elsewhere"
    where.apply(made(where, "bare", far))
    eventually(lambda: first()["ResolvedRefs"] == ("False", "RefNotPermitted", 2))


def test_addresses_that_are_asked_for(where: Cluster) -> None:
    """One that is not supported, one that cannot be had, and in the end one that can."""
    asked = [
        {"type": "test/odd", "value": "x"},
        {"type": "IPAddress", "value": "198.51.100.1"},
        {"type": "IPAddress", "value": "127.9.8.200"},
    ]

    def verdict() -> tuple[Any, Any]:
        found = conditions(status(where, "Gateway", "static"))
        return found.get("Accepted"), found.get("Programmed")

    for number in range(3):
        one = made(where, "static")
        one["spec"]["addresses"] = asked[number:]
        where.apply(one)
        expected = [
            (("False", "UnsupportedAddress", 1), ("False", "Invalid", 1)),
            (("True", "Accepted", 2), ("False", "AddressNotUsable", 2)),
            (("True", "Accepted", 3), ("True", "Programmed", 3)),
        ][number]
        eventually(lambda expected=expected: verdict() == expected)
    assert address(where, "static") == "127.9.8.200"


def test_an_address_stays(where: Cluster) -> None:
    """Also for another control plane, which finds it in the status."""
    where.apply(made(where, "staying"))
    eventually(lambda: address(where, "staying"))
    before = address(where, "staying")
    where.apply(made(where, "staying", listener("other", port=PORT)))
    eventually(lambda: conditions(status(where, "Gateway", "staying"))["Programmed"][2] == 2)
    assert address(where, "staying") == before


@pytest.mark.parametrize(
    ("name", "parent", "reason"),
    [
        ("elsewhere", {"name": "narrow", "sectionName": "nothing"}, "NoMatchingParent"),
        ("no-port", {"name": "narrow", "port": 1}, "NoMatchingParent"),
        ("no-host", {"name": "narrow"}, "NoMatchingListenerHostname"),
        ("selected", {"name": "selecting"}, "NotAllowedByListeners"),
    ],
)
def test_why_a_route_does_not_attach(where: Cluster, name: str, parent: Manifest, reason: str) -> None:
    nobody = {"namespaces": {"from": "Selector", "selector": {"matchLabels": {"team": "nobody"}}}}
    where.apply(
        made(where, "narrow", listener(hostname="narrow.example", port=PORT)),
        made(where, "selecting", listener(port=PORT, allowedRoutes=nobody)),
        routed(where, name, parent, hosts=("web.example",)),
    )
    eventually(lambda: conditions(status(where, "HTTPRoute", name)["parents"][0])["Accepted"] == ("False", reason, 1))


def test_namespaces_are_selected_by_their_labels(where: Cluster, backend: Backend) -> None:
    chosen = {"namespaces": {"from": "Selector", "selector": {"matchLabels": {"team": where.name}}}}
    other = f"{where.name}-other"
    far = routed(where, "far", {"name": "chosen", "namespace": where.name}, hosts=("far.example",))
    far["metadata"]["namespace"] = other
    where.apply(
        namespace(other),
        where.service(namespace=other),
        where.endpoints(backend.port, namespace=other),
        made(where, "chosen", listener(port=PORT, allowedRoutes=chosen)),
        far,
    )
    eventually(lambda: answer(where, "chosen", "far.example") == "404")
    where.apply(namespace(other, team=where.name))
    eventually(lambda: answer(where, "chosen", "far.example") == "one")
    where.apply(namespace(other))
    eventually(lambda: answer(where, "chosen", "far.example") == "404")


@pytest.mark.parametrize(
    ("name", "service", "reason"),
    [
        ("no-service", backend("missing"), "BackendNotFound"),
        ("no-kind", backend("web", kind="Bucket", group="example.com"), "InvalidKind"),
        ("no-grant", backend("web", namespace="elsewhere"), "RefNotPermitted"),
    ],
)
def test_references_that_cannot_be_followed(where: Cluster, name: str, service: Manifest, reason: str) -> None:
    where.apply(made(where, name), routed(where, name, service=service))  # type: ignore[arg-type]
    eventually(
        lambda: conditions(status(where, "HTTPRoute", name)["parents"][0])["ResolvedRefs"] == ("False", reason, 1)
    )
    assert conditions(status(where, "HTTPRoute", name)["parents"][0])["Accepted"][0] == "True"
    eventually(lambda: answer(where, name) == "500")


def test_entries_of_other_controllers_stay(where: Cluster) -> None:
    theirs = {
        "parentRef": {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "theirs"},
        "controllerName": "example.com/other",
        "conditions": [
            {
                "type": "Accepted", "status": "True", "reason": "Accepted", "message": "", "observedGeneration": 1,
                "lastTransitionTime": "2026-01-01T00:00:00Z",
            }
        ],
    }  # fmt: skip
    shared = routed(where, "shared", {"name": "sharing"}, {"name": "theirs"})
    where.apply({**shared, "status": {"parents": [theirs]}}, made(where, "sharing"))
    eventually(lambda: len(status(where, "HTTPRoute", "shared")["parents"]) == 2)
    assert theirs in status(where, "HTTPRoute", "shared")["parents"]
    where.delete("Gateway", "sharing")
    eventually(lambda: status(where, "HTTPRoute", "shared")["parents"] == [theirs])


def test_nothing_is_written_that_is_there_already(where: Cluster) -> None:
    if where.api is None:
        pytest.skip("counts requests of the fake API server")
    where.apply(made(where, "quiet"), routed(where, "quiet"))
    eventually(lambda: status(where, "HTTPRoute", "quiet").get("parents"))
    eventually(lambda: status(where, "Gateway", "quiet")["listeners"][0]["attachedRoutes"] == 1)
    version = where.get("Gateway", "quiet")["metadata"]["resourceVersion"]
    where.apply(where.service("unrelated"))
    written = [one for one in where.api.requests if one.verb == "patch" and one.path.endswith("/gateways/quiet/status")]
    assert len(written) <= 2, "one for the Gateway, one for its route"
    assert where.get("Gateway", "quiet")["metadata"]["resourceVersion"] == version


def test_many_routes_are_few_writes_of_their_gateway(where: Cluster) -> None:
    """A route has one status of its own; numbers of routes that come one after another reach the Gateway together."""
    if where.api is None:
        pytest.skip("counts requests of the fake API server")
    many = 300
    where.apply(made(where, "busy"))
    eventually(lambda: status(where, "Gateway", "busy")["listeners"])

    def written(kind: str, name: str = "") -> int:
        end = f"/{kind}/{name}"
        requests = list(where.api.requests) if where.api is not None else []
        return sum(one.verb == "patch" and one.resource == f"{kind}/status" and end in one.path for one in requests)

    gateways, routes = written("gateways", "busy/"), written("httproutes", "busy-")
    began = time.monotonic()
    for number in range(many):
        where.api.apply(routed(where, f"busy-{number}", {"name": "busy"}, hosts=(f"h{number}.example",)))
    eventually(lambda: status(where, "Gateway", "busy")["listeners"][0]["attachedRoutes"] == many)
    eventually(lambda: written("httproutes", "busy-") - routes == many)
    seconds = time.monotonic() - began
    assert written("gateways", "busy/") - gateways <= 2 + seconds / 0.5
    assert written("httproutes", "busy-") - routes == many
    for number in range(many):
        where.api.remove("HTTPRoute", where.name, f"busy-{number}")


def listeners_of(where: Cluster, kind: str, name: str) -> dict[str, dict[str, tuple[str, str]]]:
    """Status and reason of the conditions of each listener."""
    return {
        one["name"]: {condition: (found[0], found[1]) for condition, found in conditions(one).items()}
        for one in status(where, kind, name)["listeners"]
    }


def set_of(where: Cluster, name: str, *listeners: Manifest, parent: str) -> Manifest:
    return gateway.listener_set(*listeners, name=name, namespace=where.name, parent=parent)


def test_sets_of_listeners(where: Cluster, backend: Backend) -> None:
    """One that adds a listener, one that is in conflict as a whole, and one in part."""
    theirs = listener("theirs", "theirs.example", port=PORT)
    own = listener("own", "own.example", port=PORT)
    where.apply(
        where.service(),
        where.endpoints(backend.port),
        gateway.with_sets(made(where, "taking", own)),
        set_of(where, "adding", theirs, listener("x", "own.example", port=PORT), parent="taking"),
        set_of(where, "losing", listener("x", "own.example", port=PORT), parent="taking"),
        routed(where, "by-set", {"kind": "ListenerSet", "name": "adding"}),
    )
    eventually(lambda: answer(where, "taking", "theirs.example") == "one")
    assert answer(where, "taking", "own.example") == "404"
    eventually(lambda: status(where, "Gateway", "taking")["attachedListenerSets"] == 1)
    eventually(lambda: status(where, "ListenerSet", "losing"))
    eventually(lambda: status(where, "ListenerSet", "adding")["listeners"][0]["attachedRoutes"] == 1)
    found = conditions(status(where, "ListenerSet", "adding"))
    assert (found["Accepted"][:2], found["Programmed"][:2]) == (("True", "ListenersNotValid"), ("True", "Programmed"))
    of_listeners = listeners_of(where, "ListenerSet", "adding")
    conflict = ("False", "HostnameConflict")
    assert of_listeners["theirs"]["Accepted"] == ("True", "Accepted")
    assert [of_listeners["x"][name] for name in ("Accepted", "Programmed", "Conflicted")] == [
        conflict, conflict, ("True", "HostnameConflict"),
    ]  # fmt: skip
    attached = {one["name"]: one["attachedRoutes"] for one in status(where, "ListenerSet", "adding")["listeners"]}
    assert attached == {"theirs": 1, "x": 0}
    lost = conditions(status(where, "ListenerSet", "losing"))
    invalid = ("False", "ListenersNotValid")
    assert (lost["Accepted"][:2], lost["Programmed"][:2]) == (invalid, invalid)
    (parent,) = status(where, "HTTPRoute", "by-set")["parents"]
    assert (parent["parentRef"]["kind"], conditions(parent)["Accepted"][0]) == ("ListenerSet", "True")


def test_a_set_that_is_not_taken(where: Cluster) -> None:
    where.apply(made(where, "alone"), set_of(where, "refused", listener("x", "x.example", port=PORT), parent="alone"))
    refused = ("False", "NotAllowed", 1)
    eventually(
        lambda: conditions(status(where, "ListenerSet", "refused")) == {"Accepted": refused, "Programmed": refused}
    )
    eventually(lambda: "attachedListenerSets" not in status(where, "Gateway", "alone"))


def ancestors(where: Cluster, name: str) -> dict[str, tuple[tuple[str, str, int], tuple[str, str, int]]]:
    """Accepted and ResolvedRefs of a BackendTLSPolicy, by the Gateways that use it."""
    found = status(where, "BackendTLSPolicy", name)["ancestors"]
    return {one["ancestorRef"]["name"]: (conditions(one)["Accepted"], conditions(one)["ResolvedRefs"]) for one in found}


def test_tls_to_endpoints(where: Cluster) -> None:
    """A policy has an entry for each Gateway that uses it, and what its ConfigMap has counts when it comes."""
    root = certificates.authority()
    authorities = objects.config_map("authorities", {"ca.crt": root.certificate.decode()}, namespace=where.name)
    with TlsBackend(certificates.issue("inner.example", issuer=root), name="inner") as inner:
        where.apply(
            where.service("inner"),
            where.endpoints(inner.port, "inner"),
            made(where, "encrypting"),
            routed(where, "encrypting", service="inner"),
            gateway.backend_tls_policy("inner", name="inner", namespace=where.name),
        )
        missing = (("False", "NoValidCACertificate", 1), ("False", "InvalidCACertificateRef", 1))
        eventually(lambda: ancestors(where, "inner") == {"encrypting": missing})
        eventually(lambda: answer(where, "encrypting") == "500")
        where.apply(authorities)
        eventually(lambda: answer(where, "encrypting") == "inner")
        fine = (("True", "Accepted", 1), ("True", "ResolvedRefs", 1))
        eventually(lambda: ancestors(where, "inner") == {"encrypting": fine})
        where.delete("HTTPRoute", "encrypting")
        eventually(lambda: not ancestors(where, "inner"))


def test_clients_that_cannot_be_verified(where: Cluster) -> None:
    one = made(where, "verifying", listener(port=PORT), listener("tls", port=PORT + 1, secret="missing"))
    reference = [{"group": "", "kind": "ConfigMap", "name": "missing"}]
    validation = {"caCertificateRefs": reference, "mode": "AllowInsecureFallback"}
    one["spec"]["tls"] = {"frontend": {"default": {"validation": validation}}}
    where.apply(one)
    eventually(lambda: listeners_of(where, "Gateway", "verifying"))
    eventually(
        lambda: listeners_of(where, "Gateway", "verifying")["tls"]["Accepted"] == ("False", "NoValidCACertificate")
    )
    found = listeners_of(where, "Gateway", "verifying")
    assert found["http"]["Programmed"] == ("True", "Programmed")
    assert found["tls"]["Programmed"][0] == "False"
    insecure = conditions(status(where, "Gateway", "verifying"))["InsecureFrontendValidationMode"]
    assert insecure == ("True", "ConfigurationChanged", 1)
