"""Responses are read ahead of slower clients (proxy-buffering, X-Accel-Buffering)."""

from __future__ import annotations

import errno
import os
from typing import Any

import gevent
import pytest

from edge.data.handling.sending import manner
from edge.data.http.h1._head import Head
from edge.data.net import spool
from edge.table.policies import ResponseBuffering, ResponseRate
from tests.support.play import Answer, Cut, Endpoint, Request, Scene
from tests.support.wire import REQUEST_LIMITS, Pieces

ON = ResponseBuffering("test", on=True)
NO_FILE = ResponseBuffering("test", on=True, file=0)
FRAMED = pytest.mark.parametrize("sized", [True, False], ids=["sized", "chunked"])
SIZES = [0, 5, 65536, 70_000, 3 << 20]


def body(size: int) -> bytes:
    return (bytes(range(251)) * (size // 251 + 1))[:size]


@FRAMED
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("policy", [ON, NO_FILE], ids=["file", "no file"])
def test_the_client_gets_all_of_it(play, policy: ResponseBuffering, size: int, sized: bool) -> None:
    trailers = () if sized else (("X-Sum", "abc"),)
    played = play(Request(), policy, endpoints=[Endpoint(Answer(content=body(size), sized=sized, trailers=trailers))])
    assert (played.status, played.content, played.whole) == (200, body(size), True)
    assert played.received.length == (size if sized else None)
    assert played.received.trailers == ([] if sized else [("x-sum", "abc")])
    assert played.outcome.content_sent == played.outcome.upstream_content == size


@pytest.mark.parametrize("status", [204, 304])
def test_a_response_without_content_has_none(play, status: int) -> None:
    assert play(Request(), ON, endpoints=[Endpoint(Answer(status))]).content == b""
    assert play(Request("HEAD"), ON).whole


def test_the_connection_is_used_again(scene) -> None:
    endpoint = Endpoint(Answer(content=body(300_000)))
    one: Scene = scene(ON, endpoints=[endpoint])
    for _ in range(3):
        assert one.play(Request()).content == body(300_000)
        assert one.idle() == 1
    assert endpoint.connections == 1


@FRAMED
def test_a_response_that_breaks_off_is_seen_to_do_so_behind_what_had_come(play, sized: bool) -> None:
    endpoints = [Endpoint(Answer(content=body(400_000), cut=Cut.CONTENT, sized=sized))]
    played = play(Request(), ON, endpoints=endpoints)
    assert not played.whole
    assert played.content == body(200_000)


# --- the endpoint is free before the client has everything ------------------------------------------------------------

SLOW = ResponseRate("test", 100_000, 50_000)
"""In place of a slow client."""


def left(scene, policy: ResponseBuffering, size: int, **answer: Any) -> int:
    """Bytes of a response of SIZE that the client does not have yet when the endpoint is free."""
    one: Scene = scene(policy, SLOW, endpoints=[Endpoint(Answer(content=body(size), **answer))])
    playing = gevent.spawn(one.play, Request())
    with gevent.Timeout(40):
        while not (one.idle() == 1 and one.in_flight() == 0):
            gevent.sleep(0.01)
    assert one._handler is not None
    sent = one._handler.exchange.outcome.upstream_content
    assert playing.get().content == body(size)
    return size - sent


@FRAMED
def test_a_slow_client_does_not_hold_the_endpoint(scene, sized: bool) -> None:
    assert left(scene, ON, 250_000, sized=sized) > 150_000


def test_without_it_it_does(scene) -> None:
    assert left(scene, ResponseBuffering("test"), 250_000) == 0


def test_memory_is_enough_for_what_is_not_larger(scene, monkeypatch) -> None:
    monkeypatch.setattr(spool.Spools, "file", None)  # whatever asks for one fails
    policy = ResponseBuffering("test", on=True, memory=300_000, file=0)
    assert left(scene, policy, 250_000) > 150_000


def test_what_does_not_fit_waits_at_the_endpoint(scene) -> None:
    """But for what fits into memory, and the piece that the client is just getting."""
    assert left(scene, NO_FILE, 250_000) <= 2 * 65536


def test_a_client_that_leaves_ends_the_request_at_the_endpoint(scene) -> None:
    one: Scene = scene(ON, endpoints=[Endpoint(Answer(content=body(100_000), cut=Cut.CONTENT, silent=True))])
    played = one.play(Request(leaves=True))
    assert not played.whole
    assert one.idle() == 0


# --- the disk ---------------------------------------------------------------------------------------------------------


def _fails(code: int) -> Any:
    def fail(*_: Any) -> None:
        raise OSError(code, os.strerror(code))

    return fail


def _full(*_: Any) -> None:
    raise spool.SpoolError(500, "no space left on device")


def test_a_full_disk_costs_no_response(scene, monkeypatch) -> None:
    one: Scene = scene(ON, SLOW, endpoints=[Endpoint(Answer(content=body(300_000)))])
    monkeypatch.setattr(spool.Spools, "run", _full)
    played = one.play(Request())
    assert (played.content, played.whole) == (body(300_000), True)


def test_what_cannot_be_read_back_breaks_the_response_off(scene, monkeypatch) -> None:
    one: Scene = scene(ON, SLOW, endpoints=[Endpoint(Answer(content=body(300_000)))])
    monkeypatch.setattr(spool.os, "preadv", _fails(errno.EIO))
    monkeypatch.setattr(spool.os, "pread", _fails(errno.EIO))
    assert not one.play(Request()).whole


# --- X-Accel-* --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Buffering", "Limit-Rate", "Expires", "Charset", "Redirect"])
def test_clients_do_not_get_these_fields(play, name: str) -> None:
    endpoints = [Endpoint(Answer(fields=((f"X-Accel-{name}", "x"), ("X-Other", "y"))))]
    played = play(Request(), endpoints=endpoints)
    assert (played.field(f"x-accel-{name}"), played.field("x-other")) == (None, "y")
    assert (played.status, played.content) == (200, b"hello")


def test_endpoints_get_those_of_clients(play) -> None:
    (asked,) = play(Request(fields=(("X-Accel-Buffering", "no"),))).asked
    assert asked.values("x-accel-buffering") == ["no"]


@pytest.mark.parametrize(("on", "word", "early"), [(False, "yes", True), (True, "no", False), (False, "Yes", True)])
def test_a_response_may_say_whether_it_is_read_ahead(scene, on: bool, word: str, early: bool) -> None:
    policy = ResponseBuffering("test", on=on)
    assert (left(scene, policy, 250_000, fields=(("X-Accel-Buffering", word),)) > 150_000) is early


@pytest.mark.parametrize(
    ("on", "fields", "after", "expected"),
    [
        (True, {b"x-accel-limit-rate": b"8192"}, 0, 2048),
        (True, {b"x-accel-limit-rate": b"8192"}, 100, 2048),
        (True, {b"x-accel-limit-rate": b"0"}, 100, None),
        (True, {b"x-accel-limit-rate": b"off"}, 100, 25_000),
        (True, {b"x-accel-expires": b"60"}, 100, 25_000),
        (False, {b"x-accel-limit-rate": b"8192"}, 0, None),
        (False, {b"x-accel-limit-rate": b"8192", b"x-accel-buffering": b"yes"}, 0, 2048),
    ],
)
def test_a_response_that_is_read_ahead_may_set_its_own_rate(
    scene, on: bool, fields: dict[bytes, bytes], after: int, expected: int | None
) -> None:
    """Of which a piece is a quarter of a second's."""
    one: Scene = scene(ResponseBuffering("test", on=on), *((ResponseRate("test", 100_000, after),) if after else ()))
    request, response = Head(), Head()
    request.read_request(Pieces([b"GET / HTTP/1.1\r\nHost: app.example\r\n\r\n"]), REQUEST_LIMITS)
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in fields.items())
    response.read_response(Pieces([b"HTTP/1.1 200 OK\r\n" + lines + b"\r\n"]), REQUEST_LIMITS)
    plan = one.router.match(request)
    assert plan is not None
    _, pace = manner(plan, response)
    assert (pace.piece if pace is not None else None) == expected
    assert pace is None or pace.after == after
