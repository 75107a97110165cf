"""enable-cors and cors-*: who may read responses from a page of another origin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.backends import Backend, Script, answering
from tests.support.clients import Response
from tests.support.ingresses import Annotated

METHODS = "GET, PUT, POST, DELETE, PATCH, OPTIONS"
HEADERS = "DNT,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range,Authorization"
DEFAULT = {
    "access-control-allow-origin": "*",
    "access-control-allow-credentials": "true",
    "access-control-allow-methods": METHODS,
    "access-control-allow-headers": HEADERS,
    "access-control-max-age": "1728000",
}


def cors(response: Response) -> dict[str, str]:
    """The CORS fields of RESPONSE; each may be there once."""
    found = [(name.lower(), value) for name, value in response.fields if name.lower().startswith("access-control")]
    assert len(found) == len(dict(found))
    return dict(found)


@pytest.fixture(scope="module")
def own(edge: Annotated) -> Iterator[str]:
    """A Service whose endpoint sends CORS fields."""
    fields = b"Access-Control-Allow-Origin: https://own.example\r\nAccess-Control-Expose-Headers: X-Own\r\n"
    with Script(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + fields + b"\r\n")) as server:
        edge.service("own", server)
        yield "own"


def ask(edge: Annotated, host: str, origin: str = "", target: str = "/", **rest: Any) -> Response:
    return edge.get(host, target, fields=[("Origin", origin)] if origin else [], **rest)


def test_every_response_has_the_fields(edge: Annotated) -> None:
    host = edge.ingress(enable_cors="true")
    assert cors(ask(edge, host)) == cors(ask(edge, host, "https://a.example")) == DEFAULT
    assert cors(ask(edge, host, target="/status/500")) == DEFAULT


def test_preflight_requests_are_answered_for_the_endpoint(edge: Annotated, backend: Backend) -> None:
    host = edge.ingress(enable_cors="true")
    before = backend.connections
    response = ask(edge, host, "https://a.example", method="OPTIONS")
    assert (response.status, response.body) == (204, b"")
    assert cors(response) == DEFAULT
    assert response.all("Content-Type") == ["text/plain charset=UTF-8"]
    assert response.all("Content-Length") == ["0"]
    assert backend.connections == before


def test_without_it_there_are_none(edge: Annotated) -> None:
    for host in (edge.ingress(), edge.ingress(enable_cors="false", cors_allow_origin="*")):
        assert cors(ask(edge, host, "https://a.example")) == {}
        assert ask(edge, host, method="OPTIONS").status == 200


def test_answers_of_edge_itself_have_them_too(edge: Annotated) -> None:
    """A page could not tell its user what went wrong otherwise."""
    empty = edge.ingress("@ Prefix / nothing", enable_cors="true")
    assert (ask(edge, empty).status, cors(ask(edge, empty))) == (503, DEFAULT)
    small = edge.ingress(enable_cors="true", proxy_body_size="1")
    response = ask(edge, small, method="POST", body=b"large")
    assert (response.status, cors(response)) == (413, DEFAULT)


def test_values_are_as_the_annotations_say(edge: Annotated) -> None:
    host = edge.ingress(
        enable_cors="true",
        cors_allow_origin="https://a.example",
        cors_allow_methods="GET, PUT",
        cors_allow_headers="X-One, X-Two",
        cors_allow_credentials="false",
        cors_expose_headers="X-Three, *",
        cors_max_age="600",
    )
    assert edge.reasons() == []
    expected = {
        "access-control-allow-origin": "https://a.example",
        "access-control-allow-methods": "GET, PUT",
        "access-control-allow-headers": "X-One, X-Two",
        "access-control-expose-headers": "X-Three, *",
        "access-control-max-age": "600",
    }
    assert cors(ask(edge, host, "https://a.example")) == expected
    assert cors(ask(edge, host, "https://a.example", method="OPTIONS")) == expected


@pytest.mark.parametrize(
    ("allowed", "origin", "taken"),
    [
        ("https://a.example", "https://a.example", True),
        ("https://a.example", "http://a.example", False),
        ("https://a.example", "https://a.example:8443", False),
        ("https://a.example:8443", "https://a.example:8443", True),
        ("https://a.example", "https://b.example", False),
        ("https://a.example", "https://axexample", False),
        ("https://a.example", "", False),
        ("https://a.example, https://b.example,", "https://b.example", True),
        ("https://A.example", "https://a.example", True),
        ("https://*.a.example", "https://x.a.example", True),
        ("https://*.a.example", "https://x.y.a.example", False),
        ("https://*.a.example", "https://a.example", False),
        ("https://*.a.example:81", "https://x.a.example:81", True),
        ("https://*.a.example:81", "https://x.a.example", False),
        ("https://a.example", "https://evil.example?https://a.example", False),
        ("https://a.example", "https://a.example.evil.example", False),
        ("null", "null", True),
        ("app://a.example", "app://a.example", True),
    ],
)
def test_an_origin_of_the_list_is_echoed(edge: Annotated, allowed: str, origin: str, taken: bool) -> None:
    """And another one gets no fields; its OPTIONS request goes to the endpoint."""
    host = edge.ingress(enable_cors="true", cors_allow_origin=allowed)
    assert edge.reasons() == []
    assert cors(ask(edge, host, origin)).get("access-control-allow-origin") == (origin if taken else None)
    assert ask(edge, host, origin, method="OPTIONS").status == (204 if taken else 200)
    if not taken:
        assert cors(ask(edge, host, origin)) == {}


@pytest.mark.parametrize("value", ["*", "https://a.example, *", " "])
def test_a_star_allows_every_origin_and_stays_a_star(edge: Annotated, value: str) -> None:
    host = edge.ingress(enable_cors="true", cors_allow_origin=value)
    assert cors(ask(edge, host, "https://b.example")) == DEFAULT


def test_an_origin_that_cannot_be_read_is_left_out_of_the_list(edge: Annotated) -> None:
    host = edge.ingress(enable_cors="true", cors_allow_origin="a.example:8080, https://a.example")
    assert edge.reasons() == ["InvalidAnnotation"]
    assert cors(ask(edge, host, "https://a.example"))["access-control-allow-origin"] == "https://a.example"
    assert cors(ask(edge, host, "a.example:8080")) == {}


@pytest.mark.parametrize("value", ["a.example", "https://*", "https://a.example/path"])
def test_a_list_that_cannot_be_read_allows_no_origin(edge: Annotated, value: str) -> None:
    host = edge.ingress(enable_cors="true", cors_allow_origin=value)
    assert edge.reasons() == ["InvalidAnnotation"]
    assert cors(ask(edge, host, "https://a.example")) == {}


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [
        ("cors_allow_methods", "GET; PUT", "access-control-allow-methods"),
        ("cors_allow_headers", "X-A: 1", "access-control-allow-headers"),
        ("cors_expose_headers", "X-$A", "access-control-expose-headers"),
        ("cors_max_age", "soon", "access-control-max-age"),
        ("cors_allow_credentials", "yes", "access-control-allow-credentials"),
    ],
)
def test_another_value_that_cannot_be_read_is_reported_and_the_default_holds(
    edge: Annotated, name: str, value: str, field: str
) -> None:
    host = edge.ingress(enable_cors="true", **{name: value})
    assert edge.reasons() == ["InvalidAnnotation"]
    assert cors(ask(edge, host)).get(field) == DEFAULT.get(field)


# --- with an endpoint that has CORS fields of its own ----------------------------------------------------------------


@pytest.mark.parametrize("allowed", ["*", "https://a.example"])
def test_they_take_the_place_of_those_of_the_endpoint(edge: Annotated, own: str, allowed: str) -> None:
    host = edge.ingress(f"@ Prefix / {own}", enable_cors="true", cors_allow_origin=allowed, cors_expose_headers="X-New")
    found = cors(ask(edge, host, "https://a.example"))
    expected = {**DEFAULT, "access-control-allow-origin": allowed, "access-control-expose-headers": "X-New"}
    assert found == expected


def test_those_of_the_endpoint_pass_where_the_origin_is_not_allowed(edge: Annotated, own: str) -> None:
    host = edge.ingress(f"@ Prefix / {own}", enable_cors="true", cors_allow_origin="https://a.example")
    expected = {"access-control-allow-origin": "https://own.example", "access-control-expose-headers": "X-Own"}
    assert cors(ask(edge, host, "https://b.example")) == expected


# --- with other policies ----------------------------------------------------------------------------------------------


def test_a_redirect_has_them_and_a_preflight_request_is_not_redirected(edge: Annotated) -> None:
    host = edge.ingress(enable_cors="true", permanent_redirect="https://b.example")
    assert (ask(edge, host).status, cors(ask(edge, host))) == (301, DEFAULT)
    assert ask(edge, host, method="OPTIONS").status == 204
    host = edge.ingress(enable_cors="true", force_ssl_redirect="true")
    assert (ask(edge, host).status, cors(ask(edge, host))) == (308, DEFAULT)
    assert ask(edge, host, method="OPTIONS").status == 204


def test_what_no_path_takes_has_them_too(edge: Annotated) -> None:
    """It is answered on the terms of the host's oldest Ingress."""
    host = edge.ingress("@ Prefix /api web", enable_cors="true")
    response = ask(edge, host, target="/other")
    assert (response.status, cors(response)) == (404, DEFAULT)
    assert cors(ask(edge, host, target="/api")) == DEFAULT
