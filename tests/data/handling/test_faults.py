"""Whose fault it is that an exchange cannot go on, and what is answered."""

from __future__ import annotations

import re

import pytest

from edge.data.handling import faults
from edge.data.net.errors import MessageError, PeerGone, ResponseError, StreamClosed, StreamTimeout
from edge.table.policies import Retry, Timeouts
from tests.support.play import HANGS_UP, NO_HTTP, RESETS, SILENT, Answer, Cut, Endpoint, Request, Scene
from tests.support.play.memory import ENDPOINT

ONCE = Retry("test", tries=1)
QUICK = Timeouts("test", read=0.3)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (MessageError(413, "too large"), 413),
        (ResponseError("no HTTP"), 502),
        (StreamTimeout("silent"), 408),
        (StreamTimeout("silent", ENDPOINT), 504),
        (StreamClosed("reset", ENDPOINT), 502),
        (StreamClosed("reset"), None),
        (PeerGone("gone", ENDPOINT), None),
    ],
)
def test_each_error_has_one_answer_and_none_where_the_client_is_gone(error, status: int | None) -> None:
    reply = faults.answer(error)
    assert (reply.status if reply is not None else None) == status


# --- the endpoint's ---------------------------------------------------------------------------------------------------

BROKEN = {
    "it hangs up": HANGS_UP,
    "it resets": RESETS,
    "it hangs up within the head": Answer(cut=Cut.HEAD),
    "it resets within the head": Answer(cut=Cut.HEAD, reset=True),
    "what it sends is no HTTP": NO_HTTP,
    "a field is malformed": Answer(raw=b"HTTP/1.1 200 OK\r\nNo Field\r\n\r\n"),
    "the length is malformed": Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"),
    "the status is malformed": Answer(raw=b"HTTP/1.1 20 OK\r\n\r\n"),
}


@pytest.mark.parametrize("script", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_an_endpoint_that_breaks_is_502(scene, script: Answer, method: str) -> None:
    one: Scene = scene(ONCE, endpoints=[Endpoint(script)])
    played = one.play(Request(method, content=b"x" if method == "POST" else b""))
    assert (played.status, played.whole, played.outcome.status) == (502, True, 502)
    assert played.content == (b"" if method == "HEAD" else b"502 Bad Gateway\n")
    assert (one.idle(), one.in_use()) == (0, 0)


@pytest.mark.parametrize("script", [SILENT, Answer(cut=Cut.HEAD, silent=True)], ids=["at all", "within the head"])
def test_an_endpoint_that_is_silent_is_504(scene, script: Answer) -> None:
    one: Scene = scene(ONCE, QUICK, endpoints=[Endpoint(script)])
    played = one.play(Request())
    assert (played.status, played.outcome.status) == (504, 504)
    assert (one.idle(), one.in_use()) == (0, 0)


@pytest.mark.parametrize("sized", [True, False], ids=["sized", "chunked"])
@pytest.mark.parametrize("how", ["ends", "resets", "is silent"])
def test_a_response_that_breaks_off_breaks_the_clients(scene, how: str, sized: bool) -> None:
    script = Answer(
        content=b"0123456789", sized=sized, cut=Cut.CONTENT, reset=how == "resets", silent=how == "is silent"
    )
    one: Scene = scene(QUICK, endpoints=[Endpoint(script)])
    played = one.play(Request())
    assert (played.status, played.whole, played.content) == (200, False, b"01234")
    assert played.outcome.status == 200
    assert (one.idle(), one.in_use()) == (0, 0)


def test_no_endpoint_is_503_before_the_client_is_asked_for_content(play) -> None:
    request = Request("POST", content=b"12345", stops=0, silent=True)
    played = play(request, endpoints=[], client_body_timeout=0.1)
    assert played.status == 503


def test_the_log_names_the_endpoint_the_request_and_the_reason(play, caplog) -> None:
    play(Request("GET", "/a?secret"), ONCE, endpoints=[Endpoint(NO_HTTP)])
    (line,) = [one.getMessage() for one in caplog.records if "no answer" in one.getMessage()]
    assert re.search(r"GET app\.example/a: endpoint 10\.0\.0\.1:80: (malformed status line|HTTP/2: a frame)", line)
    assert "secret" not in line


# --- the client's -----------------------------------------------------------------------------------------------------

SIZES = {"read as a whole": 20_000, "streamed": 200_000}


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("sized", [True, False], ids=["sized", "chunked"])
def test_a_client_that_stops_sending_is_408(scene, size: int, sized: bool) -> None:
    one: Scene = scene(endpoints=[Endpoint()], client_body_timeout=0.1)
    request = Request("POST", content=bytes(size), sized=sized, stops=size // 2, silent=True)
    played = one.play(request)
    assert (played.status, played.outcome.status) == (408, 408)
    assert not any(asked.whole for asked in played.asked)
    assert (one.idle(), one.in_use()) == (0, 0)


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_a_client_that_hangs_up_within_its_content_leaves_no_request_behind(scene, size: int) -> None:
    one: Scene = scene(endpoints=[Endpoint()])
    played = one.play(Request("POST", content=bytes(size), stops=size // 2))
    assert played.outcome.status in (400, 499)
    assert not any(asked.whole for asked in played.asked)
    assert (one.idle(), one.in_use()) == (0, 0)


def test_a_client_that_does_not_wait_for_the_response_is_499(scene) -> None:
    one: Scene = scene(endpoints=[Endpoint(Answer(after=5.0))])
    played = one.play(Request(leaves=True))
    assert (played.outcome.status, played.received.status) == (499, 0)
    assert one.counted() == {("web", 499): 1}
    assert (one.idle(), one.in_use()) == (0, 0)


def test_that_is_not_the_endpoints_fault(scene) -> None:
    one: Scene = scene(endpoints=[Endpoint(Answer(after=5.0), Answer())])
    one.play(Request(leaves=True))
    (target,) = one.planner.targets._known.values()
    assert (target.failures, target.breaks) == (0, 0)
