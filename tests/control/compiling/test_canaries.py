"""Canary Ingresses: what they add to the routes of others, and what they leave alone."""

from __future__ import annotations

from typing import Any

import pytest

from edge.settings import Settings
from edge.table.policies import Affinity, AppRoot, BodyLimit, Canary, Closed, HttpsRedirect, RegexRewrite, Timeouts
from edge.table.policies.affinity import side
from edge.table.records import Host, PathKind, Route
from tests.support.annotated import annotated, place
from tests.support.site import ingress, serving
from tests.support.world import Manifest, World

MAIN = "web.example Prefix / web"
ASIDE = "web.example Prefix / new"
OLD, YOUNG = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"


def main(rules: str = MAIN, name: str = "web", **annotations: str) -> Manifest:
    return ingress(name, rules, annotations=annotated(**annotations), creationTimestamp=OLD)


def canary(rules: str = ASIDE, name: str = "aside", created: str = YOUNG, **annotations: str) -> Manifest:
    namespace = {"namespace": annotations.pop("namespace")} if "namespace" in annotations else {}
    asked = annotated(canary="true", **annotations)
    return ingress(name, rules, annotations=asked, creationTimestamp=created, **namespace)


def shares(route: Route) -> dict[str, int]:
    """The weights of the backends of ROUTE by their Service."""
    return {one.service: one.weight for one in route.backends}


@pytest.fixture
def world() -> World:
    return World().apply(*serving("web", "new", "other"))


def test_a_canary_adds_its_service_to_the_path_of_its_main_ingress(world: World) -> None:
    world.apply(main(), canary(canary_weight="20"))
    route = world.route("web.example")
    assert shares(route) == {"web": 80, "new": 20}
    assert [one.canary for one in route.backends] == [False, True]
    assert route.owner.name == "web"
    assert route.policies == (), "weights need no rule"
    assert world.reasons("aside") == []


def test_annotations_that_it_does_not_have_for_itself_are_reported_as_one_problem(world: World) -> None:
    aside = canary(canary_weight="20", proxy_body_size="8m", enable_cors="true", upstream_hash_by="$uri")
    world.apply(main(), aside)
    (problem,) = world.problems_of("aside")
    assert (problem.reason, problem.field) == ("CanaryAnnotation", place("proxy-body-size"))
    assert problem.message.endswith("main Ingress in all else, and so have enable-cors")


def test_its_endpoints_are_spoken_to_as_those_of_its_main_ingress(world: World) -> None:
    world.apply(main(backend_protocol="AUTO_HTTP"), canary(canary_weight="20", backend_protocol="FCGI"))
    first, second = world.route("web.example").backends
    assert first.secure_transport is not None
    assert (first.transport, first.secure_transport) == (second.transport, second.secure_transport)


def test_it_does_so_whichever_was_there_first(world: World) -> None:
    for created in (OLD, YOUNG, "2025-01-01T00:00:00Z"):
        world.apply(canary(created=created, canary_weight="20"))
        world.apply(main())
        assert shares(world.route("web.example")) == {"web": 80, "new": 20}
        world.delete("Ingress", "web")


def test_headers_and_cookies_are_a_rule_of_the_route(world: World) -> None:
    world.apply(main(), canary(canary_by_header="X-Canary", canary_by_cookie="test", canary_weight="5"))
    route = world.route("web.example")
    assert route.policies == (Canary(place("canary"), header="X-Canary", cookie="test"),)
    assert shares(route) == {"web": 95, "new": 5}


def test_a_value_goes_before_a_pattern_and_both_need_the_header(world: World) -> None:
    world.apply(main(), canary(canary_by_header="X-A", canary_by_header_value="v", canary_by_header_pattern="p"))
    assert world.route("web.example").policies == (Canary(place("canary"), header="X-A", value="v"),)
    world.apply(canary(canary_by_header="X-A", canary_by_header_pattern="^v[0-9]$"))
    assert world.route("web.example").policies == (Canary(place("canary"), header="X-A", pattern="^v[0-9]$"),)
    world.apply(canary(canary_by_header_value="v", canary_by_cookie="test"))
    assert world.route("web.example").policies == (Canary(place("canary"), cookie="test"),)


@pytest.mark.parametrize(
    ("annotations", "weights"),
    [
        ({}, (100, 0)),
        ({"canary_weight": "100"}, (0, 100)),
        ({"canary_weight": "400"}, (0, 100)),
        ({"canary_weight": "100", "canary_weight_total": "200"}, (100, 100)),
        ({"canary_weight": "50", "canary_weight_total": "50"}, (50, 50)),
        ({"canary_weight": "2", "canary_weight_total": "1000"}, (998, 2)),
    ],
)
def test_weights(world: World, annotations: dict[str, str], weights: tuple[int, int]) -> None:
    """A total below 100 counts as 100."""
    world.apply(main(), canary(**annotations))
    assert tuple(one.weight for one in world.route("web.example").backends) == weights


@pytest.mark.parametrize(
    ("name", "value"), [("canary_weight", "-1"), ("canary_weight", "half"), ("canary_weight_total", "x")]
)
def test_a_number_that_cannot_be_read_is_reported_and_counts_as_absent(world: World, name: str, value: str) -> None:
    world.apply(main(), canary(**{name: value}))
    assert shares(world.route("web.example")) == {"web": 100, "new": 0}
    assert world.reasons("aside") == ["InvalidAnnotation"]


def test_a_pattern_that_cannot_be_used_is_reported(world: World) -> None:
    world.apply(main(), canary(canary_by_header="X-A", canary_by_header_pattern="[["))
    assert world.reasons("aside") == ["InvalidPattern"]
    assert "go to the main Service" in str(world.problems_of("aside"))
    assert world.route("web.example").policies == (Canary(place("canary"), header="X-A", pattern="[["),)


def test_rules_without_canary_are_reported_and_the_ingress_is_one_like_others(world: World) -> None:
    world.apply(main(canary_weight="20", canary_by_header="X-A"))
    assert shares(world.route("web.example")) == {"web": 1}
    assert world.reasons() == ["NoCanary"]


# --- where it acts ---


@pytest.mark.parametrize(
    "rules",
    [
        "other.example Prefix / new",
        "web.example Prefix /b new",
        "web.example Exact / new",
        "any Prefix / new",
        "any default new",
    ],
)
def test_without_a_main_ingress_for_the_very_same_path_it_serves_nothing(world: World, rules: str) -> None:
    world.apply(main(), canary(rules, canary_weight="100"))
    assert shares(world.route("web.example")) == {"web": 1}
    assert set(world.routes) == {"web.example"} | {name for name in world.routes if ":" in name}
    assert world.reasons("aside") == ["NoMainIngress"]
    assert "the canary gets no requests" in str(world.problems_of("aside"))


def test_it_acts_on_no_other_path_of_the_same_service(world: World) -> None:
    world.apply(main("web.example Prefix / web\nweb.example Prefix /b web\nother.example Prefix / web"))
    world.apply(canary(canary_weight="100"))
    assert shares(world.route("web.example")) == {"web": 0, "new": 100}
    assert shares(world.route("web.example", "/b")) == shares(world.route("other.example")) == {"web": 1}


def test_it_acts_on_several_hosts_and_paths(world: World) -> None:
    world.apply(main("a.example Prefix / web\na.example Exact /b web\nb.example Prefix / web"))
    world.apply(canary("a.example Prefix / new\na.example Exact /b other\nb.example Prefix / new", canary_weight="1"))
    assert shares(world.route("a.example", "/")) == shares(world.route("b.example")) == {"web": 99, "new": 1}
    assert shares(world.route("a.example", "/b")) == {"web": 99, "other": 1}


def test_it_acts_on_the_default_backend(world: World) -> None:
    world.apply(main("any default web"), canary("any default new", canary_weight="10"))
    default = world.host("").default
    assert default is not None
    assert shares(default) == {"web": 90, "new": 10}


def test_the_oldest_canary_of_a_path_counts(world: World) -> None:
    world.apply(main(), canary(canary_weight="10"))
    world.apply(canary("web.example Prefix / other", "older", OLD, canary_weight="30"))
    assert shares(world.route("web.example")) == {"web": 70, "other": 30}
    assert (world.reasons("older"), world.reasons("aside")) == ([], ["PathConflict"])
    world.delete("Ingress", "older")
    assert shares(world.route("web.example")) == {"web": 90, "new": 10}
    assert world.reasons("aside") == []


def test_the_main_service_itself_is_no_canary(world: World) -> None:
    world.apply(main(), canary(MAIN, canary_weight="50"))
    assert shares(world.route("web.example")) == {"web": 1}
    assert world.reasons("aside") == ["SameService"]


def test_a_main_ingress_of_another_namespace_is_out_of_reach_by_default() -> None:
    """Any namespace could take the requests of any other otherwise."""
    foreign = canary(canary_weight="100", namespace="foreign")
    world = World().apply(*serving("web"), main(), foreign)
    assert shares(world.route("web.example")) == {"web": 1}
    assert "CrossNamespace" in world.reasons("aside", "foreign")
    world = World(Settings(allow_cross_namespace_resources=True)).apply(*serving("web"), main(), foreign)
    assert [(one.namespace, one.weight) for one in world.route("web.example").backends] == [
        ("demo", 0),
        ("foreign", 100),
    ]


def test_a_backend_that_is_no_service_has_no_canary(world: World) -> None:
    world.apply(main("web.example Prefix / resource"), canary(canary_weight="100"))
    assert [one.status for one in world.route("web.example").backends] == [404]
    assert world.reasons("aside") == ["UnsupportedCanary"]


# --- what it does not do ---


def test_all_else_is_as_the_main_ingress_says(world: World) -> None:
    """The annotations of a canary usually copy the main ones: they are reported, and neither used nor checked."""
    world.apply(main(proxy_read_timeout="7"))
    world.apply(
        canary(
            proxy_read_timeout="9",
            app_root="/app",
            force_ssl_redirect="true",
            use_regex="true",
            auth_type="basic",
            auth_secret="missing",
            denylist_source_range="x",
        )
    )
    route = world.route("web.example")
    assert [type(one) for one in route.policies] == [Timeouts]
    assert route.policies[0] == Timeouts(place("proxy-read-timeout"), read=7.0)
    assert route.kind is PathKind.PREFIX
    assert world.reasons("aside") == ["CanaryAnnotation"]
    assert not world.compiler.wanted


def test_it_gives_its_host_no_certificate(world: World) -> None:
    aside = canary()
    aside["spec"]["tls"] = [{"hosts": ["web.example"], "secretName": "tls"}]
    world.apply(main(), aside)
    assert not world.host("web.example").tls
    assert world.reasons("aside") == []


def test_its_own_way_of_balancing_is_that_of_its_service(world: World) -> None:
    world.apply(main(), canary(load_balance="least_conn"))
    assert (world.service("web").balance.name, world.service("new").balance.name) == (
        "ROUND_ROBIN",
        "LEAST_CONNECTIONS",
    )


def test_a_host_of_which_it_names_no_path_is_not_served(world: World) -> None:
    aside = canary()
    aside["spec"]["rules"] = [{"host": "alone.example"}]
    world.apply(main(), aside)
    assert "alone.example" not in world.routes


def test_without_an_endpoint_it_is_reported_and_that_the_main_one_steps_in(world: World) -> None:
    world.apply(main(), canary("web.example Prefix / gone"))
    (problem,) = world.problems_of("aside")
    assert problem.reason == "MissingService"
    assert "the main Service takes all requests" in problem.message


# --- with what changes paths ---


def test_paths_that_are_patterns_have_canaries_by_the_same_text(world: World) -> None:
    rules = "web.example ImplementationSpecific /api(/|$)(.*) {}"
    world.apply(main(rules.format("web"), rewrite_target="/$2"))
    world.apply(canary(rules.format("new"), rewrite_target="/$2", canary_weight="40"))
    (route,) = world.host("web.example").routes
    assert (route.kind, shares(route)) == (PathKind.PATTERN, {"web": 60, "new": 40})
    assert [type(one) for one in route.policies] == [RegexRewrite]


def test_a_pattern_that_cannot_be_used_closes_both(world: World) -> None:
    rules = "web.example ImplementationSpecific /a(b {}"
    world.apply(main(rules.format("web"), use_regex="true"), canary(rules.format("new"), canary_weight="40"))
    (route,) = world.host("web.example").routes
    assert [type(one) for one in route.policies] == [Closed]


def test_the_redirect_of_the_root_stays(world: World) -> None:
    world.apply(main(app_root="/app"), canary(canary_by_cookie="test"))
    exact, prefix = sorted(world.host("web.example").routes, key=lambda one: one.kind)
    assert [type(one) for one in exact.policies] == [AppRoot, BodyLimit]
    assert [type(one) for one in prefix.policies] == [Canary]


def test_the_redirect_to_https_stays(world: World) -> None:
    world.apply(main(force_ssl_redirect="true"), canary(canary_by_cookie="test"))
    assert {type(one) for one in world.route("web.example").policies} == {HttpsRedirect, Canary}


# --- live ---


def changed(world: World, *manifests: Any) -> set[str]:
    """The hosts whose records are others after MANIFESTS."""
    before = dict(world.routes)
    world.apply(*manifests)
    return {name for name in {*before, *world.routes} if before.get(name) is not world.routes.get(name)}


def test_an_edit_compiles_the_hosts_of_the_canary_and_no_other(world: World) -> None:
    world.apply(main("web.example Prefix / web\nb.example Prefix / web"), main("c.example Prefix / web", "third"))
    assert changed(world, canary(canary_weight="5")) == {"web.example"}
    assert changed(world, canary(canary_weight="50")) == {"web.example"}
    assert changed(world, canary("b.example Prefix / new", canary_weight="50")) == {"web.example", "b.example"}
    assert shares(world.route("web.example")) == {"web": 1}
    assert shares(world.route("b.example")) == {"web": 50, "new": 50}


def test_a_canary_that_becomes_an_ingress_like_others_is_one(world: World) -> None:
    world.apply(main(), canary("web.example Prefix /b new"))
    assert len(world.host("web.example").routes) == 1
    world.apply(ingress("aside", "web.example Prefix /b new", creationTimestamp=YOUNG))
    assert shares(world.route("web.example", "/b")) == {"new": 1}
    world.apply(canary("web.example Prefix /b new"))
    assert len(world.host("web.example").routes) == 1


def test_the_main_ingress_that_goes_takes_the_path_with_it(world: World) -> None:
    world.apply(main(), canary(canary_weight="100"))
    world.delete("Ingress", "web")
    assert "web.example" not in world.routes
    assert world.reasons("aside") == ["NoMainIngress"]
    world.apply(main())
    assert isinstance(world.routes["web.example"], Host)
    assert world.reasons("aside") == []


# --- with an affinity ---


def affinities(route: Route) -> list[list[str]]:
    """The cookies of each backend of ROUTE."""
    return [[one.cookie for one in backend.policies if isinstance(one, Affinity)] for backend in route.backends]


def test_the_cookie_of_the_main_ingress_holds_for_both_sides(world: World) -> None:
    world.apply(main(affinity="cookie", session_cookie_name="route"), canary(canary_weight="20"))
    route = world.route("web.example")
    assert affinities(route) == [["route"], ["route"]]
    sides = (side("demo-web-80"), side("demo-new-80"))
    assert route.policies == (Canary(place("canary"), affinity="route", sides=sides),)


def test_with_legacy_it_is_the_main_ones_alone(world: World) -> None:
    world.apply(main(affinity="cookie"), canary(canary_weight="20", affinity_canary_behavior="legacy"))
    route = world.route("web.example")
    assert affinities(route) == [["INGRESSCOOKIE"], []]
    assert route.policies == ()


def test_an_affinity_of_the_canary_itself_is_ignored(world: World) -> None:
    world.apply(main(), canary(canary_weight="20", affinity="cookie"))
    assert affinities(world.route("web.example")) == [[], []]
    assert world.reasons("aside") == ["CanaryAnnotation"]


def test_a_word_that_is_neither_is_reported_and_means_sticky(world: World) -> None:
    world.apply(main(affinity="cookie"), canary(affinity_canary_behavior="maybe"))
    assert affinities(world.route("web.example")) == [["INGRESSCOOKIE"], ["INGRESSCOOKIE"]]
    assert world.reasons("aside") == ["InvalidAnnotation"]
