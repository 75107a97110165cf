"""custom-http-errors, default-backend, disable-proxy-intercept-errors: another backend answers errors."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support import objects
from tests.support.backends import Backend
from tests.support.ingresses import Annotated

DENIED = {"denylist_source_range": "0.0.0.0/0"}


@pytest.fixture(scope="module")
def errors(edge: Annotated) -> Iterator[str]:
    """The name of a Service that reports what it got, with status 200."""
    with Backend() as backend:
        edge.service("errors", backend)
        yield "errors"


def got(edge: Annotated, host: str, target: str = "/status/404", **rest: object) -> dict[str, str]:
    """The fields that the error backend got."""
    answer = edge.get(host, target, **rest)
    assert answer.status == 200
    return {name.lower(): value for name, value in answer.json()["headers"]}


def test_the_error_backend_gets_what_ingress_nginx_sends_it(edge: Annotated, errors: str) -> None:
    host = edge.ingress(custom_http_errors="404,503", default_backend=errors)
    sent = [("Accept", "text/html"), ("X-Request-ID", "r7")]
    fields = got(edge, host, "/status/404?a=b", fields=sent)
    expected = {
        "x-code": "404",
        "x-format": "text/html",
        "x-original-uri": "/status/404?a=b",
        "x-namespace": "demo",
        "x-ingress-name": edge.last.name,
        "x-service-name": "web",
        "x-service-port": "80",
        "x-request-id": "r7",
        "x-forwarded-for": "127.0.0.1",
        "host": host,
    }
    assert {name: fields.get(name) for name in expected} == expected
    assert edge.get(host, "/status/404?a=b").json()["target"] == "/?a=b"
    assert edge.get(host, "/status/500").status == 500
    assert edge.reasons() == []


def test_a_list_may_have_spaces(edge: Annotated, errors: str) -> None:
    host = edge.ingress(custom_http_errors="404, 503", default_backend=errors)
    assert [got(edge, host, f"/status/{status}")["x-code"] for status in (404, 503)] == ["404", "503"]


@pytest.mark.parametrize("value", ["200", "404 503", "4xx", "404;503"])
def test_what_is_no_list_of_errors_is_reported(edge: Annotated, errors: str, value: str) -> None:
    host = edge.ingress(custom_http_errors=value, default_backend=errors)
    assert edge.get(host, "/status/404").status == 404
    assert edge.reasons() == ["InvalidAnnotation"]


def test_endpoints_may_answer_themselves(edge: Annotated, errors: str) -> None:
    host = edge.ingress(custom_http_errors="403,404", default_backend=errors, disable_proxy_intercept_errors="true")
    assert edge.get(host, "/status/404").status == 404
    host = edge.ingress(
        custom_http_errors="403", default_backend=errors, disable_proxy_intercept_errors="true", **DENIED
    )
    assert got(edge, host)["x-code"] == "403"


def test_paths_that_nobody_has_are_errors_too(edge: Annotated, errors: str) -> None:
    host = edge.ingress("@ Prefix /app web", custom_http_errors="404", default_backend=errors)
    assert got(edge, host, "/other")["x-code"] == "404"


def test_without_error_backend_the_built_in_one_answers(edge: Annotated) -> None:
    answer = edge.get(edge.ingress(custom_http_errors="503"), "/status/503")
    assert (answer.status, answer.body) == (404, b"default backend - 404")


def test_a_service_that_does_not_exist_is_reported_and_followed(edge: Annotated) -> None:
    with Backend() as backend:
        host = edge.ingress(custom_http_errors="404", default_backend="late")
        assert (edge.get(host, "/status/404").body, edge.reasons()) == (
            b"default backend - 404",
            ["MissingService"],
        )
        edge.service("late", backend)
        assert (got(edge, host)["x-code"], edge.reasons()) == ("404", [])
        edge.put(objects.endpoints("late", suffix="0"))
        assert (edge.get(host, "/status/404").status, edge.reasons()) == (404, ["NoEndpoints"])


def test_it_takes_what_a_service_has_no_endpoint_for(edge: Annotated, errors: str) -> None:
    host = edge.ingress("@ Prefix / invalid", default_backend=errors)
    answer = edge.get(host, "/alma/armud", fields=[("X-Request-ID", "something-unique")])
    fields = {name.lower(): value for name, value in answer.json()["headers"]}
    assert (answer.status, answer.json()["target"]) == (200, "/alma/armud")
    assert [fields[name] for name in ("x-code", "x-service-name", "x-request-id")] == [
        "503", "invalid", "something-unique",
    ]  # fmt: skip
    assert fields["x-ingress-name"] == edge.last.name


def test_its_first_port_counts(edge: Annotated) -> None:
    with Backend() as backend:
        ports = [
            {"name": "dns", "port": 53, "protocol": "UDP"},
            {"name": "http", "port": 8181, "targetPort": "http", "protocol": "TCP"},
            {"name": "admin", "port": 81, "targetPort": "admin", "protocol": "TCP"},
        ]
        edge.put(objects.service("several", ports=ports), objects.endpoints("several", backend.host, port=backend.port))
        host = edge.ingress(custom_http_errors="404", default_backend="several")
        assert got(edge, host)["x-code"] == "404"


def test_it_is_looked_for_in_the_namespace_of_the_ingress(edge: Annotated, errors: str) -> None:
    edge.ingress(custom_http_errors="404", default_backend=f"demo/{errors}")
    assert edge.reasons() == ["InvalidAnnotation"]


def test_with_cors_the_page_may_be_read(edge: Annotated, errors: str) -> None:
    host = edge.ingress(custom_http_errors="404", default_backend=errors, enable_cors="true")
    answer = edge.get(host, "/status/404", fields=[("Origin", "https://a.example")])
    assert (answer.json()["target"], answer.get("Access-Control-Allow-Origin")) == ("/", "*")


def test_a_page_for_who_may_not_come_in(edge: Annotated, errors: str) -> None:
    host = edge.ingress(custom_http_errors="403", default_backend=errors, **DENIED)
    assert got(edge, host, "/secret")["x-code"] == "403"


def test_a_page_for_who_has_no_password(edge: Annotated, errors: str) -> None:
    hashed = "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="  # of "secret"
    edge.put(objects.secret("users", kind="Opaque", auth=f"anna:{hashed}"))
    host = edge.ingress(custom_http_errors="401", default_backend=errors, auth_type="basic", auth_secret="users")
    answer = edge.get(host, "/secret")
    assert (answer.json()["target"], answer.get("WWW-Authenticate")) == ("/", 'Basic realm=""')
    with_password = [("Authorization", "Basic YW5uYTpzZWNyZXQ=")]
    assert edge.get(host, "/secret", fields=with_password).json()["target"] == "/secret"


def test_a_connection_goes_on_after_an_error_page(edge: Annotated, errors: str) -> None:
    host = edge.ingress(custom_http_errors="404", default_backend=errors)
    with edge.connect() as client:
        for _ in range(3):
            assert client.request("/status/404", host=host).status == 200
            assert client.request("/status/201", host=host).status == 201
