"""The end of a connection that Edge has towards endpoints, without a socket: what they may send, what comes of it."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from edge.data.http._fields import Limits
from edge.data.http._message import NO_CONTENT, Outgoing
from edge.data.http.h1._head import Head
from edge.data.http.h2 import _session as s
from edge.data.http.h2._client import ClientSession, new_stream
from edge.data.http.h2.errors import ErrorCode, Http2Error
from tests.support.frames import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    PING,
    PREFACE,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    Frame,
    data,
    fields_of,
    frame,
    frames,
    headers,
    number,
    settings,
)
from tests.support.wire import REQUEST_LIMITS, Pieces

OK = ((":status", "200"),)
NAMES = {
    s.HEAD_COME: "head",
    s.DATA_COME: "data",
    s.MESSAGE_ENDED: "ended",
    s.STREAM_RESET: "reset",
    s.WINDOW_OPEN: "window",
    s.PEER_LEAVING: "leaving",
}


def outgoing(method: bytes = b"GET", length: int = NO_CONTENT) -> Outgoing:
    head = Head()
    head.read_request(Pieces([method + b" /a HTTP/1.1\r\nHost: app.example\r\n\r\n"]), REQUEST_LIMITS)
    made = Outgoing(head)
    made.method, made.target, made.host, made.length = head.method, head.target, head.host, length
    return made


class Outcome(NamedTuple):
    """Of what an endpoint has sent: events with their streams, content, the error, and what Edge sends."""

    events: list[tuple[str, int]]
    content: bytes
    error: ErrorCode | None
    sent: list[Frame]
    session: ClientSession
    streams: list[s.H2Stream]

    @property
    def resets(self) -> list[tuple[int, int]]:
        return [(one.stream, one.code) for one in self.sent if one.kind == RST_STREAM]


def fed(
    *sent: bytes, start: bytes = settings(), requests: int = 1, method: bytes = b"GET", end: bool = True
) -> Outcome:
    """The outcome of START and SENT, after so many REQUESTS with METHOD; END: they have no content."""
    session = ClientSession(Limits(), 100)
    session.begin(0)
    streams = [new_stream() for _ in range(requests)]
    for stream in streams:
        session.open(stream, outgoing(method), b"http", end)
    session.out.take()
    source, events, content, error = Pieces([start, *sent]), [], b"", None
    try:
        while True:
            event = session.next(source)
            if event == s.NO_EVENT:
                if not source.fill():
                    break
                continue
            events.append((NAMES[event], session.stream.id if session.stream is not None else 0))
            if event == s.DATA_COME:
                content += source.take(session.count)
                session.consumed(session.stream, session.count)
            elif event == s.HEAD_COME and not session.stream.answered:
                session.renew(session.stream)
    except Http2Error as fault:
        error = fault.code
    return Outcome(events, content, error, frames(session.out.take()), session, streams)


# --- what it says -----------------------------------------------------------------------------------------------------


def test_it_begins_with_the_preface_and_wants_no_push() -> None:
    session = ClientSession(Limits(), 100)
    session.begin(0)
    said = session.out.take()
    assert said.startswith(PREFACE)
    first, window = frames(said[len(PREFACE) :])
    assert (first.kind, first.payload[:6]) == (SETTINGS, b"\x00\x02" + number(0))
    assert window.kind == WINDOW_UPDATE


def test_streams_have_odd_numbers_and_those_of_requests_without_content_end() -> None:
    session = ClientSession(Limits(), 100)
    for end in (True, False):
        session.open(new_stream(), outgoing(), b"https", end)
    one, other = frames(session.out.take())
    assert (one.stream, one.flags, other.stream, other.flags) == (1, END_HEADERS | END_STREAM, 3, END_HEADERS)
    expected = {":method": "GET", ":scheme": "https", ":authority": "app.example", ":path": "/a"}
    assert dict(fields_of(one)) == expected


@pytest.mark.parametrize("method", [b"GET", b"POST", b"PUT", b"PROPFIND"])
def test_any_method_is_said(method: bytes) -> None:
    session = ClientSession(Limits(), 100)
    session.open(new_stream(), outgoing(method), b"http", True)
    (one,) = frames(session.out.take())
    assert dict(fields_of(one))[":method"] == method.decode()


# --- responses --------------------------------------------------------------------------------------------------------


def test_a_response_with_trailers() -> None:
    outcome = fed(headers(1, OK, end=False), data(1, b"text"), headers(1, (("grpc-status", "0"),)))
    assert outcome.events == [("head", 1), ("data", 1), ("ended", 1)]
    assert (outcome.content, len(outcome.session.streams)) == (b"text", 0)
    trailers = outcome.streams[0].trailers
    assert trailers is not None
    assert trailers.items() == [(b"grpc-status", b"0")]


def test_interim_responses_come_before_the_final_one() -> None:
    early = headers(1, ((":status", "103"), ("link", "x")), end=False)
    outcome = fed(early, early, headers(1, OK))
    assert outcome.events == [("head", 1)] * 3
    assert outcome.streams[0].head.status == 200


def test_a_head_says_what_that_of_http_1_would() -> None:
    fields = (*OK, ("content-length", "0"), ("date", "now"), ("x-accel-buffering", "no"))
    head = fed(headers(1, fields)).streams[0].head
    assert (head.version, head.reason, head.length, head.accel, head.missing()) == (20, b"OK", 0, True, 2)


@pytest.mark.parametrize(("method", "length"), [(b"HEAD", "10"), (b"GET", "0")])
def test_the_length_of_what_is_not_sent_is_no_error(method: bytes, length: str) -> None:
    assert fed(headers(1, (*OK, ("content-length", length))), method=method).events == [("head", 1)]


@pytest.mark.parametrize(
    "sent",
    [
        headers(1, ((":status", "103"),)),
        headers(1, (*OK, ("content-length", "1"))),
        headers(1, (*OK, ("connection", "close")), end=False),
        headers(1, OK, end=False) + headers(1, OK),
        headers(1, OK, end=False) + headers(1, (("x-a", "1"),), end=False),
        headers(1, (*OK, ("content-length", "1")), end=False) + data(1, b"ab"),
        headers(1, ((":status", "204"),), end=False) + data(1, b"a"),
    ],
)
def test_a_malformed_one_resets_its_stream(sent: bytes) -> None:
    outcome = fed(sent, headers(3, OK), requests=2)
    assert outcome.resets == [(1, ErrorCode.PROTOCOL_ERROR)]
    assert outcome.streams[0].faulty
    assert outcome.events[-1] == ("head", 3)


def test_what_comes_for_a_stream_that_was_reset_is_ignored() -> None:
    session = ClientSession(Limits(), 100)
    stream = new_stream()
    session.open(stream, outgoing(), b"http", True)
    session.reset(stream, ErrorCode.CANCEL)
    source = Pieces([settings() + headers(1, OK, end=False) + data(1, b"x" * 100) + frame(RST_STREAM, 0, 1, number(0))])
    source.fill()
    assert session.next(source) == s.NO_EVENT
    assert len(source) == 0


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (headers(3, OK), ErrorCode.PROTOCOL_ERROR),
        (headers(2, OK), ErrorCode.PROTOCOL_ERROR),
        (data(3, b"x"), ErrorCode.PROTOCOL_ERROR),
        (frame(RST_STREAM, 0, 3, number(0)), ErrorCode.PROTOCOL_ERROR),
        (frame(PUSH_PROMISE, END_HEADERS, 1, number(2)), ErrorCode.PROTOCOL_ERROR),
        (frame(CONTINUATION, END_HEADERS, 1), ErrorCode.PROTOCOL_ERROR),
        (settings(s2=1), ErrorCode.PROTOCOL_ERROR),
        (frame(DATA, 0, 1, b"") * 3000, ErrorCode.ENHANCE_YOUR_CALM),
        (frame(PING, payload=b"12345678") * 3000, ErrorCode.ENHANCE_YOUR_CALM),
        (b"HTTP/1.1 400 Bad Request\r\n", ErrorCode.FRAME_SIZE_ERROR),
    ],
)
def test_errors_of_the_connection(sent: bytes, code: ErrorCode) -> None:
    assert fed(sent).error == code


def test_pings_between_messages_are_no_flood() -> None:
    """As servers of gRPC send them, to find out how much is under way."""
    ping = frame(PING, payload=b"12345678") + frame(WINDOW_UPDATE, payload=number(10))
    outcome = fed(headers(1, OK, end=False), *([data(1, b"message") + ping] * 5000))
    assert (outcome.error, outcome.content) == (None, b"message" * 5000)


# --- how many, and until when -----------------------------------------------------------------------------------------


def test_no_more_streams_than_the_endpoint_allows() -> None:
    assert fed(settings(s3=3), requests=2).session.room() == 1
    assert fed(settings(s3=1), requests=2).session.room() < 0
    assert fed(requests=2).session.room() == 98


def test_a_goaway_tells_which_streams_were_not_looked_at() -> None:
    outcome = fed(frame(GOAWAY, payload=number(3) + number(0)), headers(1, OK), requests=4)
    assert outcome.events == [("leaving", 0), ("head", 1)]
    assert [stream.id for stream in outcome.session.refused] == [5, 7]
    assert outcome.session.room() == 0


def test_a_reset_says_why() -> None:
    outcome = fed(frame(RST_STREAM, 0, 1, number(ErrorCode.REFUSED_STREAM)))
    assert (outcome.events, outcome.streams[0].code) == ([("reset", 1)], ErrorCode.REFUSED_STREAM)
    assert not outcome.streams[0].faulty


def test_a_ping_is_answered_and_an_answer_is_no_event() -> None:
    outcome = fed(frame(PING, payload=b"12345678"), frame(PING, ACK, payload=b"is there"))
    assert outcome.events == []
    assert [(one.flags, one.payload) for one in outcome.sent if one.kind == PING] == [(ACK, b"12345678")]


def test_the_window_of_a_stream_is_what_the_endpoint_has_set() -> None:
    outcome = fed(settings(s4=10), frame(WINDOW_UPDATE, 0, 1, number(5)), end=False)
    session, stream = outcome.session, outcome.streams[0]
    assert session.send(stream, b"x" * 100, 0, True) == 15
    assert session.send(stream, b"x" * 85, 0, True) == 0
    (sent,) = frames(session.out.take())
    assert (sent.kind, len(sent.payload)) == (DATA, 15)
