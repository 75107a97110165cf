"""Cross-Origin Resource Sharing by the Gateway API (HTTPCORSFilter)."""

from __future__ import annotations

import pytest

from edge.table.policies import CorsFilter
from tests.support.play import Answer, Endpoint, Request

ORIGIN = "https://www.foo.example"
POLICY = CorsFilter(
    "test",
    (ORIGIN, "https://*.bar.example"),
    methods=("GET", "OPTIONS"),
    headers=("x-one", "x-two"),
    expose=("x-three",),
    credentials=True,
    max_age=3600,
)
EVERYTHING = CorsFilter("test", ("*",), ("*",), ("*",))


def preflight(origin: str = ORIGIN, method: str = "GET", names: str = "x-one") -> Request:
    asked = (("Access-Control-Request-Method", method), ("Access-Control-Request-Headers", names))
    return Request("OPTIONS", fields=(("Origin", origin), *asked))


def simple(origin: str) -> Request:
    return Request(fields=(("Origin", origin),))


def test_a_preflight_request_is_answered_and_no_endpoint_is_asked(play) -> None:
    played = play(preflight(), POLICY)
    assert (played.status, played.asked) == (204, [])
    assert {name: played.field(f"access-control-{name}") for name in (
        "allow-origin", "allow-methods", "allow-headers", "expose-headers", "max-age", "allow-credentials"
    )} == {
        "allow-origin": ORIGIN,
        "allow-methods": "GET, OPTIONS",
        "allow-headers": "x-one, x-two",
        "expose-headers": "x-three",
        "max-age": "3600",
        "allow-credentials": "true",
    }  # fmt: skip
    assert played.field("vary") == "Origin"


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (ORIGIN, True),
        ("https://www.bar.example", True),
        ("https://a.www.bar.example", True),
        ("https://bar.example", False),
        ("http://www.foo.example", False),
        ("https://www.foo.example.evil", False),
        ("https://foobar.example", False),
        ("null", False),
    ],
)
def test_origins(play, origin: str, allowed: bool) -> None:
    """`*` stands for one label or more. An origin that is not allowed gets no field, and no endpoint its preflight."""
    expected = origin if allowed else None
    for request in (preflight(origin), simple(origin)):
        assert play(request, POLICY).field("access-control-allow-origin") == expected
    assert play(preflight(origin), POLICY).asked == []


def test_the_fields_of_endpoints_are_replaced(play) -> None:
    theirs = Answer(fields=(("Access-Control-Allow-Origin", "*"),))
    played = play(simple(ORIGIN), POLICY, endpoints=[Endpoint(theirs)])
    assert played.field("access-control-allow-origin") == ORIGIN
    assert (
        play(simple("https://evil.example"), POLICY, endpoints=[Endpoint(theirs)]).field("access-control-allow-origin")
        is None
    )


def test_options_that_are_no_preflight_go_to_the_endpoint(play) -> None:
    assert len(play(Request("OPTIONS", fields=(("Origin", ORIGIN),)), POLICY).asked) == 1


@pytest.mark.parametrize("credentials", [False, True])
def test_where_all_is_allowed_the_client_gets_what_it_asks_for(play, credentials: bool) -> None:
    """By name: browsers take `*` by the letter where there are credentials."""
    policy = CorsFilter("test", ("*",), ("*",), ("*",), credentials=credentials)
    played = play(preflight("https://any.example:8443", "PUT", "x-a, x-b"), policy)
    assert played.field("access-control-allow-origin") == "https://any.example:8443"
    assert played.field("access-control-allow-methods") == "PUT"
    assert played.field("access-control-allow-headers") == "x-a, x-b"
    assert played.field("access-control-allow-credentials") == ("true" if credentials else None)


def test_nothing_but_names_is_repeated(play) -> None:
    assert play(preflight(names="a<b>: c"), EVERYTHING).field("access-control-allow-headers") is None
