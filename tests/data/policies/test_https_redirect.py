"""Requests by plain http are redirected to https (ssl-redirect and force-ssl-redirect of ingress-nginx)."""

from __future__ import annotations

import pytest

from edge.table.policies import BodyLimit, Closed, Hsts, HttpsRedirect, Redirect
from tests.support.play import Endpoint, Request

POLICY = HttpsRedirect("test")


def test_the_answer_is_308_to_the_same_url_and_no_endpoint_is_asked(play) -> None:
    played = play(Request("GET", "/a/b?c=d&e"), POLICY)
    assert played.status == 308
    assert played.field("location") == "https://app.example/a/b?c=d&e"
    assert played.asked == []
    assert played.outcome.endpoint == ""


def test_https_passes(play) -> None:
    played = play(Request("GET", "/a/"), POLICY, secure=True)
    assert played.status == 200
    assert played.asked[0].target == "/a/"


def test_another_status_may_be_asked_for(play) -> None:
    assert play(Request(), HttpsRedirect("test", 301)).status == 301


@pytest.mark.parametrize(
    ("target", "dropped", "kept"),
    [
        ("/", "", "/"),
        ("/a/", "/a", "/a/"),
        ("/a//", "/a/", "/a//"),
        ("/a", "/a", "/a"),
        ("/a/?q", "/a/?q", "/a/?q"),
        ("/?", "/?", "/?"),
        ("/a?q=/", "/a?q=/", "/a?q=/"),
    ],
)
def test_a_trailing_slash_is_dropped_unless_it_is_preserved(play, target: str, dropped: str, kept: str) -> None:
    assert play(Request("GET", target), POLICY).field("location") == f"https://app.example{dropped}"
    preserving = HttpsRedirect("test", preserve_trailing_slash=True)
    assert play(Request("GET", target), preserving).field("location") == f"https://app.example{kept}"


@pytest.mark.parametrize(
    ("host", "name"),
    [("app.example:8080", "app.example"), ("[2001:db8::1]:80", "[2001:db8::1]"), ("APP.example", "APP.example")],
)
def test_the_port_of_plain_http_is_left_out(play, host: str, name: str) -> None:
    assert play(Request("GET", "/a", host), POLICY).field("location") == f"https://{name}/a"


@pytest.mark.parametrize("host", ["app.example", "app.example:8080"])
def test_the_port_of_https_is_named_where_it_is_asked_for(play, host: str) -> None:
    policy = HttpsRedirect("test", with_port=True)
    assert play(Request("GET", "/a/", host), policy).field("location") == "https://app.example:443/a"


def test_the_bytes_of_the_path_stay_as_the_client_sent_them(play) -> None:
    assert play(Request("GET", "/%7euser/%2F/../x"), POLICY).field("location") == "https://app.example/%7euser/%2F/../x"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_any_method_is_redirected(play, method: str) -> None:
    assert play(Request(method, content=b"x"), POLICY).status == 308


def test_head_gets_the_fields_without_the_text(play) -> None:
    played = play(Request("HEAD", "/a"), POLICY)
    assert (played.status, played.field("location"), played.content) == (308, "https://app.example/a", b"")
    assert played.received.length == len("308 Permanent Redirect\n")


def test_without_a_host_there_is_nowhere_to_redirect_to(play) -> None:
    assert play(Request("GET", "/a", None, version="1.0"), POLICY).status == 400


def test_http_1_0_with_a_host_is_redirected(play) -> None:
    assert play(Request("GET", "/a", version="1.0"), POLICY).field("location") == "https://app.example/a"


def test_it_comes_before_other_redirects(play) -> None:
    policies = (Redirect("test", 302, host="other.example"), POLICY)
    request = Request("POST", "/a", content=b"12345")
    assert play(request, *policies).field("location") == "https://app.example/a"
    assert play(request, *policies, secure=True).field("location") == "https://other.example/a"


def test_a_body_that_is_too_large_comes_before_it(play) -> None:
    assert play(Request("POST", "/a", content=b"12345"), POLICY, BodyLimit("test", 1)).status == 413


def test_a_closed_route_redirects_nobody(play) -> None:
    assert play(Request(), POLICY, Closed("test", "its Secret is missing")).status == 503


def test_it_needs_no_endpoint(play) -> None:
    assert play(Request(), POLICY, endpoints=[]).status == 308


def test_it_carries_no_hsts_because_it_is_plain_http(play) -> None:
    """RFC 6797, section 7.2."""
    assert play(Request(), POLICY, Hsts("test", "max-age=1")).field("strict-transport-security") is None


def test_the_request_is_counted_under_its_route(scene) -> None:
    one = scene(POLICY, endpoints=[Endpoint()])
    one.play(Request())
    one.play(Request(), secure=True)
    assert one.counted() == {("web", 308): 1, ("web", 200): 1}
