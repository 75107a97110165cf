"""The endpoint gets another host or path than the client asked for (Gateway API, HTTPURLRewriteFilter)."""

from __future__ import annotations

import pytest

from edge.table.policies import Redirect, Rewrite
from edge.table.policies.path_change import PathChange
from tests.support.play import HANGS_UP, Answer, Endpoint, Request


def test_without_it_the_endpoint_gets_what_the_client_sent(play) -> None:
    (asked,) = play(Request("GET", "/%7Ea/../b?c", "APP.example:8080")).asked
    assert (asked.target, asked.host) == ("/%7Ea/../b?c", "APP.example:8080")


def test_the_host_is_replaced_and_the_clients_is_still_said(play) -> None:
    (asked,) = play(Request("GET", "/a?b", "app.example:8080"), Rewrite("test", "inner.example")).asked
    assert (asked.host, asked.target) == ("inner.example", "/a?b")
    assert asked.values("x-forwarded-host") == ["app.example:8080"]


@pytest.mark.parametrize(
    ("change", "target", "changed"),
    [
        (PathChange("/new"), "/old?q=1", "/new?q=1"),
        (PathChange("/new"), "/old/deep", "/new"),
        (PathChange("/new", "/old"), "/old", "/new"),
        (PathChange("/new", "/old"), "/old/deep?q=1", "/new/deep?q=1"),
        (PathChange("/", "/old"), "/old", "/"),
        (PathChange("/", "/old"), "/old/deep", "/deep"),
        (PathChange("/new", "/"), "/", "/new/"),
    ],
)
def test_the_path_is_replaced_as_a_whole_or_by_its_prefix(play, change, target: str, changed: str) -> None:
    (asked,) = play(Request("GET", target), Rewrite("test", path=change)).asked
    assert (asked.target, asked.host) == (changed, "app.example")


def test_method_fields_and_content_stay(play) -> None:
    request = Request("PUT", "/a", fields=(("X-A", "1"),), content=b"text")
    (asked,) = play(request, Rewrite("test", "inner.example", PathChange("/b"))).asked
    assert (asked.method, asked.values("x-a"), asked.content) == ("PUT", ["1"], b"text")


def test_http_1_0_without_a_host_gets_one_for_the_endpoint(play) -> None:
    (asked,) = play(Request("GET", "/a", None, version="1.0"), Rewrite("test", "inner.example")).asked
    assert asked.host == "inner.example"


def test_a_redirect_says_what_the_client_asked_for(play) -> None:
    policies = (Rewrite("test", path=PathChange("/inner")), Redirect("test", scheme="https"))
    assert play(Request("GET", "/a"), *policies).field("location") == "https://app.example/a"


def test_a_further_attempt_is_rewritten_once(play) -> None:
    endpoints = [Endpoint(HANGS_UP), Endpoint(HANGS_UP)]
    played = play(Request("GET", "/a/a/b"), Rewrite("test", path=PathChange("/a", "/a/a")), endpoints=endpoints)
    assert {asked.target for asked in played.asked} == {"/a/b"}


def test_the_log_has_what_the_client_asked_for(play) -> None:
    played = play(Request("GET", "/a"), Rewrite("test", path=PathChange("/inner")), endpoints=[Endpoint(Answer())])
    assert '"GET /a HTTP/' in played.logged[0]
