"""A route whose guard cannot be applied is closed: every request is answered 503."""

from __future__ import annotations

import pytest

from edge.table.policies import Closed, HttpsRedirect, Redirect, ResponseHeaders
from tests.support.play import Request, route

POLICY = Closed("test", "its Secret is missing")


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
def test_every_request_is_answered_503_and_no_endpoint_is_asked(play, method: str) -> None:
    played = play(Request(method, "/any?thing", content=b"x" if method == "POST" else b""), POLICY)
    assert (played.status, played.asked, played.whole) == (503, [], True)


def test_it_does_not_matter_how_the_client_came(play) -> None:
    assert play(Request(), POLICY, secure=True).status == 503
    assert play(Request(host=None, version="1.0"), POLICY).status == 503


def test_the_reason_is_not_for_clients(play) -> None:
    played = play(Request(), POLICY)
    assert b"Secret" not in played.content
    assert "Secret" not in str(played.received.fields)


def test_it_comes_before_every_other_gate(play) -> None:
    others = (HttpsRedirect("test"), Redirect("test", host="other.example"))
    played = play(Request("POST", content=b"12345"), *others, POLICY, ResponseHeaders("test", set=(("X-A", "1"),)))
    assert (played.status, played.field("location"), played.field("x-a")) == (503, None, None)


def test_the_other_routes_of_the_host_are_served(scene) -> None:
    one = scene(routes=(route("/"), route("/guarded", POLICY)))
    assert [one.play(Request("GET", target)).status for target in ("/", "/guarded", "/guarded/x", "/guardedx")] == [
        200,
        503,
        503,
        200,
    ]


def test_such_requests_are_counted_under_the_route(scene) -> None:
    one = scene(POLICY)
    one.play(Request())
    assert one.counted() == {("web", 503): 1}
