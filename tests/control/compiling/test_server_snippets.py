"""server-snippet: statements for all requests to a host."""

from __future__ import annotations

import pytest

from edge.settings import Settings
from edge.table.policies import Closed, ServerSnippet, Snippet
from edge.table.policies.snippet import AddField, Answer, SetField
from edge.table.records import Route
from tests.support.annotated import annotated, place
from tests.support.policies import policy
from tests.support.site import ingress, serving
from tests.support.world import Manifest, World

ALLOWED = Settings(allow_snippet_annotations=True, annotations_risk_level="Critical")
OLD, YOUNG = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"
SOURCE = place("server-snippet")


def one(name: str, rules: str, created: str = OLD, **annotations: str) -> Manifest:
    return ingress(name, rules, annotations=annotated(**annotations), creationTimestamp=created)


@pytest.fixture
def world() -> World:
    return World(ALLOWED).apply(*serving("web", "other"))


def every(world: World, name: str = "web.example") -> tuple[Route, ...]:
    """All routes of the host NAME, and what takes the rest."""
    host = world.host(name)
    assert host.default is not None
    return (*host.routes, host.default)


def test_it_applies_to_all_paths_of_the_host_of_any_ingress(world: World) -> None:
    world.apply(
        one("web", "web.example Prefix /a web", server_snippet="return 503;"),
        one("other", "web.example Prefix /b/ other\nother.example Prefix / other", YOUNG),
    )
    assert {route.path for route in every(world)} == {"/a", "/b", "/"}
    for route in every(world):
        assert policy(route, ServerSnippet) == ServerSnippet(SOURCE, (Answer(503),)), route.path
    assert policy(world.route("other.example"), ServerSnippet) is None
    assert world.reasons() == []


def test_that_of_the_oldest_ingress_counts(world: World) -> None:
    world.apply(
        one("young", "web.example Prefix /a web", YOUNG, server_snippet="return 404;"),
        one("web", "web.example Prefix / web", server_snippet="return 503;"),
    )
    for route in world.host("web.example").routes:
        assert policy(route, ServerSnippet) == ServerSnippet(SOURCE, (Answer(503),))
    assert world.reasons() == []
    assert [(problem.reason, problem.field) for problem in world.problems_of("young")] == [("HostConflict", SOURCE)]
    world.delete("Ingress", "web")
    assert policy(world.route("web.example", "/a"), ServerSnippet) == ServerSnippet(SOURCE, (Answer(404),))


def test_one_that_is_not_carried_out_closes_the_host(world: World) -> None:
    world.apply(
        one("web", "web.example Prefix /a web", server_snippet="set $a 1;\ndeny all;"),
        one("other", "web.example Prefix /b other", YOUNG),
    )
    for route in every(world):
        closed = policy(route, Closed)
        assert closed is not None, route.path
        assert (closed.status, closed.source) == (503, SOURCE)
    (problem,) = world.problems_of()
    assert problem.message.startswith('line 2: "deny" is not supported')
    assert problem.message.endswith("; all requests to its hosts are answered 503")


def test_a_younger_one_closes_nothing(world: World) -> None:
    world.apply(
        one("web", "web.example Prefix /a web", server_snippet="return 503;"),
        one("other", "web.example Prefix /b other", YOUNG, server_snippet="deny all;"),
    )
    assert [policy(route, Closed) for route in every(world)] == [None, None, None]


def test_it_has_no_effect_unless_it_is_allowed() -> None:
    world = World(Settings(annotations_risk_level="Critical")).apply(*serving("web"))
    world.apply(one("web", "web.example Prefix / web", server_snippet="return 503;"))
    assert world.route("web.example").policies == ()
    assert world.reasons() == ["InvalidAnnotation"]


def test_an_alias_has_it_too(world: World) -> None:
    world.apply(one("web", "web.example Prefix / web", server_snippet="return 503;", server_alias="alias.example"))
    assert policy(world.route("alias.example"), ServerSnippet) is not None


def test_fields_of_a_route_take_the_place_of_those_of_its_host(world: World) -> None:
    """add_header is inherited only where there is none, more_set_headers by name."""
    own = 'add_header X-C 3; more_set_headers "x-a: 2";'
    snippet = 'add_header X-D 1; more_set_headers "X-A: 1" "X-B: 1";'
    world.apply(
        one("web", "web.example Prefix /a web", server_snippet=snippet, configuration_snippet=own),
        one("other", "web.example Prefix /b other", YOUNG),
    )
    route = world.route("web.example", "/a")
    assert policy(route, ServerSnippet) == ServerSnippet(SOURCE, (SetField("X-B", "1"),))
    assert policy(route, Snippet) is not None
    plain = policy(world.route("web.example", "/b"), ServerSnippet)
    assert plain == ServerSnippet(SOURCE, (AddField("X-D", "1"), SetField("X-A", "1"), SetField("X-B", "1")))
