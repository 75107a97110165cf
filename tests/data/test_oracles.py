"""Whatever Edge accepts, llhttp and h11 understand in the same way: as it came, and as it is written.

Messages are made from good parts and spoiled in the ways that have parted parsers before; the oracles are not asked
about what Edge refuses.
"""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass, field

import h11
import httptools
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from edge.data._body import Body
from edge.data._head import Head, Limits
from edge.data.errors import MessageError
from tests.support.wire import (
    Pieces,
    outcome_of_request,
    outcome_of_response,
    read_body,
    read_request,
    read_response,
    single,
    stream_pair,
    torn,
    whole,
    written,
)

MANY = settings(
    max_examples=int(os.environ.get("EDGE_TEST_EXAMPLES", "150")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

# --- generators: good parts ---

TOKENS = st.sampled_from([b"A", b"x-y", b"Accept", b"Cookie", b"X_z", b"a.b!#$%&'*+^`|~9", b"Content-Type", b"Date"])
VALUES = st.sampled_from([b"", b"1", b"a, b", b"x: y", b'"quo;ted"', b"\xc3\xa4\xff", b"tab\tbed", b"chunked", b"100"])
HEADS = st.sampled_from([
    b"Connection: close", b"Connection: keep-alive", b"Connection: Upgrade", b"Connection: A, x-y",
    b"Upgrade: websocket", b"Upgrade: h2c", b"Keep-Alive: 5", b"TE: trailers", b"Expect: 100-continue", b"Trailer: A",
    b"Proxy: x", b"Proxy-Connection: keep-alive", b"X-Request-ID: 1", b"X-Forwarded-For: 192.0.2.1",
    b"Content-Length: 3", b"Content-Length: 0", b"Content-Length: 3, 3", b"Content-Length: +3",
    b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding:chunked ",
    b"Transfer-Encoding: x", b"Host: b", b"Host:",
])  # fmt: skip
FIELDS = st.one_of(HEADS, st.builds(lambda name, value: name + b": " + value, TOKENS, VALUES))
METHODS = st.sampled_from(
    [b"GET", b"POST", b"HEAD", b"PUT", b"DELETE", b"OPTIONS", b"PATCH", b"TRACE", b"CONNECT", b"M-SEARCH"]
)
TARGETS = st.sampled_from([
    b"/", b"/a?b=c", b"/%41%2f", b"//x", b"/../y", b"*", b"http://b/x", b"https://[::1]:8/", b"/|\"<>{}\\^`", b"b:80",
])  # fmt: skip
HOSTS = st.sampled_from([b"Host: a.example", b"Host: a.example:80", b"host:[::1]:80", b"HOST: \ta", b"Host:"])
VERSIONS = st.sampled_from([b"HTTP/1.1"] * 6 + [b"HTTP/1.0"])
CONTENTS = st.sampled_from(
    [b"", b"a", b"hello", b"0\r\n\r\n", b"GET / HTTP/1.1\r\nHost: evil\r\n\r\n", bytes(range(256))]
)
EXTENSIONS = st.sampled_from([b""] * 8 + [b";a", b";a=b", b';a="b;c"', b";", b";a\r", b" ;a"])
SECTIONS = st.sampled_from(
    [b""] * 4 + [b"A: b\r\n", b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: x\r\n"]
)

# --- generators: what parts parsers ---

SPOILERS = [
    b"\r", b"\n", b"\r\n", b"\r\r\n", b"\n\n", b"\0", b" ", b"\t", b"\x0b", b"\x0c", b"\x7f", b"\x80", b"\xff", b":",
    b",", b";", b"=", b'"', b"+", b"-", b"0", b"1", b"x", b"_", b"#", b"%", b"@", b"/", b"\\", b"chunked", b"\r\n ",
    b"\r\n\r\n", b"0\r\n\r\n", b"Content-Length: 1\r\n", b"Transfer-Encoding: chunked\r\n", b"\r\nHost: evil",
    b"HTTP/1.1", b" HTTP/1.1",
]  # fmt: skip


@st.composite
def spoiled(draw: st.DrawFn, messages: st.SearchStrategy[bytes]) -> bytes:
    """One of MESSAGES after up to three small changes."""
    data = bytearray(draw(messages))
    for _ in range(draw(st.sampled_from([0, 1, 1, 1, 2, 3]))):
        at = draw(st.integers(0, len(data)))
        kind = draw(st.sampled_from(["insert", "insert", "replace", "delete", "double", "case"]))
        if kind == "insert":
            data[at:at] = draw(st.sampled_from(SPOILERS))
        elif kind == "replace":
            data[at : at + 1] = draw(st.sampled_from(SPOILERS))
        elif kind == "delete":
            del data[at : at + draw(st.integers(1, 3))]
        elif kind == "double":
            end = at + draw(st.integers(1, 30))
            data[at:at] = data[at:end]
        else:
            data[at : at + 10] = data[at : at + 10].swapcase()
    return bytes(data)


@st.composite
def framed(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A framing field and a body that goes with it."""
    content = draw(CONTENTS)
    kind = draw(st.sampled_from(["none", "sized", "chunked", "chunked"]))
    if kind == "none":
        return b"", b""
    if kind == "sized":
        return b"Content-Length: %d\r\n" % len(content), content
    cut = draw(st.integers(0, len(content)))
    chunks = [
        b"%x%s\r\n%s\r\n" % (len(part), draw(EXTENSIONS), part) for part in (content[:cut], content[cut:]) if part
    ]
    return b"Transfer-Encoding: chunked\r\n", b"".join(chunks) + b"0%s\r\n%s\r\n" % (draw(EXTENSIONS), draw(SECTIONS))


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """A request that is good, or nearly."""
    framing, body = draw(framed())
    lines = [draw(HOSTS) + b"\r\n", framing, *(line + b"\r\n" for line in draw(st.lists(FIELDS, max_size=4)))]
    fields = b"".join(draw(st.permutations(lines)))
    return draw(METHODS) + b" " + draw(TARGETS) + b" " + draw(VERSIONS) + b"\r\n" + fields + b"\r\n" + body


@st.composite
def responses(draw: st.DrawFn) -> bytes:
    """A response that is good, or nearly."""
    framing, body = draw(framed())
    lines = [framing, *(line + b"\r\n" for line in draw(st.lists(FIELDS, max_size=4)))]
    status = draw(
        st.sampled_from([b"200 OK"] * 6 + [b"404 ", b"500", b"204 No Content", b"304 x", b"103 Hints", b"101 x"])
    )
    return draw(VERSIONS) + b" " + status + b"\r\n" + b"".join(draw(st.permutations(lines))) + b"\r\n" + body


# --- oracles ---


@dataclass
class Told:
    """What llhttp says."""

    start: list[bytes] = field(default_factory=list)
    fields: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    heads: int = 0
    complete: int = 0
    first_trailer: int = -1
    upgraded: bool = False

    def on_url(self, url: bytes) -> None:
        self.start.append(url)

    def on_status(self, status: bytes) -> None:
        self.start.append(status)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name, value))

    def on_headers_complete(self) -> None:
        self.heads += 1
        self.first_trailer = len(self.fields)

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.complete += 1


def llhttp(data: bytes, kind: type = httptools.HttpRequestParser) -> tuple[Told, httptools.HttpRequestParser]:
    """What llhttp makes of DATA, which must not be refused."""
    told = Told()
    parser = kind(told)
    try:
        parser.feed_data(data)
    except httptools.HttpParserUpgrade:
        told.upgraded = True
    return told, parser


@functools.cache
def is_known(method: bytes) -> bool:
    """Whether llhttp, which has a list of them, knows METHOD; Edge passes on others too."""
    try:
        httptools.HttpRequestParser(Told()).feed_data(method + b" / HTTP/1.1\r\n")
    except httptools.HttpParserInvalidMethodError:
        return False
    return True


def frames(trailers: bytes) -> bool:
    """Whether TRAILERS have fields over which llhttp stumbles; Edge leaves them out."""
    return any(line.lower().startswith((b"content-length:", b"transfer-encoding:")) for line in trailers.split(b"\r\n"))


def stripped(fields: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """FIELDS without the whitespace that does not count."""
    return [(name, value.strip(b" \t")) for name, value in fields]


def h11_server(data: bytes) -> tuple[h11.Request, bytes, list[tuple[bytes, bytes]], bytes]:
    """The one request that h11 sees in DATA: its head, content, trailers and what is behind it."""
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(data)
    request = connection.next_event()
    assert isinstance(request, h11.Request), request
    content = b""
    while isinstance(event := connection.next_event(), h11.Data):
        content += event.data
    assert isinstance(event, h11.EndOfMessage), event
    return request, content, list(event.headers), connection.trailing_data[0]


# --- as it came ---


def understood(data: bytes) -> tuple[Head, bytes, bytes, bytes, bytes] | None:
    """Head, content, trailers, the message's own bytes and those behind it; None where Edge refuses DATA."""
    head, source = Head(), Pieces(whole(data))
    body = Body(source)
    try:
        if not head.read_request(source, Limits()):
            return None
        body.start(head.length, head.chunked, False)
        content = read_body(body)
        if body.trailers:
            Head().read_trailers(body.trailers, Limits())
    except MessageError:
        return None
    rest = source.rest
    return head, content, body.trailers, data[: len(data) - len(rest)], rest


def to_endpoint(head: Head, content: bytes, trailers: bytes) -> bytes:
    """The request as an endpoint gets it."""
    with stream_pair() as (stream, far):
        head.write_request(stream, head.target, head.host, head.host, b"X-Real-IP: 192.0.2.1\r\n", b"0" * 32)
        if not head.chunked:
            return written(stream, far) + content
        section = Head()
        section.read_trailers(trailers or b"\r\n", Limits())
        if content:
            stream.write(b"%x\r\n" % len(content) + content + b"\r\n")
        stream.write(b"0\r\n")
        section.write_trailers(stream)
        return written(stream, far)


@MANY
@given(spoiled(requests()))
@example(b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 3\r\n\r\n")
@example(b"GET / HTTP/1.1\rX\r\nHost: a\r\n\r\n")
@example(b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
def test_llhttp_reads_an_accepted_request_as_edge_does(data):
    found = understood(data)
    if found is None:
        return
    head, content, trailers, own, _ = found
    if not is_known(head.method) or frames(trailers):
        return
    told, parser = llhttp(own)
    if told.upgraded:
        # llhttp has taken the head, and leaves alone what follows; Edge drops an Upgrade that has a body.
        own = own[: own.index(b"\r\n\r\n") + 4]
        content = trailers = b""
    assert (told.heads, told.complete) == (1, 1)
    assert parser.get_method() == head.method
    assert parser.get_http_version() == f"1.{head.version - 10}"
    assert b"".join(told.start).endswith(head.target.removeprefix(b"/"))
    assert stripped(told.fields[: told.first_trailer]) == head.items()
    assert b"".join(b"%s: %s" % pair for pair in told.fields[told.first_trailer :]).count(b": ") >= bool(trailers)
    assert told.body == content
    assert not llhttp(own[:-1])[0].complete, "complete before Edge says so"


@MANY
@given(spoiled(requests()))
def test_an_accepted_request_reaches_the_endpoint_with_one_meaning(data):
    found = understood(data)
    if found is None or not is_known(found[0].method):
        return
    head, content, trailers, _, _ = found
    sent = to_endpoint(head, content, trailers)
    told, parser = llhttp(sent)
    assert told.upgraded == head.upgrade
    assert (told.heads, told.complete) == (1, 1)
    assert (parser.get_method(), b"".join(told.start), parser.get_http_version()) == (head.method, head.target, "1.1")
    assert told.body == content
    assert not llhttp(sent[:-1])[0].complete
    request, h11_content, h11_trailers, rest = h11_server(sent)
    assert (request.method, request.target, h11_content, rest) == (head.method, head.target, content, b"")
    assert h11_trailers == [(name.lower(), value) for name, value in stripped(told.fields[told.first_trailer :])]
    names = [name for name, _ in request.headers]
    assert names.count(b"host") == 1
    assert names.count(b"content-length") + names.count(b"transfer-encoding") == (head.length >= 0 or head.chunked)
    assert names.count(b"connection") == head.upgrade
    assert not {b"proxy", b"te", b"keep-alive", b"http2-settings", b"proxy-connection"} & set(names)
    assert not [name for name in names if b"_" in name]
    assert not {name for name, _ in h11_trailers} & {b"content-length", b"transfer-encoding", b"host"}


@MANY
@given(spoiled(requests()), st.integers(0, 2**32))
def test_a_request_means_the_same_however_it_arrives(data, seed):
    expected = outcome_of_request(whole(data))
    assert outcome_of_request(single(data)) == expected
    assert outcome_of_request(torn(data, seed)) == expected


@MANY
@given(spoiled(requests()), spoiled(requests()))
def test_what_follows_an_accepted_request_is_the_next_one(first, second):
    found = understood(first)
    if found is None or found[4]:
        return
    message = read_request(whole(first + second))
    assert message.rest == second


# --- responses ---


@MANY
@given(spoiled(responses()))
@example(b"HTTP/1.1 200 OK\rX\r\nA: b\r\n\r\n")
@example(b"HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")
def test_llhttp_reads_an_accepted_response_as_edge_does(data):
    try:
        message = read_response(whole(data))
        Head().read_trailers(message.trailers or b"\r\n", Limits(), 502)
    except MessageError:
        return
    if frames(message.trailers):
        return
    status, reason, version = message.start
    if status == 101:
        return  # httptools takes it for an error
    own = data[: len(data) - len(message.rest)]
    told, parser = llhttp(own, httptools.HttpResponseParser)
    assert parser.get_status_code() == status
    assert b"".join(told.start).strip() == reason.strip()
    assert parser.get_http_version() == f"1.{version - 10}"
    assert stripped(told.fields[: told.first_trailer]) == list(message.fields)
    assert told.body == message.body
    until_end = message.framing == (-1, False) and status not in (103, 204, 304)
    assert told.complete == (not until_end)
    if not until_end:
        assert not llhttp(own[:-1], httptools.HttpResponseParser)[0].complete


@MANY
@given(spoiled(responses()), st.sampled_from([(-1, True), (-1, False), (7, False)]), st.booleans())
def test_an_accepted_response_reaches_the_client_with_one_meaning(data, framing, keep_alive):
    head = Head()
    try:
        head.read_response(Pieces(whole(data)), Limits(underscores=True))
    except MessageError:
        return
    length, chunked = framing
    if head.status < 200 or head.status in (204, 304):
        length, chunked = -1, False
    with stream_pair() as (stream, far):
        head.write_response(stream, b"X-Added: 1\r\n", length, chunked, keep_alive)
        sent = written(stream, far)
    told, parser = llhttp(sent, httptools.HttpResponseParser)
    assert (told.heads, parser.get_status_code(), parser.get_http_version()) == (1, head.status, "1.1")
    connection = h11.Connection(h11.CLIENT)
    connection.send(
        h11.Request(method="GET", target="/", headers=[("Host", "a"), ("Upgrade", "x"), ("Connection", "upgrade")])
    )
    connection.send(h11.EndOfMessage())
    connection.receive_data(sent)
    response = connection.next_event()
    assert response.status_code == head.status
    names = [name for name, _ in response.headers]
    assert names.count(b"content-length") == (length >= 0)
    assert names.count(b"transfer-encoding") == chunked
    assert names.count(b"x-added") == 1
    assert not {b"keep-alive", b"te", b"proxy-connection"} & set(names)


@MANY
@given(spoiled(responses()), st.integers(0, 2**32))
def test_a_response_means_the_same_however_it_arrives(data, seed):
    expected = outcome_of_response(whole(data))
    assert outcome_of_response(single(data)) == expected
    assert outcome_of_response(torn(data, seed)) == expected


@pytest.mark.parametrize("strategy", [requests(), responses()], ids=["requests", "responses"])
def test_the_generators_make_what_is_worth_looking_at(strategy):
    """Neither all good nor all bad, or the tests above would say nothing."""
    outcomes = []

    @settings(max_examples=150, deadline=None, database=None)
    @given(spoiled(strategy))
    def look(data):
        outcome = outcome_of_response(whole(data)) if data[:4].upper() == b"HTTP" else outcome_of_request(whole(data))
        outcomes.append(isinstance(outcome, int))

    look()
    assert 0.1 < sum(outcomes) / len(outcomes) < 0.9
