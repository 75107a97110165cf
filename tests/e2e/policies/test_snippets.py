"""configuration-snippet: what Edge carries out of nginx's configuration."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from edge.settings import Settings
from tests.support.backends import Backend
from tests.support.ingresses import Annotated


@pytest.fixture(scope="module")
def edge(backend: Backend) -> Iterator[Annotated]:
    with Annotated(settings=Settings(allow_snippet_annotations=True)) as one:
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


def test_what_is_not_carried_out_closes_the_route(edge: Annotated) -> None:
    host = edge.ingress(configuration_snippet="deny all;")
    assert edge.reasons() == ["InvalidAnnotation"]
    assert edge.get(host).status == 503


def test_without_the_flag_it_has_no_effect(backend: Backend) -> None:
    with Annotated() as edge:
        edge.service("web", backend)
        host = edge.ingress(configuration_snippet="return 403;")
        assert edge.reasons() == ["InvalidAnnotation"]
        assert edge.get(host).status == 200
