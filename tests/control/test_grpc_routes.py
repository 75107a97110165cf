"""GRPCRoutes in, answers out: a call is a POST for `/SERVICE/METHOD`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.control.kinds.changes import Upsert
from edge.control.kinds.decoding import decode
from edge.table.records import Protocol
from tests.support import gateway
from tests.support.gateway import calls, grpc_route, listener, rule, values
from tests.support.objects import Manifest
from tests.support.site import Site, serving

ROUTE = "GRPCRoute demo/calls"
GREETER = "demo.Greeter"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """With a class, a Gateway with a listener for any host, and Services a to d."""
    one = Site(tmp_path)
    one.put("class.yaml", gateway.gateway_class())
    one.put("gateway.yaml", gateway.gateway())
    one.put("services.yaml", *serving("a", "b", "c", "d"))
    yield one
    one.close()


@pytest.mark.parametrize(
    ("match", "taken"),
    [
        (calls(GREETER, "SayHello"), ["a", "404", "404", "404"]),
        (calls(GREETER), ["a", "a", "404", "404"]),
        (calls(method="SayHello"), ["a", "404", "a", "404"]),
        (calls("demo\\.Greet.*", "Say(Hello|Bye)", "RegularExpression"), ["a", "a", "404", "404"]),
        (calls(method="Say.*", kind="RegularExpression"), ["a", "a", "a", "404"]),
        ({}, ["a", "a", "a", "a"]),
    ],
)
def test_services_and_methods(site: Site, match: Manifest, taken: list[str]) -> None:
    site.put("route.yaml", grpc_route(rule("a", matches=[match])))
    asked = [f"{GREETER}/SayHello", f"{GREETER}/SayBye", "demo.Other/SayHello", "demo.Greeters/Wave"]
    assert [site.takes(f"web.example/{call}", method="POST") for call in asked] == taken


def test_the_more_specific_match_goes_first(site: Site) -> None:
    site.put(
        "route.yaml",
        grpc_route(
            rule("a"),
            rule("b", matches=[calls(GREETER)]),
            rule("c", matches=[calls(GREETER, "SayHello")]),
            rule("d", matches=[calls(GREETER, "SayHello", headers=values(x_version="2"))]),
        ),
    )
    asked = [site.takes(f"web.example/{call}") for call in ("other.Thing/Do", f"{GREETER}/X", f"{GREETER}/SayHello")]
    assert asked == ["a", "b", "c"]
    assert site.takes(f"web.example/{GREETER}/SayHello", x_version="2") == "d"


def test_endpoints_are_spoken_to_by_http2(site: Site) -> None:
    site.put("route.yaml", grpc_route(rule("a")))
    (backend,) = site.route("web.example/any").backends
    assert (backend.transport.protocol, backend.transport.tls) == (Protocol.HTTP2, None)


def test_calls_that_nothing_can_serve_are_unavailable(site: Site) -> None:
    """503 is that in gRPC (gRPC docs, "HTTP to gRPC Status Code Mapping"); 500 would be Unknown."""
    site.put("route.yaml", grpc_route(rule("missing")))
    assert site.takes("web.example/any") == "503"
    assert site.problems(ROUTE) == ("error MissingService spec.rules[0].backendRefs[0].name",)
    site.put("route.yaml", grpc_route())
    assert site.takes("web.example/any") == "503"


@pytest.mark.parametrize(
    ("match", "field"),
    [
        ({"method": {"type": "Exact"}}, "method"),
        (calls("not/a service"), "method.service"),
        (calls(GREETER, "Say Hello"), "method.method"),
    ],
)
def test_what_the_crd_refuses(site: Site, match: Manifest, field: str) -> None:
    site.put("route.yaml", grpc_route(rule("a", matches=[match])))
    assert site.problems(ROUTE) == (f"error InvalidObject spec.rules[0].matches[0].{field}",)


def test_listeners_choose_the_kinds_of_their_routes(site: Site) -> None:
    def allowing(*kinds: str) -> Manifest:
        return gateway.gateway(listener(allowedRoutes={"kinds": [{"kind": kind} for kind in kinds]}))

    site.put("routes.yaml", grpc_route(rule("a"), hosts=("grpc.example",)), gateway.route(rule("b")))
    asked = ("grpc.example/any", "web.example")
    assert [site.takes(one) for one in asked] == ["a", "b"]
    site.put("gateway.yaml", allowing("GRPCRoute"))
    assert [site.takes(one) for one in asked] == ["a", "404"]
    site.put("gateway.yaml", allowing("HTTPRoute"))
    assert [site.takes(one) for one in asked] == ["404", "b"]
    assert site.problems(ROUTE) == ("error NotAllowedByListeners spec.parentRefs[0]",)


def test_a_route_with_a_type_of_method_that_is_not_known_is_not_served(site: Site) -> None:
    """A cluster whose CRDs are of a later version can hold one."""
    made = grpc_route(rule("a", matches=[calls(GREETER, "SayHello", "Glob")]), rule("b"))
    site.compiler.apply(Upsert(decode(json.dumps(made), "GRPCRoute")))
    site.publish()
    assert site.takes(f"web.example/{GREETER}/SayHello") == "404"
    assert site.problems(ROUTE) == ("error UnsupportedValue spec.rules[0].matches[0].method.type",)
