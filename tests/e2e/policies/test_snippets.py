"""configuration-snippet, server-snippet and auth-snippet: what Edge carries out of nginx's configuration."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from edge.settings import Settings
from tests.support.backends import Backend
from tests.support.ingresses import Annotated


@pytest.fixture(scope="module")
def edge(backend: Backend) -> Iterator[Annotated]:
    with Annotated(settings=Settings(allow_snippet_annotations=True, annotations_risk_level="Critical")) as one:
        one.service("web", backend)
        yield one


def test_headers_answers_and_tests(edge: Annotated) -> None:
    host = edge.ingress(
        configuration_snippet="""
        more_set_headers "X-Frame-Options: DENY";
        proxy_set_header X-Original-Host $http_host;
        if ($http_user_agent ~* (bot|crawler)) {
            return 403 "no robots";
        }
        """
    )
    assert edge.reasons() == []
    response = edge.get(host)
    assert (response.status, response.get("X-Frame-Options")) == (200, "DENY")
    refused = edge.get(host, fields=[("User-Agent", "SomeBot/1")])
    assert (refused.status, refused.body, refused.get("X-Frame-Options")) == (403, b"no robots", "DENY")


def test_a_snippet_of_the_host(edge: Annotated) -> None:
    """It acts on all paths of the host, also on those that nobody has."""
    host = edge.ingress(
        "@ Prefix /app web",
        server_snippet="""
        set $robot 0;
        if ($http_user_agent ~* "bot") { set $robot 1; }
        if ($robot = 1) { return 301 https://robots.example$request_uri; }
        more_set_headers "X-Host: $host";
        """,
    )
    edge.ingress("@ Prefix /other web", host=host)
    assert edge.reasons() == []
    for path, status in (("/app", 200), ("/other", 200), ("/nothing", 404)):
        response = edge.get(host, path)
        assert (response.status, response.get("X-Host")) == (status, host)
        robot = edge.get(host, path, fields=[("User-Agent", "SomeBot/1")])
        assert (robot.status, robot.get("Location")) == (301, f"https://robots.example{path}")


def test_a_snippet_of_the_request_to_an_authentication_server(edge: Annotated, backend: Backend) -> None:
    host = edge.ingress(
        auth_url=f"http://{backend.host}:{backend.port}/status/200",
        auth_snippet='proxy_set_header X-Path $uri; proxy_set_header Authorization "";',
    )
    assert edge.reasons() == []
    assert edge.get(host, "/private", fields=[("Authorization", "Bearer x")]).status == 200
    asked, served = backend.requests[-2:]
    assert (asked.target, asked.get("X-Path"), asked.get("Authorization")) == ("/status/200", "/private", None)
    assert (served.target, served.get("X-Path"), served.get("Authorization")) == ("/private", None, "Bearer x")


def test_what_is_not_carried_out_closes_the_route(edge: Annotated) -> None:
    host = edge.ingress(configuration_snippet="deny all;")
    assert edge.reasons() == ["InvalidAnnotation"]
    assert edge.get(host).status == 503


def test_without_the_flags_its_ingress_is_not_served(backend: Backend) -> None:
    with Annotated() as edge:
        edge.service("web", backend)
        host = edge.ingress(configuration_snippet="return 403;")
        assert edge.reasons() == ["AnnotationRefused"]
        assert edge.get(host).status == 404
