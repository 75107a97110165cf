"""Requests with a body above the limit are answered 413 (proxy-body-size of ingress-nginx)."""

from __future__ import annotations

import pytest

from edge.data.routing.plan import WHOLE_CONTENT
from edge.table.policies import BasicAuth, BodyLimit, Redirect, RequestBuffering, SourceRanges
from edge.table.policies.policy import Policy
from tests.support.play import Answer, Endpoint, Request, Scene

LIMIT = 1000
LARGE = 2 * WHOLE_CONTENT
"""What is not read as a whole before an endpoint is asked."""


def post(size: int, *, sized: bool = True) -> Request:
    return Request("POST", "/upload", content=bytes(size), sized=sized)


@pytest.mark.parametrize("limit", [LIMIT, LARGE])
@pytest.mark.parametrize("sized", [True, False], ids=["sized", "chunked"])
def test_a_body_of_just_the_limit_passes(play, limit: int, sized: bool) -> None:
    played = play(post(limit, sized=sized), BodyLimit("test", limit))
    assert played.status == 200
    assert len(played.asked[0].content) == limit
    assert played.asked[0].whole


@pytest.mark.parametrize("limit", [LIMIT, LARGE])
def test_an_announced_body_above_it_is_refused_before_any_endpoint_is_asked(play, limit: int) -> None:
    played = play(post(limit + 1), BodyLimit("test", limit))
    assert (played.status, played.asked) == (413, [])


def test_that_needs_no_byte_of_the_body(play) -> None:
    request = Request("POST", "/upload", content=bytes(LIMIT + 1), stops=0, silent=True)
    assert play(request, BodyLimit("test", LIMIT), client_body_timeout=0.1).status == 413


@pytest.mark.parametrize("limit", [LIMIT, LARGE])
def test_a_body_of_unknown_length_is_refused_when_it_passes_the_limit(scene, limit: int) -> None:
    played = scene(BodyLimit("test", limit)).play(post(limit + 1, sized=False))
    assert (played.status, played.asked) == (413, []), "no endpoint is asked before the whole body has come"


@pytest.mark.parametrize("limit", [LIMIT, LARGE])
def test_where_it_goes_to_the_endpoint_as_it_comes_that_gets_no_more_of_it(scene, limit: int) -> None:
    one = scene(BodyLimit("test", limit), RequestBuffering("test", 0))
    played = one.play(post(limit + 70000, sized=False))
    assert played.status == 413
    assert not any(asked.whole for asked in played.asked)
    assert all(len(asked.content) <= limit for asked in played.asked)


def test_the_limit_is_a_mebibyte_by_default(play) -> None:
    for sized in (True, False):
        assert play(post(1 << 20, sized=sized)).status == 200
        assert play(post((1 << 20) + 1, sized=sized)).status == 413


def test_with_0_any_body_passes(play) -> None:
    for sized in (True, False):
        played = play(post(3_000_000, sized=sized), BodyLimit("test", 0))
        assert (played.status, len(played.asked[0].content)) == (200, 3_000_000)


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_a_request_without_a_body_passes(play, method: str) -> None:
    assert play(Request(method), BodyLimit("test", 1)).status == 200


def test_http_1_0_is_bound_by_it_too(play) -> None:
    assert play(Request("POST", content=b"12", version="1.0"), BodyLimit("test", 1)).status == 413


def test_it_does_not_limit_responses(play) -> None:
    played = play(Request(), BodyLimit("test", 1), endpoints=[Endpoint(Answer(content=bytes(5000)))])
    assert (played.status, len(played.content)) == (200, 5000)


GATES = {
    "a redirect": (Redirect("test", 301, host="a.example"), 301),
    "a list of clients": (SourceRanges("test", ("0.0.0.0/0",)), 403),
    "authentication": (BasicAuth("test", "shop", ()), 401),
}


@pytest.mark.parametrize(("gate", "status"), GATES.values(), ids=GATES)
def test_an_announced_body_above_it_is_refused_before_any_gate(play, gate: Policy, status: int) -> None:
    """nginx compares it when it has found the location."""
    assert play(post(LIMIT + 1), BodyLimit("test", LIMIT), gate).status == 413
    assert play(post(LIMIT), BodyLimit("test", LIMIT), gate).status == status


@pytest.mark.parametrize(("gate", "status"), GATES.values(), ids=GATES)
def test_a_body_of_unknown_length_is_not_read_before_a_gate_lets_it_pass(play, gate: Policy, status: int) -> None:
    assert play(post(LIMIT + 1, sized=False), BodyLimit("test", LIMIT), gate).status == status


def test_a_refused_request_is_not_the_endpoints_fault(scene) -> None:
    one: Scene = scene(BodyLimit("test", LIMIT), RequestBuffering("test", 0), endpoints=[Endpoint()])
    assert one.play(post(LIMIT + 70000, sized=False)).status == 413
    assert one.play(Request()).status == 200
    (target,) = one.planner.targets._known.values()
    assert (target.failures, target.breaks) == (0, 0)
