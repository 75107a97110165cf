"""One connection of HTTP/2 without a socket (RFC 9113): what a client may send, and what comes of it."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, NamedTuple

import pytest

from edge.data.http._fields import Limits
from edge.data.http.h2 import _session as s
from edge.data.http.h2.errors import ErrorCode, Http2Error
from tests.support.frames import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GET,
    GOAWAY,
    HEADERS,
    PADDED,
    PING,
    POST,
    PREFACE,
    PRIORITIZED,
    PRIORITY,
    PRIORITY_UPDATE,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    Frame,
    block,
    data,
    frame,
    frames,
    headers,
    number,
    settings,
)
from tests.support.wire import Pieces, single, torn

if TYPE_CHECKING:
    from edge.data.http.h2._streams import H2Stream

START = PREFACE + settings()
NAMES = {
    s.HEAD_COME: "head",
    s.HEAD_FAULTY: "faulty",
    s.DATA_COME: "data",
    s.MESSAGE_ENDED: "ended",
    s.STREAM_RESET: "reset",
    s.WINDOW_OPEN: "window",
    s.ALL_COME: "drained",
}


def pieces(text: bytes) -> list[bytes]:
    return [text[at : at + 30000] for at in range(0, len(text), 30000)]


class Outcome(NamedTuple):
    """Of what a client has sent."""

    events: list[tuple[str, int]]
    content: bytes
    error: ErrorCode | None
    """Of the connection."""
    sent: list[Frame]
    streams: dict[int, H2Stream]

    @property
    def resets(self) -> list[tuple[int, int]]:
        """Streams that this side has reset, and why."""
        return [(one.stream, one.code) for one in self.sent if one.kind == RST_STREAM]


def fed(*sent: bytes, start: bytes = START, most: int = 100, limits: Limits | None = None, cut=pieces) -> Outcome:
    """The outcome of START and SENT."""
    session = s.Session([], limits or Limits(), most)
    session.begin(0)
    source = Pieces(cut(start + b"".join(sent)))
    events, content, error, streams = [], b"", None, {}
    try:
        while True:
            event = session.next(source)
            if event == s.NO_EVENT:
                if not source.fill():
                    break
                continue
            stream = session.stream
            events.append((NAMES[event], stream.id if stream is not None else 0))
            if stream is not None:
                streams[stream.id] = stream
            if event == s.DATA_COME:
                content += source.take(session.count)
                session.consumed(stream, session.count)
    except Http2Error as fault:
        error = fault.code
    return Outcome(events, content, error, frames(session.out.take()), streams)


# --- requests ---------------------------------------------------------------------------------------------------------


def test_a_request_without_content() -> None:
    outcome = fed(headers(1, (*GET, ("x-a", "1"))))
    assert outcome.events == [("head", 1)]
    head = outcome.streams[1].head
    assert (head.method, head.target, head.host, head.version) == (b"GET", b"/", b"app.example", 20)
    assert head.get(b"x-a") == b"1"
    assert outcome.streams[1].remote_ended


def test_a_request_with_content_and_trailers() -> None:
    outcome = fed(headers(1, POST, end=False), data(1, b"ab"), data(1, b"cd"), headers(1, (("x-sum", "1"),)))
    assert outcome.events == [("head", 1), ("data", 1), ("data", 1), ("ended", 1)]
    assert outcome.content == b"abcd"
    assert outcome.streams[1].trailers.get(b"x-sum") == b"1"


def test_trailers_stay_what_they_are_when_their_stream_is_used_again() -> None:
    spares: list[H2Stream] = []
    session = s.Session(spares, Limits(), 100)
    session.begin(0)
    calls = [headers(one, POST, end=False) + headers(one, (("x-sum", str(one)),)) for one in (1, 3)]
    source = Pieces([START, *calls])
    kept = []
    while source.fill():
        while event := session.next(source):
            if event == s.MESSAGE_ENDED:
                stream = session.stream
                kept.append(stream.trailers)
                session.reply(stream, 200, b"", -1, True)
                session.done(stream)
                spares.append(stream)
    assert len(spares) == 1
    assert [one.get(b"x-sum") for one in kept] == [b"1", b"3"]


def test_streams_are_open_at_a_time_whatever_their_numbers() -> None:
    numbers = [1, 3, 33, 513, 1025, 1537]
    posts = [headers(one, POST, end=False) for one in numbers]
    outcome = fed(*posts, frame(RST_STREAM, 0, 513, number(8)), *(data(one, b"x", end=True) for one in numbers))
    assert outcome.events[6:] == [("reset", 513), *(("data", one) for one in numbers if one != 513)]
    assert all(outcome.streams[one].remote_ended == (one != 513) for one in numbers)


def test_padding_is_no_content() -> None:
    sent = (
        headers(1, POST, end=False),
        data(1, b"\x03abc\0\0\0", flags=PADDED),
        data(1, b"\x00d", end=True, flags=PADDED),
    )
    outcome = fed(*sent)
    assert (outcome.content, outcome.error) == (b"abcd", None)
    assert outcome.streams[1].remote_ended


@pytest.mark.parametrize("seed", range(10))
def test_it_does_not_matter_how_bytes_arrive(seed: int) -> None:
    sent = [
        headers(1, POST, end=False),
        frame(PING, payload=b"12345678"),
        data(1, b"\x05" + bytes(3000) + b"\0\0\0\0\0", flags=PADDED),
        frame(HEADERS, END_STREAM, 3, block(GET)[:7]),
        frame(CONTINUATION, END_HEADERS, 3, block(GET)[7:]),
        frame(99, 0, 1, b"unknown"),
        data(1, b"x", end=True),
    ]
    expected = fed(*sent)
    for cut in (single, lambda text: torn(text, seed)):
        outcome = fed(*sent, cut=cut)
        assert (outcome.content, outcome.error, outcome.sent) == (expected.content, None, expected.sent)
        assert [one for one in outcome.events if one[0] != "data"] == [
            one for one in expected.events if one[0] != "data"
        ]


def test_cookies_come_in_crumbs() -> None:
    crumbs = (("cookie", "a=1"), ("x", "y"), ("cookie", "b=2"), ("cookie", "c=3"))
    assert fed(headers(1, GET + crumbs)).streams[1].head.get(b"cookie") == b"a=1; b=2; c=3"


def test_a_host_field_takes_the_place_of_authority() -> None:
    assert fed(headers(1, (*GET[:3], ("host", "other.example")))).streams[1].head.host == b"other.example"
    assert fed(headers(1, (*GET, ("host", "APP.example")))).streams[1].head.host == b"app.example"


def test_an_extended_connect_becomes_an_upgrade() -> None:
    fields = ((":method", "CONNECT"), (":protocol", "websocket"), *GET[1:], ("sec-websocket-version", "13"))
    head = fed(headers(1, fields, end=False)).streams[1].head
    assert (head.method, head.upgrade, head.get(b"upgrade")) == (b"GET", True, b"websocket")
    assert len(head.get(b"sec-websocket-key")) == 24


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("u=1", (1, False)),
        ("i", (3, True)),
        ("u=7, i", (7, True)),
        ("u=9,i=?0", (3, False)),
        ("u=2;x, a=1,i=?1", (3, True)),
    ],
)
def test_the_priority_of_a_request_is_read(value: str, expected: tuple[int, bool]) -> None:
    head = fed(headers(1, (*GET, ("priority", value)))).streams[1].head
    assert (head.urgency, head.incremental) == expected


def test_a_priority_may_change() -> None:
    update = frame(PRIORITY_UPDATE, payload=number(1) + b"u=0, i")
    head = fed(headers(1, POST, end=False), update).streams[1].head
    assert (head.urgency, head.incremental) == (0, True)


# --- errors of a stream -----------------------------------------------------------------------------------------------

MALFORMED = {
    "a name with a capital": (*GET, ("X-A", "1")),
    "a name that is no token": (*GET, ("x a", "1")),
    "no name": (*GET, ("", "1")),
    "a value with LF": (*GET, ("x-a", "1\n2")),
    "a value with CR": (*GET, ("x-a", "1\r2")),
    "a value with NUL": (*GET, ("x-a", "1\0002")),
    "a value that begins with a space": (*GET, ("x-a", " 1")),
    "a value that ends with a tab": (*GET, ("x-a", "1\t")),
    "connection": (*GET, ("connection", "keep-alive")),
    "keep-alive": (*GET, ("keep-alive", "timeout=1")),
    "proxy-connection": (*GET, ("proxy-connection", "close")),
    "transfer-encoding": (*GET, ("transfer-encoding", "chunked")),
    "upgrade": (*GET, ("upgrade", "websocket")),
    "te other than trailers": (*GET, ("te", "gzip")),
    "no method": GET[1:],
    "no scheme": (GET[0], *GET[2:]),
    "no path": (*GET[:2], GET[3]),
    "an empty path": (*GET[:2], (":path", ""), GET[3]),
    "a method twice": (GET[0], *GET),
    "a path twice": (*GET, (":path", "/x")),
    "an authority twice": (*GET, (":authority", "app.example")),
    "an unknown pseudo-field": (*GET, (":other", "1")),
    "a pseudo-field of responses": (*GET, (":status", "200")),
    "a pseudo-field behind a field": (*GET[:3], ("x-a", "1"), GET[3]),
    "a path with LF": (*GET[:2], (":path", "/\r\nX: y"), GET[3]),
    "an authority with LF": (*GET[:3], (":authority", "a\r\nX: y")),
    "host and authority that disagree": (*GET, ("host", "other.example")),
    "two hosts": (*GET, ("host", "app.example"), ("host", "app.example")),
    "content-length without content": (*GET, ("content-length", "1")),
    "two content-lengths": (*GET, ("content-length", "0"), ("content-length", "0")),
    "a protocol without CONNECT": (*GET, (":protocol", "websocket")),
}


@pytest.mark.parametrize("fields", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_request_is_an_error_of_its_stream(fields) -> None:
    outcome = fed(headers(1, fields), headers(3))
    assert (outcome.events, outcome.error) == ([("faulty", 1), ("head", 3)], None)
    assert outcome.resets == [(1, ErrorCode.PROTOCOL_ERROR)]
    assert outcome.streams[1].head.malformed


ANSWERED = {
    "a method of small letters": ((":method", "get"), *GET[1:], 400),
    "a method that is too long": ((":method", "A" * 33), *GET[1:], 400),
    "CONNECT": ((":method", "CONNECT"), (":authority", "a:1"), 405),
    "TRACE": ((":method", "TRACE"), *GET[1:], 405),
    "an asterisk": ((":method", "OPTIONS"), GET[1], (":path", "*"), GET[3], 400),
    "an absolute target": (*GET[:2], (":path", "http://a/"), GET[3], 400),
    "a path with a space": (*GET[:2], (":path", "/a b"), GET[3], 400),
    "a path with a bad encoding": (*GET[:2], (":path", "/%zz"), GET[3], 400),
    "a path with an encoded NUL": (*GET[:2], (":path", "/%00"), GET[3], 400),
    "another scheme": (GET[0], (":scheme", "ftp"), *GET[2:], 400),
    "a long path": (*GET[:2], (":path", "/" + "a" * 8192), GET[3], 414),
    "no host": (*GET[:3], 400),
    "an empty authority": (*GET[:3], (":authority", ""), 400),
    "userinfo": (*GET[:3], (":authority", "a@b"), 400),
    "a port that is none": (*GET[:3], (":authority", "a:99999"), 400),
    "an expectation": (*GET, ("expect", "more"), 417),
    "a content-length that is no number": (*GET, ("content-length", "+1"), 400),
    "many fields": (*GET, *(("x", "y"),) * 129, 431),
    "a large head": (*GET, ("x", "y" * 33000), 431),
    "a protocol that is not known": ((":method", "CONNECT"), (":protocol", "other"), *GET[1:], 501),
}


@pytest.mark.parametrize("case", ANSWERED.values(), ids=ANSWERED)
def test_what_http_1_answers_with_a_status_is_answered_so(case) -> None:
    *fields, status = case
    text = block(fields)
    sent = [frame(HEADERS, 0, 1, text[:16000]), frame(CONTINUATION, 0, 1, text[16000:32000])]
    outcome = fed(*sent, frame(CONTINUATION, END_HEADERS, 1, text[32000:]), headers(3))
    assert (outcome.events, outcome.error, outcome.resets) == ([("faulty", 1), ("head", 3)], None, [])
    assert outcome.streams[1].head.fault == status
    assert outcome.streams[1].head.method == b""


SIZED = (*POST, ("content-length", "3"))
OF_STREAMS = {
    "less content than announced": ([headers(1, SIZED, end=False), data(1, b"ab", end=True)], 1),
    "more content than announced": ([headers(1, SIZED, end=False), data(1, b"abcd")], 1),
    "trailers before the announced content": ([headers(1, SIZED, end=False), headers(1, (("x", "y"),))], 1),
    "a second head that does not end": ([headers(1, POST, end=False), headers(1, (("x", "y"),), end=False)], 1),
    "trailers with a pseudo-field": ([headers(1, POST, end=False), headers(1, ((":path", "/"),))], 1),
    "trailers with a field of the connection": ([headers(1, POST, end=False), headers(1, (("connection", "x"),))], 1),
    "DATA behind the end": ([headers(1), data(1, b"a")], 5),
    "HEADERS behind the end": ([headers(1), headers(1)], 5),
    "a window that grows by nothing": ([headers(1), frame(WINDOW_UPDATE, 0, 1, number(0))], 1),
    "a window that is too large": ([headers(1), frame(WINDOW_UPDATE, 0, 1, number(0x7FFFFFFF))], 3),
    "a stream that depends on itself": ([headers(1, flags=END_HEADERS | PRIORITIZED, before=number(1) + b"\0")], 1),
    "PRIORITY of another size": ([headers(1), frame(PRIORITY, 0, 1, b"1234")], 6),
}


@pytest.mark.parametrize(("sent", "code"), OF_STREAMS.values(), ids=OF_STREAMS)
def test_an_error_of_a_stream_ends_that_stream_alone(sent: list[bytes], code: int) -> None:
    outcome = fed(*sent, headers(3))
    assert (outcome.error, outcome.resets) == (None, [(1, code)])
    assert outcome.events[-1] == ("head", 3)
    assert outcome.streams[1].closed


def test_more_content_than_the_window_is_an_error_of_the_stream() -> None:
    session = s.Session([], Limits(), 100)
    session.begin(0)
    source = Pieces([START + headers(1, POST, end=False), *[data(1, bytes(16000))] * 5, headers(3)])
    events = []
    while True:
        event = session.next(source)
        if event == s.DATA_COME:
            source.take(session.count)  # and keeps it
        elif event:
            events.append((NAMES[event], session.stream.id))
        elif not source.fill():
            break
    assert events == [("head", 1), ("reset", 1), ("head", 3)]
    assert (1, ErrorCode.FLOW_CONTROL_ERROR) in [
        (one.stream, one.code) for one in frames(session.out.take()) if one.kind == RST_STREAM
    ]


def test_streams_above_the_limit_are_refused_and_their_blocks_read() -> None:
    get = b"\x82\x86\x84\x01\x01h"  # by the static table
    encoded = frame(HEADERS, END_HEADERS | END_STREAM, 3, get + b"\x40\x01a\x01b")
    again = frame(HEADERS, END_HEADERS | END_STREAM, 5, get + b"\xbe")
    outcome = fed(headers(1), encoded, most=1)
    assert (outcome.events, outcome.resets) == ([("head", 1)], [(3, ErrorCode.REFUSED_STREAM)])
    assert fed(encoded, again).streams[5].head.get(b"a") == b"b"


# --- errors of the connection -----------------------------------------------------------------------------------------

OF_CONNECTIONS = {
    "an idle stream gets DATA": ([data(1, b"x")], 1),
    "an idle stream is reset": ([frame(RST_STREAM, 0, 1, number(8))], 1),
    "an idle stream gets a window": ([frame(WINDOW_UPDATE, 0, 1, number(8))], 1),
    "DATA of the connection": ([data(0, b"x")], 1),
    "HEADERS of the connection": ([headers(0)], 1),
    "an even number": ([headers(2)], 1),
    "a number that goes down": ([headers(5), headers(3)], 1),
    "a number that goes down behind others": ([headers(1), headers(7), headers(9), headers(5)], 1),
    "HEADERS of a stream that was reset": ([headers(3), frame(RST_STREAM, 0, 3, number(8)), headers(3)], 5),
    "CONTINUATION of nothing": ([frame(CONTINUATION, END_HEADERS, 1, block(GET))], 1),
    "a head that is interrupted": ([headers(1, flags=0), frame(PING, payload=bytes(8))], 1),
    "a head that another stream continues": ([headers(1, flags=0), frame(CONTINUATION, 4, 3, b"")], 1),
    "a head that an unknown frame interrupts": ([headers(1, flags=0), frame(99)], 1),
    "a block that is malformed": ([frame(HEADERS, END_HEADERS, 1, b"\x80")], 9),
    "more padding than frame": ([headers(1, POST, end=False), data(1, b"\x05abc", flags=PADDED)], 1),
    "a head with more padding than frame": ([frame(HEADERS, END_HEADERS | PADDED, 1, b"\xff" + block(GET))], 1),
    "a frame that is too large": ([frame(99, payload=bytes(16385))], 6),
    "PING of another size": ([frame(PING, payload=bytes(7))], 6),
    "PING of a stream": ([headers(1), frame(PING, 0, 1, bytes(8))], 1),
    "SETTINGS of another size": ([frame(SETTINGS, payload=bytes(5))], 6),
    "SETTINGS of a stream": ([frame(SETTINGS, 0, 1)], 1),
    "an acknowledgement with settings": ([frame(SETTINGS, ACK, 0, bytes(6))], 6),
    "push that is neither on nor off": ([settings(s2=2)], 1),
    "an initial window that is too large": ([settings(s4=0x80000000)], 3),
    "an initial window that makes one too large": (
        [headers(1, POST, end=False), frame(WINDOW_UPDATE, 0, 1, number(0x7FFF0000)), settings(s4=0x7FFFFFFF)], 3,
    ),
    "a small frame size": ([settings(s5=16383)], 1),
    "a large frame size": ([settings(s5=16777216)], 1),
    "a push": ([frame(PUSH_PROMISE, END_HEADERS, 1, number(2) + block(GET))], 1),
    "WINDOW_UPDATE of another size": ([frame(WINDOW_UPDATE, payload=bytes(3))], 6),
    "the window grows by nothing": ([frame(WINDOW_UPDATE, payload=number(0))], 1),
    "the window is too large": ([frame(WINDOW_UPDATE, payload=number(0x7FFFFFFF))], 3),
    "RST_STREAM of another size": ([headers(1), frame(RST_STREAM, 0, 1, bytes(3))], 6),
    "RST_STREAM of the connection": ([frame(RST_STREAM, payload=bytes(4))], 1),
    "PRIORITY of the connection": ([frame(PRIORITY, payload=bytes(5))], 1),
    "GOAWAY of a stream": ([frame(GOAWAY, 0, 1, bytes(8))], 1),
    "PRIORITY_UPDATE of the connection": ([frame(PRIORITY_UPDATE, payload=number(0) + b"u=1")], 1),
}  # fmt: skip


@pytest.mark.parametrize(("sent", "code"), OF_CONNECTIONS.values(), ids=OF_CONNECTIONS)
def test_an_error_of_the_connection_ends_it(sent: list[bytes], code: int) -> None:
    assert fed(*sent).error == code


@pytest.mark.parametrize(
    "start",
    [b"GET / HTTP/1.1\r\n", PREFACE[:20] + b"XXXX", PREFACE + headers(1), PREFACE + frame(SETTINGS, ACK)],
)
def test_a_connection_begins_with_the_preface_and_settings(start: bytes) -> None:
    assert fed(start=start).error == ErrorCode.PROTOCOL_ERROR


# --- what is answered, and what is ignored ----------------------------------------------------------------------------


def test_settings_and_pings_are_acknowledged() -> None:
    sent = fed(frame(PING, payload=b"12345678"), frame(PING, ACK, payload=b"87654321"), frame(SETTINGS, ACK)).sent
    assert [one for one in sent if one.flags == ACK] == [Frame(SETTINGS, ACK, 0, b""), Frame(PING, ACK, 0, b"12345678")]


def test_the_first_words_name_the_limits() -> None:
    first = fed(most=7).sent[0]
    values = {first.payload[at + 1]: int.from_bytes(first.payload[at + 2 : at + 6], "big") for at in range(0, 24, 6)}
    assert values == {3: 7, 6: 32768, 8: 1, 9: 1}


def test_what_is_not_known_is_ignored() -> None:
    outcome = fed(
        settings(s99=1), frame(99, 255, 0, b"x"), headers(1), frame(99, 255, 1, b"x"), frame(PRIORITY, 0, 7, bytes(5))
    )
    assert (outcome.events, outcome.error) == ([("head", 1)], None)


def test_frames_of_a_stream_that_is_gone_are_ignored() -> None:
    gone = headers(1, POST, end=False), frame(RST_STREAM, 0, 1, number(8))
    late = frame(WINDOW_UPDATE, 0, 1, number(5)), frame(RST_STREAM, 0, 1, number(8)), frame(PRIORITY, 0, 1, bytes(5))
    assert fed(*gone, *late).error is None


def test_what_was_on_its_way_to_a_stream_that_was_reset_is_ignored() -> None:
    sent = headers(1, (*POST, ("Bad", "1")), end=False), data(1, b"abc"), data(1, b"x", end=True), headers(3)
    outcome = fed(*sent)
    assert (outcome.resets, outcome.events[-1], outcome.content) == ([(1, 1)], ("head", 3), b"")


# --- windows ----------------------------------------------------------------------------------------------------------


def test_windows_are_given_back_and_grow_where_content_is_consumed_at_once() -> None:
    outcome = fed(headers(1, POST, end=False), *[data(1, bytes(16000))] * 60)
    assert (outcome.error, outcome.resets, len(outcome.content)) == (None, [], 960_000)
    given = [
        int.from_bytes(one.payload, "big") for one in outcome.sent if one.kind == WINDOW_UPDATE and one.stream == 1
    ]
    assert max(given) > 65535


def test_content_is_put_out_as_far_as_the_windows_allow() -> None:
    session = s.Session([], Limits(), 100)
    session.begin(0)
    source = Pieces([PREFACE + settings(s4=10) + headers(1)])
    while session.next(source) != s.HEAD_COME:
        source.fill()
    stream = session.stream
    assert session.send(stream, b"a" * 25, 0, True) == 10
    assert session.send(stream, b"a" * 15, 0, True) == 0
    source.feed(frame(WINDOW_UPDATE, 0, 1, number(10)) + settings(s4=15))
    assert [session.next(source), session.next(source)] == [s.WINDOW_OPEN, s.WINDOW_OPEN]
    assert session.send(stream, b"a" * 15, 0, True) == 15
    assert (stream.local_ended, stream.closed) == (True, True)
    put = [one for one in frames(session.out.take()) if one.kind == DATA]
    assert [(len(one.payload), one.flags) for one in put] == [(10, 0), (15, END_STREAM)]


# --- floods -----------------------------------------------------------------------------------------------------------


def again(make) -> list[bytes]:
    """What MAKE gives for one stream after another."""
    return [make(number) for number in range(1, 8001, 2)]


FLOODS = {
    "pings": [frame(PING, payload=bytes(8))] * 4000,
    "settings": [settings()] * 4000,
    "settings acknowledged": [frame(SETTINGS, ACK)] * 4000,
    "priorities": [frame(PRIORITY, 0, 1, bytes(5))] * 4000,
    "updates of priorities": [frame(PRIORITY_UPDATE, payload=number(1) + b"u=1")] * 4000,
    "unknown frames": [frame(99)] * 4000,
    "windows": [frame(WINDOW_UPDATE, payload=number(1))] * 4000,
    "empty content": [headers(1, POST, end=False), *[data(1)] * 4000],
    "empty continuations": [headers(1, flags=0), *[frame(CONTINUATION, 0, 1)] * 100],
    "a head without end": [
        headers(1, flags=0),
        *[frame(CONTINUATION, 0, 1, b"\x00\x01a\x7f\x81\x7e" + bytes(16000))] * 20,
    ],
    "resets": again(lambda number_: headers(number_) + frame(RST_STREAM, 0, number_, number(8))),
    "resets that errors provoke": again(
        lambda one: headers(one, POST, end=False) + frame(WINDOW_UPDATE, 0, one, number(0))
    ),
    "malformed requests": again(lambda number_: headers(number_, (*GET, ("A", "b")))),
    "refused streams": again(headers),
    "content for streams that are gone": [headers(1), headers(3), *[data(1, b"x")] * 4000],
}


@pytest.mark.parametrize("sent", FLOODS.values(), ids=FLOODS)
def test_a_flood_ends_the_connection(sent: list[bytes]) -> None:
    outcome = fed(*sent)
    assert outcome.error == ErrorCode.ENHANCE_YOUR_CALM


def test_a_client_that_cancels_a_page_of_requests_is_not_a_flood() -> None:
    page = [headers(1 + 2 * at) for at in range(100)]
    assert fed(*page, *[frame(RST_STREAM, 0, 1 + 2 * at, number(8)) for at in range(100)]).error is None


def test_time_restores_patience() -> None:
    session = s.Session([], Limits(), 100)
    session.begin(0)
    source = Pieces([START])
    session.next(source)
    source.fill()
    for second in range(100):
        session.relax(float(second))
        source.feed(frame(PING, payload=bytes(8)) * 20)
        assert session.next(source) == s.NO_EVENT


# --- the end ----------------------------------------------------------------------------------------------------------


def test_the_end_is_said_twice() -> None:
    session = s.Session([], Limits(), 100)
    session.begin(0)
    source = Pieces([START + headers(1)])
    while session.next(source) != s.HEAD_COME:
        source.fill()
    session.out.take()
    session.go_away(ErrorCode.NO_ERROR, False)
    warning, ping = frames(session.out.take())
    assert (warning.kind, warning.payload) == (GOAWAY, number(0x7FFFFFFF) + number(0))
    source.feed(headers(3) + frame(PING, ACK, payload=ping.payload))
    assert session.next(source) == s.HEAD_COME, "it was on its way"
    assert session.next(source) == s.ALL_COME
    session.go_away(ErrorCode.NO_ERROR, True)
    assert frames(session.out.take())[0].payload == number(3) + number(0)
    source.feed(headers(5, POST, end=False) + data(5, b"x", end=True))
    assert session.next(source) == s.NO_EVENT
    assert session.out.take() == b"", "the client knows that it is not served"


# --- whatever comes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(30))
def test_any_bytes_are_read_or_refused(seed: int) -> None:
    chance = random.Random(seed)
    kinds = [DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION, PRIORITY_UPDATE]
    sent = [
        frame(
            chance.choice(kinds),
            chance.randrange(64),
            chance.choice((0, 1, 3, 5)),
            chance.randbytes(chance.randrange(20)),
        )
        for _ in range(40)
    ]
    assert fed(*sent).error == fed(*sent, cut=single).error
