"""Manifests of the Gateway API in, answers out: what the API's reference says of Gateways and HTTPRoutes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.control.translate.gateway.patience import BACKOFF
from edge.data.http.scope import Scope
from edge.table.records import LISTENERS, Listeners
from tests.support import gateway, objects
from tests.support.certificates import self_signed
from tests.support.gateway import listener, path, route, rule, values
from tests.support.objects import Manifest
from tests.support.site import Site, ingress, serving

OLD, NEW = {"creationTimestamp": "2025-01-01T00:00:00Z"}, {"creationTimestamp": "2026-01-01T00:00:00Z"}
ROUTE = "HTTPRoute demo/web"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """With a class, a Gateway with a listener for any host, and Services a to e and old."""
    one = Site(tmp_path)
    one.put("class.yaml", gateway.gateway_class())
    one.put("gateway.yaml", gateway.gateway())
    one.put("services.yaml", *serving("a", "b", "c", "d", "e"))
    yield one
    one.close()


# --- matches --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "taken"),
    [
        ("/", "a"),
        ("/v1", "b"),
        ("/v1/x", "b"),
        ("/v1x", "a"),
        ("/v1/exact", "c"),
        ("/v1/exact/", "b"),
        ("/v1/%65xact", "c"),
        ("/V1", "a"),
    ],
)
def test_paths(site: Site, target: str, taken: str) -> None:
    rules = [rule("a"), rule("b", matches=[path("/v1/")]), rule("c", matches=[path("/v1/exact", "Exact")])]
    site.put("route.yaml", route(*rules))
    assert site.takes("web.example" + target) == taken


def test_any_match_of_a_rule_is_enough_and_all_of_a_match_is_needed(site: Site) -> None:
    matches = [path("/a", headers=values(x_tenant="one"), method="POST"), path("/b")]
    site.put("route.yaml", route(rule("a", matches=matches)))
    assert site.takes("web.example/b") == "a"
    assert site.takes("web.example/a", method="POST", X_Tenant="one") == "a"
    assert site.takes("web.example/a", method="POST", X_Tenant="two") == "404"
    assert site.takes("web.example/a", X_Tenant="one") == "404"


def test_names_of_fields_have_no_case_and_their_values_have(site: Site) -> None:
    site.put("route.yaml", route(rule("a", matches=[{"headers": values(X_Tenant="One")}])))
    assert site.takes("web.example", x_tenant="One") == "a"
    assert site.takes("web.example", x_tenant="one") == "404"


def test_query_parameters(site: Site) -> None:
    """Decoded; of several with one name the first counts, in the request as in the match."""
    wanted = [*values(color="dark red"), *values(color="blue")]
    site.put("route.yaml", route(rule("a", matches=[{"queryParams": wanted}])))
    assert site.takes("web.example/?x=1&color=dark+red") == "a"
    assert site.takes("web.example/?color=dark%20red&color=blue") == "a"
    assert site.takes("web.example/?color=blue&color=dark+red") == "404"
    assert site.takes("web.example/?Color=dark+red") == "404"
    assert site.takes("web.example/") == "404"


REGEX = "RegularExpression"


@pytest.mark.parametrize(
    ("target", "taken"),
    [
        ("/v1/users/7", "b"),
        ("/v1/users/x", "a"),
        ("/v1/users/7/more", "a"),
        ("/V1/users/7", "a"),
        ("/x/v1/users/7", "a"),
        ("/v1/users/1", "c"),
    ],
)
def test_a_regular_expression_matches_whole_paths(site: Site, target: str, taken: str) -> None:
    """It goes before all prefixes, and behind exact paths."""
    rules = [
        rule("a", matches=[path("/"), path("/v1/users/")]),
        rule("b", matches=[path("/v1/users/[0-9]+", REGEX)]),
        rule("c", matches=[path("/v1/users/1", "Exact")]),
    ]
    site.put("route.yaml", route(*rules))
    assert site.takes("web.example" + target) == taken


def test_what_the_conditions_of_an_exact_path_leave_goes_to_an_expression(site: Site) -> None:
    exact = path("/v1/7", "Exact", method="POST")
    site.put("route.yaml", route(rule("a", matches=[exact]), rule("b", matches=[path("/v1/.*", REGEX)]), rule("c")))
    assert [site.takes("web.example/v1/7", method=one) for one in ("POST", "GET")] == ["a", "b"]


def test_expressions_for_fields_and_query_parameters(site: Site) -> None:
    wanted = [{"name": "x-version", "type": REGEX, "value": "v[0-9]|next"}]
    given = [{"name": "page", "type": REGEX, "value": "[0-9]+"}]
    site.put("route.yaml", route(rule("a", matches=[{"headers": wanted, "queryParams": given}]), rule("b")))
    asked = [("7", "v1"), ("7", "v12"), ("x", "v1"), ("", "v1"), ("70", "next")]
    assert [site.takes(f"web.example/?page={page}", x_version=version) for page, version in asked] == [
        "a", "b", "b", "b", "a",
    ]  # fmt: skip


def test_the_longest_expression_goes_first(site: Site) -> None:
    matches = [path("/.*", REGEX, method="GET"), path("/v1/.*", REGEX), path("/v1/users/.*", REGEX)]
    site.put("route.yaml", route(*(rule(name, matches=[one]) for name, one in zip("abc", matches, strict=True))))
    assert [site.takes(f"web.example/{way}") for way in ("x", "v1/x", "v1/users/x")] == ["a", "b", "c"]


def test_an_expression_that_takes_too_many_steps_answers_500(site: Site) -> None:
    slow = [{"name": "x", "type": REGEX, "value": "(?:a+)+[bc]"}]
    site.put("route.yaml", route(rule("a", matches=[{"headers": slow}]), rule("b")))
    assert [site.takes("web.example", x=value) for value in ("aac", "a" * 40)] == ["a", "500"]


def test_an_ingress_with_expressions_leaves_the_paths_of_routes_alone(site: Site) -> None:
    site.put("route.yaml", route(rule("a", matches=[path("/a")]), rule("b", matches=[path("/b/[a-z]", REGEX)])))
    rules = "web.example ImplementationSpecific /c.* c"
    site.put("ingress.yaml", ingress("web", rules, annotate={"use-regex": "true"}))
    asked = ("a/x", "ab", "b/x", "b/xy", "cc")
    assert [site.takes(f"web.example/{way}") for way in asked] == ["a", "404", "b", "404", "c"]


# --- precedence -----------------------------------------------------------------------------------------------------

PRECEDENCE = [
    ("longer path before method", path("/a/b"), path("/a", method="GET")),
    ("exact path before a prefix with method", path("/a/b", "Exact"), path("/a/b", method="GET")),
    ("method before headers", path("/a", method="GET"), path("/a", headers=values(x="1", y="1"))),
    ("more headers before fewer", path("/a", headers=values(x="1", y="1")), path("/a", headers=values(x="1"))),
    ("headers before query", path("/a", headers=values(x="1")), path("/a", queryParams=values(q="1", r="1"))),
    ("more query before less", path("/a", queryParams=values(q="1", r="1")), path("/a", queryParams=values(r="1"))),
    ("query before nothing", path("/a", queryParams=values(q="1")), path("/a")),
]


@pytest.mark.parametrize(("first", "second"), [case[1:] for case in PRECEDENCE], ids=[case[0] for case in PRECEDENCE])
@pytest.mark.parametrize("way", ["one route", "two routes", "two routes, the other way round"])
def test_the_more_specific_match_goes_first(site: Site, first: Manifest, second: Manifest, way: str) -> None:
    """Whichever stands first, in one route as in several, the older one being the less specific."""
    one, other = rule("a", matches=[first]), rule("b", matches=[second])
    if way == "one route":
        site.put("route.yaml", route(other, one))
    else:
        ages = (OLD, NEW) if way == "two routes" else (NEW, OLD)
        site.put("route.yaml", route(one, name="one", **ages[0]), route(other, name="two", **ages[1]))
    assert site.takes("web.example/a/b?q=1&r=1", x="1", y="1") == "a"


def test_of_equal_matches_the_older_route_goes_first_then_the_name(site: Site) -> None:
    same = {"matches": [path("/a", headers=values(x="1"))]}
    differ = {"matches": [path("/a", headers=values(y="1"))]}
    site.put("route.yaml", route(rule("a", **same), name="z", **OLD), route(rule("b", **same), name="a", **NEW))
    assert site.takes("web.example/a", x="1") == "a"
    assert site.problems("HTTPRoute demo/a") == ("error PathConflict spec.rules[0].matches[0]",)
    site.put("route.yaml", route(rule("a", **differ), name="z", **OLD), route(rule("b", **same), name="a", **NEW))
    assert site.takes("web.example/a", x="1", y="1") == "a"
    site.put("route.yaml", route(rule("a", **same), name="a"), route(rule("b", **differ), name="b"))
    assert site.takes("web.example/a", x="1", y="1") == "a"


def test_of_equal_matches_in_a_route_the_first_rule_counts(site: Site) -> None:
    site.put("route.yaml", route(rule("a"), rule("b")))
    assert site.takes("web.example") == "a"
    assert site.problems(ROUTE) == ("error PathConflict spec.rules[1].matches[0]",)


@pytest.mark.parametrize(("age", "other", "taken"), [(OLD, NEW, "a"), (NEW, OLD, "b")])
def test_an_ingress_and_a_route_are_in_conflict_by_age(site: Site, age: Manifest, other: Manifest, taken: str) -> None:
    site.put("route.yaml", route(rule("a"), **age))
    site.put("ingress.yaml", ingress("web", "web.example Prefix / b", **other))
    assert site.takes("web.example") == taken
    if taken == "b":
        assert site.problems(ROUTE) == ("error PathConflict spec.rules[0].matches[0]",)


def test_an_ingress_serves_what_the_conditions_of_a_route_leave(site: Site) -> None:
    site.put("route.yaml", route(rule("a", matches=[{"method": "POST"}]), **NEW))
    site.put("ingress.yaml", ingress("web", "web.example Prefix / b", **OLD))
    assert (site.takes("web.example", method="POST"), site.takes("web.example")) == ("a", "b")


# --- hosts and listeners --------------------------------------------------------------------------------------------


def test_a_wildcard_stands_for_several_labels(site: Site) -> None:
    site.put("route.yaml", route(rule("a"), hosts=("*.wild.example",)))
    taken = [site.takes(host) for host in ("x.wild.example", "y.x.wild.example", "wild.example")]
    assert taken == ["a", "a", "404"]


def test_a_route_is_served_under_the_hosts_that_it_and_the_listener_have(site: Site) -> None:
    site.put("gateway.yaml", gateway.gateway(listener(hostname="*.wild.example")))
    site.put("route.yaml", route(rule("a"), hosts=("x.wild.example", "other.example")))
    taken = [site.takes(host) for host in ("x.wild.example", "y.wild.example", "other.example")]
    assert taken == ["a", "404", "404"]
    site.put("route.yaml", route(rule("a"), hosts=()))
    assert [site.takes(host) for host in ("y.x.wild.example", "other.example")] == ["a", "404"]


def test_without_any_host_a_route_takes_what_no_host_does(site: Site) -> None:
    site.put("route.yaml", route(rule("a"), hosts=()), route(rule("b"), name="named"))
    assert (site.takes("nobody.example"), site.takes("web.example")) == ("a", "b")


@pytest.mark.parametrize(
    ("parent", "problem"),
    [
        ({"name": "missing"}, "NoMatchingParent spec.parentRefs[0].name"),
        ({"name": "edge", "sectionName": "https"}, "NoMatchingParent spec.parentRefs[0].sectionName"),
        ({"name": "edge", "port": 81}, "NoMatchingParent spec.parentRefs[0].port"),
        ({"name": "edge", "namespace": "other"}, "NotAllowedByListeners spec.parentRefs[0]"),
        ({"name": "narrow"}, "NoMatchingListenerHostname spec.hostnames"),
        ({"name": "tcp"}, "NotAllowedByListeners spec.parentRefs[0]"),
        ({"name": "grpc"}, "NotAllowedByListeners spec.parentRefs[0]"),
    ],
)
def test_why_a_route_does_not_attach(site: Site, parent: Manifest, problem: str) -> None:
    grpc = {"kinds": [{"kind": "GRPCRoute"}]}
    site.put(
        "gateways.yaml",
        gateway.gateway(namespace="other"),
        gateway.gateway(listener(hostname="narrow.example"), name="narrow"),
        gateway.gateway(listener(protocol="TCP"), name="tcp"),
        gateway.gateway(listener(allowedRoutes=grpc), name="grpc"),
    )
    site.put("route.yaml", route(rule("a"), parents=[parent]))
    assert site.problems(ROUTE) == (f"error {problem}",)
    assert site.takes("web.example") == "404"


def test_what_an_exact_host_does_not_take_goes_to_the_wildcard(site: Site) -> None:
    site.put(
        "route.yaml",
        route(rule("a", matches=[path("/a")]), name="narrow", hosts=("x.wild.example",)),
        route(rule("b"), name="wide", hosts=("*.wild.example",)),
        route(rule("c"), name="all", hosts=()),
    )
    taken = [site.takes(f"{host}/{way}") for host in ("x.wild.example", "y.wild.example") for way in ("a", "b")]
    assert taken == ["a", "b", "b", "b"]
    assert site.takes("wild.example/b") == "c"


def test_an_ingress_of_the_host_keeps_what_it_does_not_take(site: Site) -> None:
    """The hosts of Ingresses do not go on to wider ones."""
    site.put("route.yaml", route(rule("b"), name="wide", hosts=("*.wild.example",)))
    site.put("ingress.yaml", ingress("web", "x.wild.example Prefix /a a"))
    assert (site.takes("x.wild.example/a"), site.takes("x.wild.example/b")) == ("a", "404")


NAMESPACES = {
    "labels": ({"matchLabels": {"team": "a"}}, {"team": "a"}, {"team": "b"}),
    "name": ({"matchLabels": {"kubernetes.io/metadata.name": "demo"}}, {}, None),
    "in": ({"matchExpressions": [{"key": "team", "operator": "In", "values": ["a"]}]}, {"team": "a"}, {}),
    "not in": ({"matchExpressions": [{"key": "team", "operator": "NotIn", "values": ["b"]}]}, {}, {"team": "b"}),
    "exists": ({"matchExpressions": [{"key": "team", "operator": "Exists"}]}, {"team": "b"}, {}),
    "absent": ({"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]}, {}, {"team": "b"}),
}


@pytest.mark.parametrize(("selector", "selected", "other"), NAMESPACES.values(), ids=NAMESPACES)
def test_namespaces_are_selected_by_their_labels(
    site: Site, selector: Manifest, selected: dict[str, str], other: dict[str, str] | None
) -> None:
    chosen = {"namespaces": {"from": "Selector", "selector": selector}}
    site.put("gateway.yaml", gateway.gateway(listener(allowedRoutes=chosen), namespace="far"))
    site.put("route.yaml", route(rule("a"), parents=[{"name": "edge", "namespace": "far"}]))
    site.put("namespace.yaml", objects.namespace("demo", **selected))
    assert site.takes("web.example") == "a"
    if other is not None:
        site.put("namespace.yaml", objects.namespace("demo", **other))
        assert site.takes("web.example") == "404"


# --- addresses ------------------------------------------------------------------------------------------------------


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Site]:
    """As `site`, with addresses for Gateways."""
    one = Site(tmp_path, gateway_addresses=("192.0.2.0/29,198.51.100.7",))
    one.put("class.yaml", gateway.gateway_class())
    one.put("services.yaml", *serving("a", "b", "c"))
    yield one
    one.close()


def sockets(site: Site) -> dict[str, list[str]]:
    """Addresses and ports by scope."""
    site.reader.refresh()
    found = site.reader.routes.get(LISTENERS, Listeners)
    places: dict[str, list[str]] = {}
    for one in found.sockets if found is not None else ():
        places.setdefault(one.scope, []).append(f"{'tls ' if one.tls else ''}{one.address}:{one.port}")
    return places


def asking(address: str, *listeners: Manifest, kind: str = "IPAddress", **rest: Any) -> Manifest:
    made = gateway.gateway(*listeners, **rest)
    made["spec"]["addresses"] = [{"type": kind, "value": address}]
    return made


def test_each_gateway_has_an_address_with_the_ports_of_its_listeners(own: Site) -> None:
    own.put(
        "one.yaml", gateway.gateway(listener(), listener("other", port=8080), listener("tls", secret="x"), name="one")
    )
    own.put("two.yaml", gateway.gateway(name="two"))
    found = sockets(own)
    assert set(found) == {"demo/one:80", "demo/one:8080", "demo/one:443", "demo/two:80"}
    first, second = found["demo/one:80"][0].partition(":")[0], found["demo/two:80"][0].partition(":")[0]
    assert first != second
    assert found["demo/one:8080"] == [f"{first}:8080"]
    assert found["demo/one:443"] == [f"tls {first}:443"]
    own.put("one.yaml", gateway.gateway(name="one"))
    assert sockets(own)["demo/one:80"] == [f"{first}:80"], "it keeps its address"
    own.remove("two.yaml")
    assert set(sockets(own)) == {"demo/one:80"}


def test_the_address_follows_from_the_name(own: Site) -> None:
    """However many others came before, as long as it is free: a new control plane finds the same."""
    own.put("one.yaml", gateway.gateway(name="one"))
    before = sockets(own)["demo/one:80"]
    own.remove("one.yaml")
    own.put("two.yaml", gateway.gateway(name="zwei"))
    own.put("one.yaml", gateway.gateway(name="one"))
    assert sockets(own)["demo/one:80"] == before


def test_an_address_that_is_asked_for(own: Site) -> None:
    own.put("one.yaml", asking("198.51.100.7"))
    assert (sockets(own), own.problems("Gateway demo/edge")) == ({"demo/edge:80": ["198.51.100.7:80"]}, ())
    own.put("two.yaml", asking("198.51.100.7", name="late", **NEW))
    assert own.problems("Gateway demo/late") == ("error AddressNotUsable spec.addresses",)
    own.remove("one.yaml")
    assert (sockets(own), own.problems("Gateway demo/late")) == ({"demo/late:80": ["198.51.100.7:80"]}, ())


def test_an_address_that_another_gateway_gives_up_is_taken_by_the_one_that_waits_for_it(own: Site) -> None:
    own.put("one.yaml", asking("198.51.100.7"))
    own.put("two.yaml", asking("198.51.100.7", name="late", **NEW))
    own.put("one.yaml", asking("192.0.2.1"))
    assert sockets(own) == {"demo/edge:80": ["192.0.2.1:80"], "demo/late:80": ["198.51.100.7:80"]}
    assert own.problems("Gateway demo/late") == ()


@pytest.mark.parametrize(
    ("made", "problem"),
    [
        (asking("203.0.113.1"), "AddressNotUsable spec.addresses"),
        (asking("x.example", kind="Hostname"), "UnsupportedAddress spec.addresses"),
    ],
)
def test_an_address_that_cannot_be_had(own: Site, made: Manifest, problem: str) -> None:
    own.put("one.yaml", made)
    assert (sockets(own), own.problems("Gateway demo/edge")) == ({}, (f"error {problem}",))


def test_when_all_addresses_are_in_use_the_next_gateway_waits(own: Site) -> None:
    own.put("many.yaml", *(gateway.gateway(name=f"g{number}") for number in range(7)))
    assert len(sockets(own)) == 7
    own.put("late.yaml", gateway.gateway(name="late"))
    assert own.problems("Gateway demo/late") == ("error AddressNotAssigned ",)
    own.remove("many.yaml")
    assert (set(sockets(own)), own.problems("Gateway demo/late")) == ({"demo/late:80"}, ())


def test_gateways_know_nothing_of_each_other(own: Site) -> None:
    own.put("gateways.yaml", gateway.gateway(name="one"), gateway.gateway(name="two"))
    own.put("route.yaml", route(rule("a"), parents=[{"name": "one"}]))
    asked = {scope: own.takes("web.example", scope=Scope(scope, None)) for scope in ("demo/one:80", "demo/two:80")}
    assert asked == {"demo/one:80": "a", "demo/two:80": "404"}
    assert own.takes("web.example") == "404"


def test_the_port_of_a_parent_chooses_listeners(own: Site) -> None:
    own.put("gateway.yaml", gateway.gateway(listener(), listener("other", port=8080)))
    own.put("route.yaml", route(rule("a"), parents=[{"name": "edge", "port": 8080}]))
    asked = [own.takes("web.example", scope=Scope(f"demo/edge:{port}", None)) for port in (80, 8080)]
    assert asked == ["404", "a"]


@pytest.mark.parametrize(
    ("shown", "host", "answer"),
    [
        ("", "any.example", "a"),
        ("", "x.example.org", "421"),
        ("**.example.org", "x.example.org", "b"),
        ("**.example.org", "y.x.example.org", "b"),
        ("**.example.org", "exact.example.org", "421"),
        ("exact.example.org", "exact.example.org", "c"),
        ("exact.example.org", "any.example", "421"),
    ],
)
def test_a_connection_serves_the_hosts_of_the_listener_whose_tls_it_has(
    own: Site, shown: str, host: str, answer: str
) -> None:
    hosts = {"any": "", "wild": "*.example.org", "exact": "exact.example.org"}
    own.put("gateway.yaml", gateway.gateway(*(listener(name, host, secret="x") for name, host in hosts.items())))
    own.put(
        "routes.yaml",
        *(
            route(rule(service), name=name, hosts=(), parents=[{"name": "edge", "sectionName": name}])
            for name, service in zip(hosts, "abc", strict=True)
        ),
    )
    assert own.takes(f"https://{host}", scope=Scope("demo/edge:443", shown)) == answer


@pytest.mark.parametrize(
    ("listeners", "reason"),
    [
        ([listener(), listener("tls", secret="x", port=80)], "ProtocolConflict"),
    ],
)
def test_listeners_that_contradict_each_other_are_not_served(own: Site, listeners: list[Manifest], reason: str) -> None:
    own.put("gateway.yaml", gateway.gateway(*listeners))
    assert sockets(own) == {}
    conflicts = tuple(f"error {reason} spec.listeners[{number}]" for number in (0, 1))
    assert own.problems("Gateway demo/edge")[:2] == conflicts


# --- time-outs, retries, CORS ---------------------------------------------------------------------------------------


def policies(site: Site, **asked: Any) -> dict[str, Any]:
    site.put("route.yaml", route(rule("a", **asked)))
    return {type(one).__name__: one for one in site.route("web.example").policies}


def test_time_outs(site: Site) -> None:
    found = policies(site, timeouts={"request": "1m30s", "backendRequest": "500ms"})
    assert (found["Deadline"].request, found["Deadline"].attempt) == (90.0, 0.5)
    assert found["Retry"].on_timeout is False, "what took too long is not tried again unless somebody asks for that"
    unlimited = policies(site, timeouts={"request": "0s"})
    assert "Deadline" not in unlimited, "no limit at all"
    assert unlimited["Timeouts"].read > 1e6


def test_retries(site: Site) -> None:
    found = policies(site, retry={"codes": [503, 500], "attempts": 2})["Retry"]
    assert (found.tries, found.on_statuses, found.same_endpoint) == (3, (500, 503), True)
    assert (found.counts_all, found.when_broken) == (True, 503)
    pauses = {given: policies(site, retry={"backoff": given})["Retry"].backoff for given in ("100ms", "0s", "")}
    assert pauses == {"100ms": 0.1, "0s": 0.0, "": BACKOFF}


def test_a_route_with_a_value_that_the_crd_refuses_is_not_taken(site: Site) -> None:
    for asked, field in (
        ({"timeouts": {"request": "soon"}}, "spec.rules[0].timeouts.request"),
        ({"timeouts": {"request": "1s", "backendRequest": "2s"}}, "spec.rules[0].timeouts.backendRequest"),
        ({"retry": {"codes": [200]}}, "spec.rules[0].retry.codes[0]"),
    ):
        site.put("route.yaml", route(rule("a", **asked)))
        assert site.problems(ROUTE) == (f"error InvalidObject {field}",)


def test_a_gateway_may_allow_routes_of_other_namespaces(site: Site) -> None:
    site.put("far.yaml", gateway.gateway(namespace="other"))
    site.put("route.yaml", route(rule("a"), parents=[{"name": "edge", "namespace": "other"}]))
    assert site.takes("web.example") == "404"
    everybody = {"namespaces": {"from": "All"}}
    site.put("far.yaml", gateway.gateway(listener(allowedRoutes=everybody), namespace="other"))
    assert (site.takes("web.example"), site.problems(ROUTE)) == ("a", ())


def test_what_a_gateway_asks_for_in_vain(site: Site) -> None:
    selected = {"namespaces": {"from": "Selector"}, "kinds": [{"kind": "TCPRoute"}]}
    odd = listener("a", protocol="example.com/odd")
    site.put("gateway.yaml", gateway.gateway(odd, listener("b", port=81), listener("c", allowedRoutes=selected)))
    assert site.problems("Gateway demo/edge") == (
        "error UnsupportedProtocol spec.listeners[0].protocol",
        "warning ListenerPort spec.listeners[1].port",
        "error InvalidRouteKinds spec.listeners[2].allowedRoutes.kinds[0]",
    )


@pytest.fixture
def secure(site: Site) -> Site:
    """With a listener for http and one for https, both for *.example."""
    pair = self_signed("*.example")
    site.put("secret.yaml", objects.secret(tls_crt=pair.certificate, tls_key=pair.key))
    site.put("gateway.yaml", gateway.gateway(listener("http"), listener("https", "*.example", secret="tls")))
    return site


def test_the_certificate_of_a_listener_is_shown(secure: Site) -> None:
    assert secure.certificate("web.example") == "tls"
    assert secure.certificate("web.other") == "default"
    assert secure.problems("Gateway demo/edge") == ()
    secure.remove("secret.yaml")
    assert secure.problems("Gateway demo/edge") == (
        "error MissingSecret spec.listeners[1].tls.certificateRefs[0].name",
    )


def test_a_listener_without_hostname_shows_its_certificate_for_all_its_names(secure: Site) -> None:
    secure.put("gateway.yaml", gateway.gateway(listener(secret="tls")))
    assert (secure.certificate("web.example"), secure.certificate("web.other")) == ("tls", "default")


def test_a_route_takes_requests_of_the_schemes_of_its_listeners(secure: Site) -> None:
    """The usual pair: http is redirected, https is served."""
    redirect = {"type": "RequestRedirect", "requestRedirect": {"scheme": "https"}}
    secure.put(
        "route.yaml",
        route({"filters": [redirect]}, name="redirect", parents=[{"name": "edge", "sectionName": "http"}]),
        route(rule("a"), parents=[{"name": "edge", "sectionName": "https"}]),
    )
    assert (secure.takes("http://web.example"), secure.takes("https://web.example")) == ("policy", "a")
    assert secure.problems(ROUTE) == secure.problems("HTTPRoute demo/redirect") == ()
    secure.put("route.yaml", route(rule("a"), parents=[{"name": "edge", "sectionName": "https"}]))
    assert (secure.takes("http://web.example"), secure.takes("https://web.example")) == ("404", "a")
    secure.put("route.yaml", route(rule("a")))
    assert (secure.takes("http://web.example"), secure.takes("https://web.example")) == ("a", "a")
    assert secure.route("web.example").conditions is None


def test_a_younger_route_for_one_scheme_is_in_conflict_with_one_for_both(secure: Site) -> None:
    secure.put("one.yaml", route(rule("a"), name="both", **OLD))
    secure.put("two.yaml", route(rule("b"), parents=[{"name": "edge", "sectionName": "https"}], **NEW))
    assert secure.takes("https://web.example") == "a"
    assert secure.problems(ROUTE) == ("error PathConflict spec.rules[0].matches[0]",)


def test_a_secret_in_another_namespace_needs_a_grant(secure: Site) -> None:
    pair = self_signed("*.example")
    secure.put("secret.yaml", objects.secret(namespace="certs", tls_crt=pair.certificate, tls_key=pair.key))
    far = listener("https", "*.example", secret="tls")
    far["tls"]["certificateRefs"][0]["namespace"] = "certs"
    secure.put("gateway.yaml", gateway.gateway(far))
    denied = ("error RefNotPermitted spec.listeners[0].tls.certificateRefs[0]",)
    assert (secure.certificate("web.example"), secure.problems("Gateway demo/edge")) == ("default", denied)
    secure.put("grant.yaml", gateway.grant("Gateway", "demo", "Secret", namespace="certs", name="tls"))
    assert (secure.certificate("web.example"), secure.problems("Gateway demo/edge")) == ("tls", ())
    secure.put("grant.yaml", gateway.grant("Gateway", "demo", "Secret", namespace="certs", name="other"))
    assert secure.certificate("web.example") == "default"


# --- classes --------------------------------------------------------------------------------------------------------


def test_gateways_of_another_controller_are_not_ours(site: Site) -> None:
    site.put("route.yaml", route(rule("a")))
    assert site.takes("web.example") == "a"
    site.put("class.yaml", gateway.gateway_class(controller="example.com/other"))
    assert (site.takes("web.example"), site.problems(ROUTE), site.problems("Gateway demo/edge")) == ("404", (), ())
    site.put("class.yaml", gateway.gateway_class())
    assert site.takes("web.example") == "a"


def test_a_class_that_does_not_exist_is_an_error_of_the_gateway(site: Site) -> None:
    site.put("route.yaml", route(rule("a")))
    site.remove("class.yaml")
    assert site.takes("web.example") == "404"
    assert site.problems("Gateway demo/edge") == ("error UnknownClass spec.gatewayClassName",)


# --- backends -------------------------------------------------------------------------------------------------------


def test_weights(site: Site) -> None:
    site.put("route.yaml", route(rule("a=70", "b=30", "c=0", "d")))
    assert site.takes("web.example") == "a=70 b=30 c=0 d=1"


def test_a_backend_that_cannot_be_used_keeps_its_share(site: Site) -> None:
    bucket = {"group": "example.com", "kind": "Bucket", "name": "files", "weight": 3}
    site.put("route.yaml", route(rule("a=70", "missing=20", gateway.backend("b", port=81), bucket)))
    assert site.takes("web.example") == "a=70 500=20 500=1 500=3"
    assert site.problems(ROUTE) == (
        "error MissingService spec.rules[0].backendRefs[1].name",
        "error MissingPort spec.rules[0].backendRefs[2].port",
        "error InvalidKind spec.rules[0].backendRefs[3].kind",
    )


def test_a_service_that_comes_and_goes(site: Site) -> None:
    site.put("route.yaml", route(rule("late")))
    assert site.takes("web.example") == "500"
    site.put("late.yaml", *serving("late"))
    assert (site.takes("web.example"), site.problems(ROUTE)) == ("late", ())
    assert site.endpoints("demo/late:80") == ["10.0.0.1:8080"]
    site.put("late.yaml", objects.service("late", port=81))
    assert (site.takes("web.example"), site.problems(ROUTE)) == (
        "500",
        ("error MissingPort spec.rules[0].backendRefs[0].port",),
    )
    site.put("late.yaml", objects.service("late"))
    assert site.problems(ROUTE) == ("warning NoEndpoints spec.rules[0].backendRefs[0]",)
    site.remove("late.yaml")
    assert site.takes("web.example") == "500"


def test_a_service_in_another_namespace_needs_a_grant(site: Site) -> None:
    far = gateway.backend("far", namespace="other")
    site.put("far.yaml", objects.service("far", namespace="other"))
    site.put("route.yaml", route(rule(far)))
    denied = ("error RefNotPermitted spec.rules[0].backendRefs[0]",)
    assert (site.takes("web.example"), site.problems(ROUTE)) == ("500", denied)
    for wrong in (
        gateway.grant("Gateway", "demo", "Service", namespace="other"),
        gateway.grant("HTTPRoute", "third", "Service", namespace="other"),
        gateway.grant("HTTPRoute", "demo", "Secret", namespace="other"),
        gateway.grant("HTTPRoute", "demo", "Service", namespace="other", name="near"),
        gateway.grant("HTTPRoute", "demo", "Service", namespace="demo"),
    ):
        site.put("grant.yaml", wrong)
        assert site.takes("web.example") == "500"
    site.put("grant.yaml", gateway.grant("HTTPRoute", "demo", "Service", namespace="other"))
    assert site.takes("web.example") == "far"
    site.remove("grant.yaml")
    assert (site.takes("web.example"), site.problems(ROUTE)) == ("500", denied)


@pytest.mark.parametrize("rules", [[{}], [{"backendRefs": []}], []])
def test_rules_without_backends_are_answered_500(site: Site, rules: list[Manifest]) -> None:
    site.put("route.yaml", route(*rules))
    assert site.takes("web.example") == "500"


# --- mirrors and sessions -------------------------------------------------------------------------------------------


def mirror(name: str, namespace: str = "", **share: Any) -> Manifest:
    reference = {"name": name, "port": 80, **({"namespace": namespace} if namespace else {})}
    return {"type": "RequestMirror", "requestMirror": {"backendRef": reference, **share}}


def test_mirrors(site: Site) -> None:
    """Several, each with a share."""
    half = {"fraction": {"numerator": 1, "denominator": 2}}
    site.put("route.yaml", route(rule("a", filters=[mirror("b"), mirror("c", percent=20), mirror("d", **half)])))
    assert (site.takes("web.example"), site.problems(ROUTE)) == ("a", ())
    found = site.route("web.example").mirrors
    assert [(one.backend.key, one.numerator, one.denominator) for one in found] == [
        ("demo/b:80", 1, 1), ("demo/c:80", 20, 100), ("demo/d:80", 1, 2),
    ]  # fmt: skip
    assert site.endpoints("demo/b:80") == ["10.0.0.1:8080"]


def test_a_mirror_that_cannot_be_used_gets_nothing(site: Site) -> None:
    """The requests are served all the same."""
    site.put("route.yaml", route(rule("a", filters=[mirror("missing"), mirror("far", "other"), mirror("b")])))
    assert site.takes("web.example") == "a"
    assert [one.backend.service for one in site.route("web.example").mirrors] == ["b"]
    at = "spec.rules[0].filters[{}].requestMirror.backendRef"
    assert site.problems(ROUTE) == (
        f"error MissingService {at.format(0)}.name",
        f"error RefNotPermitted {at.format(1)}",
    )


@pytest.mark.parametrize(
    ("share", "field"),
    [
        ({"percent": 101}, "percent"),
        ({"percent": 1, "fraction": {"numerator": 1}}, ""),
        ({"fraction": {"numerator": 1, "denominator": 0}}, "fraction.denominator"),
        ({"fraction": {"numerator": 2, "denominator": 1}}, "fraction.numerator"),
    ],
)
def test_a_share_that_the_crd_refuses(site: Site, share: Manifest, field: str) -> None:
    site.put("route.yaml", route(rule("a", filters=[mirror("b", **share)])))
    wanted = f"spec.rules[0].filters[0].requestMirror.{field}".rstrip(".")
    assert site.problems(ROUTE)[0] == f"error InvalidObject {wanted}"


def test_sessions(site: Site) -> None:
    """By a cookie, of one backend and of several; by a field."""
    site.put("route.yaml", route(rule("a", sessionPersistence={"sessionName": "mine"})))
    (only,) = site.route("web.example").backends
    assert [type(one).__name__ for one in only.policies] == ["Affinity"]
    assert (only.policies[0].cookie, only.policies[0].persistent, only.policies[0].max_age) == ("mine", True, None)
    permanent = {"absoluteTimeout": "1h", "cookieConfig": {"lifetimeType": "Permanent"}}
    site.put("route.yaml", route(rule("a=9", "b=1", sessionPersistence=permanent)))
    made = site.route("web.example")
    assert {one.policies[0].max_age for one in made.backends} == {3600}
    (choice,) = [one for one in made.policies if type(one).__name__ == "SessionBackend"]
    assert (choice.cookie, len(set(choice.sides))) == (made.backends[0].policies[0].cookie, 2)
    site.put("route.yaml", route(rule("a", sessionPersistence={"type": "Header", "sessionName": "X-Session"})))
    assert site.route("web.example").backends[0].policies[0].header == "X-Session"


# --- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("match", "field"),
    [
        (path("/a(", "RegularExpression"), "path.value"),
        ({"headers": [{"name": "a", "value": "[", "type": "RegularExpression"}]}, "headers[0].value"),
        ({"queryParams": [{"name": "a", "value": "*", "type": "RegularExpression"}]}, "queryParams[0].value"),
    ],
)
def test_a_route_with_a_regular_expression_that_cannot_be_used_is_not_served(
    site: Site, match: Manifest, field: str
) -> None:
    """Not even its other rules: they might take requests that the expression was to take."""
    site.put("route.yaml", route(rule("a"), rule("b", matches=[match])))
    assert site.takes("web.example") == "404"
    assert site.problems(ROUTE) == (f"error UnsupportedValue spec.rules[1].matches[0].{field}",)


def test_a_rule_with_a_filter_that_is_not_supported_is_answered_500(site: Site) -> None:
    odd = {"type": "ExtensionRef", "extensionRef": {"group": "example.com", "kind": "Odd", "name": "odd"}}
    site.put("route.yaml", route(rule("a", filters=[odd]), rule("b", matches=[path("/b")])))
    assert (site.takes("web.example"), site.takes("web.example/b")) == ("500", "b")
    assert site.problems(ROUTE) == ("error UnsupportedFilter spec.rules[0].filters[0].type",)


def test_a_backend_with_a_filter_that_is_not_supported_is_answered_500(site: Site) -> None:
    cors = {"type": "CORS", "cors": {}}
    site.put("route.yaml", route(rule("a", gateway.backend("b", filters=[cors]))))
    assert site.takes("web.example") == "a=1 500=1"
    assert site.problems(ROUTE) == ("error UnsupportedFilter spec.rules[0].backendRefs[1].filters[0].type",)


def test_times_of_sessions(site: Site) -> None:
    """They hold for the backends and for the choice of one; a cookie that the client forgets needs no other end."""
    asked = {"idleTimeout": "5m", "absoluteTimeout": "1h"}
    site.put("route.yaml", route(rule("a", "b", sessionPersistence=asked)))
    made = site.route("web.example")
    for one in (made.backends[0].policies[0], *made.policies):
        if type(one).__name__ in ("Affinity", "SessionBackend"):
            assert (one.absolute, one.idle) == (3600.0, 300.0)
    permanent = {"absoluteTimeout": "1h", "cookieConfig": {"lifetimeType": "Permanent"}}
    for idle, ends in (({}, (0.0, 0.0)), ({"idleTimeout": "5m"}, (3600.0, 300.0))):
        site.put("route.yaml", route(rule("a", sessionPersistence={**permanent, **idle})))
        (one,) = site.route("web.example").backends[0].policies
        assert (one.max_age, (one.absolute, one.idle)) == (3600, ends)
    assert site.problems(ROUTE) == ()


# --- changes --------------------------------------------------------------------------------------------------------


def steps() -> Iterator[tuple[str, Any]]:
    """Files of a site, each of which something else depends on."""
    pair = self_signed("*.example")
    far = listener("https", "*.example", secret="tls")
    far["tls"]["certificateRefs"][0]["namespace"] = "certs"
    yield "class", [gateway.gateway_class()]
    yield "gateway", [gateway.gateway(listener(), far)]
    yield "secret", [objects.secret(namespace="certs", tls_crt=pair.certificate, tls_key=pair.key)]
    yield "certs", [gateway.grant("Gateway", "demo", "Secret", namespace="certs")]
    yield "services", [objects.service("far", namespace="other"), *serving("a")]
    yield "grant", [gateway.grant("HTTPRoute", "demo", "Service", namespace="other")]
    yield "route", [route(rule("a=1", gateway.backend("far=2", namespace="other")))]


STEPS = dict(steps())


@pytest.mark.parametrize("first", STEPS)
@pytest.mark.parametrize("last", STEPS)
def test_the_order_in_which_objects_come_does_not_matter(tmp_path: Path, first: str, last: str) -> None:
    """Nor does it matter when one of them was away for a while."""
    site = Site(tmp_path)
    names = [first, *(name for name in STEPS if name not in (first, last)), *([last] if last != first else [])]
    for name in names:
        site.put(f"{name}.yaml", *STEPS[name])
    for _ in range(2):
        assert site.takes("https://web.example") == "a=1 far=2"
        assert site.certificate("web.example") == "tls"
        assert site.problems(ROUTE) == ("warning NoEndpoints spec.rules[0].backendRefs[1]",)
        assert site.problems("Gateway demo/edge") == ()
        site.remove(f"{first}.yaml")
        site.put(f"{first}.yaml", *STEPS[first])
    site.close()
