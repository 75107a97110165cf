"""affinity and session-cookie-*: values, and the path that the cookie gets."""

from __future__ import annotations

from typing import Any

import pytest

from edge.table.policies import Affinity
from edge.table.records import Route
from tests.support.annotated import annotated, place
from tests.support.site import ingress, serving
from tests.support.world import World


def of(route: Route) -> Affinity | None:
    """The affinity of the one backend of ROUTE."""
    (backend,) = route.backends
    found = [one for one in backend.policies if isinstance(one, Affinity)]
    return found[0] if found else None


def world(rules: str = "web.example Prefix / web", **annotations: str) -> World:
    return World().apply(*serving("web"), ingress("web", rules, annotations=annotated(**annotations)))


def asked(**annotations: str) -> tuple[Affinity | None, list[str]]:
    made = world(**annotations)
    return of(made.route("web.example")), made.reasons()


def test_defaults() -> None:
    assert asked(affinity="cookie") == (Affinity(place("affinity"), "INGRESSCOOKIE", path="/"), [])
    assert asked(session_cookie_name="route", affinity_mode="persistent") == (None, [])


def test_all_values() -> None:
    found, reasons = asked(
        affinity="cookie",
        affinity_mode="persistent",
        session_cookie_name="route",
        session_cookie_path="/app",
        session_cookie_domain="a.example",
        session_cookie_expires="60",
        session_cookie_max_age="-1",
        session_cookie_secure="true",
        session_cookie_samesite="None",
        session_cookie_conditional_samesite_none="true",
        session_cookie_change_on_failure="true",
    )
    assert reasons == []
    assert found == Affinity(
        place("affinity"), "route", True, "/app", "a.example", 60, -1, True, "None", lenient=True, renews=True
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("affinity_mode", "sticky"),
        ("session_cookie_name", "a;b"),
        ("session_cookie_name", "a=b"),
        ("session_cookie_path", "/a;b"),
        ("session_cookie_domain", "a.example; Secure"),
        ("session_cookie_expires", "soon"),
        ("session_cookie_max_age", "1.5"),
        ("session_cookie_samesite", "lax"),
        ("session_cookie_secure", "yes"),
    ],
)
def test_a_value_that_cannot_be_read_is_reported_and_counts_as_absent(name: str, value: str) -> None:
    """`lax` is among them: ingress-nginx takes such a word and then leaves the attribute out."""
    assert asked(affinity="cookie", **{name: value}) == (asked(affinity="cookie")[0], ["InvalidAnnotation"])


def test_another_affinity_is_none() -> None:
    assert asked(affinity="ip") == (None, ["InvalidAnnotation"])


def test_each_path_has_its_own_cookie_path() -> None:
    """As it was written, also where two lead to one Service."""
    made = world("web.example Prefix /something web\nweb.example Exact /some/where/ web", affinity="cookie")
    paths = {route.path: of(route) for route in made.host("web.example").routes}
    assert {path: found.path for path, found in paths.items() if found} == {
        "/something": "/something",
        "/some/where/": "/some/where/",
    }


def test_a_path_cannot_add_attributes() -> None:
    made = world("web.example Prefix /a;Secure web", affinity="cookie")
    (route,) = made.host("web.example").routes
    found = of(route)
    assert found is not None
    assert found.path == "/a%3BSecure"


@pytest.mark.parametrize("mode", [{"use_regex": "true"}, {"rewrite_target": "/$1"}])
def test_with_patterns_a_path_of_its_own_is_needed(mode: dict[str, Any]) -> None:
    rules = "web.example ImplementationSpecific /foo/(.*) web"
    assert world(rules, affinity="cookie", **mode).reasons() == ["CookiePath"]
    assert world(rules, affinity="cookie", session_cookie_path="/foo", **mode).reasons() == []


def test_another_ingress_of_the_host_or_the_service_has_none() -> None:
    made = world(affinity="cookie").apply(ingress("other", "web.example Prefix /b web\nb.example Prefix / web"))
    assert of(made.route("web.example", "/b")) is None
    assert of(made.route("b.example")) is None
    assert of(made.route("web.example")) is not None
