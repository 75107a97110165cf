"""ListenerSets add listeners to a Gateway that takes them (Gateway API, ListenerSet)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.data.http.scope import Scope
from edge.table.records import LISTENERS, Listeners
from tests.support import gateway, objects
from tests.support.certificates import self_signed
from tests.support.gateway import listener, listener_set, route, rule, with_sets
from tests.support.objects import Manifest
from tests.support.site import Site, serving

OLD, NEW = {"creationTimestamp": "2025-01-01T00:00:00Z"}, {"creationTimestamp": "2026-01-01T00:00:00Z"}
SET = "ListenerSet demo/more"
BY_SET = [{"kind": "ListenerSet", "name": "more"}]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """With a class, Services a to d, and a Gateway with addresses of its own whose only listener is for own.example."""
    one = Site(tmp_path, gateway_addresses=("127.9.0.0/29",))
    one.put("class.yaml", gateway.gateway_class())
    one.put("gateway.yaml", with_sets(gateway.gateway(listener(hostname="own.example"))))
    one.put("services.yaml", *serving("a", "b", "c", "d"))
    yield one
    one.close()


def taken(site: Site, url: str, port: int = 80) -> str:
    return site.takes(url, scope=Scope(f"demo/edge:{port}", None))


def ports(site: Site) -> set[int]:
    site.reader.refresh()
    found = site.reader.routes.get(LISTENERS, Listeners)
    return {one.port for one in found.sockets} if found is not None else set()


def test_routes_attach_to_the_set_that_they_name(site: Site) -> None:
    """A route of the Gateway is not one of its sets, nor the other way round."""
    site.put("set.yaml", listener_set(listener(hostname="more.example"), listener("other", port=8080)))
    site.put(
        "routes.yaml",
        route(rule("a"), name="own", hosts=()),
        route(rule("b"), name="set", hosts=(), parents=BY_SET),
    )
    asked = [("own.example", 80), ("more.example", 80), ("third.example", 80), ("own.example", 8080)]
    assert [taken(site, *one) for one in asked] == ["a", "b", "404", "b"]
    assert ports(site) == {80, 8080}
    site.remove("set.yaml")
    assert [taken(site, *one) for one in asked] == ["a", "404", "404", "404"]
    assert ports(site) == {80}


def test_a_section_is_one_of_the_object_that_is_named(site: Site) -> None:
    site.put("set.yaml", listener_set(listener("theirs", "more.example")))
    site.put("route.yaml", route(rule("a"), hosts=(), parents=[{"name": "edge", "sectionName": "theirs"}]))
    assert site.problems("HTTPRoute demo/web") == ("error NoMatchingParent spec.parentRefs[0].sectionName",)


@pytest.mark.parametrize(
    ("taking", "labels", "namespace", "allowed"),
    [
        (None, {}, "demo", False),
        (("None", {}), {}, "demo", False),
        (("Same", {}), {}, "demo", True),
        (("Same", {}), {}, "far", False),
        (("All", {}), {}, "far", True),
        (("Selector", {"team": "x"}), {"team": "x"}, "far", True),
        (("Selector", {"team": "x"}), {"team": "y"}, "far", False),
    ],
)
def test_a_gateway_says_whose_sets_it_takes(
    site: Site, taking: tuple[str, Manifest] | None, labels: dict[str, str], namespace: str, allowed: bool
) -> None:
    made = gateway.gateway(listener(hostname="own.example"))
    site.put("gateway.yaml", with_sets(made, taking[0], **taking[1]) if taking is not None else made)
    site.put("namespace.yaml", objects.namespace("far", **labels))
    site.put("set.yaml", listener_set(listener(port=81), namespace=namespace, parent_namespace="demo"))
    assert (81 in ports(site)) is allowed
    expected = () if allowed else ("error NotAllowed spec.parentRef",)
    assert site.problems(f"ListenerSet {namespace}/more") == expected


@pytest.mark.parametrize(
    ("theirs", "reason"),
    [(listener("x", "own.example"), "HostnameConflict"), (listener("x", protocol="TCP"), "ProtocolConflict")],
)
def test_the_gateway_wins_a_conflict_then_the_older_set(site: Site, theirs: Manifest, reason: str) -> None:
    site.put("set.yaml", listener_set(theirs, listener("free", "free.example")))
    assert site.problems(SET) == (f"error {reason} spec.listeners[0]",)
    assert site.problems("Gateway demo/edge") == ()
    site.put(
        "set.yaml",
        listener_set(listener("y", "same.example"), name="young", **NEW),
        listener_set(listener("y", "same.example"), name="more", **OLD),
    )
    assert (site.problems(SET), site.problems("ListenerSet demo/young")) == (
        (),
        ("error HostnameConflict spec.listeners[0]",),
    )
    site.put("set.yaml", listener_set(listener("y", "same.example"), name="young", **NEW))
    assert site.problems("ListenerSet demo/young") == ()


def test_grants_are_for_the_set_and_not_for_its_gateway(site: Site) -> None:
    pair = self_signed("more.example")
    site.put("secret.yaml", objects.secret(namespace="certs", tls_crt=pair.certificate, tls_key=pair.key))
    far = listener("https", "more.example", secret="tls")
    far["tls"]["certificateRefs"][0]["namespace"] = "certs"
    site.put("set.yaml", listener_set(far))
    site.put("grant.yaml", gateway.grant("Gateway", "demo", "Secret", namespace="certs"))
    assert site.problems(SET) == ("error RefNotPermitted spec.listeners[0].tls.certificateRefs[0]",)
    site.put("grant.yaml", gateway.grant("ListenerSet", "demo", "Secret", namespace="certs"))
    assert site.problems(SET) == ()


def test_a_set_without_its_gateway(site: Site) -> None:
    site.put("set.yaml", listener_set(listener(port=81), parent="late"))
    assert site.problems(SET) == ("error NoGateway spec.parentRef",)
    site.put("late.yaml", with_sets(gateway.gateway(name="late")))
    assert (site.problems(SET), ports(site)) == ((), {80, 81})
