"""llhttp (of Node.js) and h11 as oracles: whatever Edge accepts they must understand in the same way.

They are not asked about what Edge refuses. Each check takes any bytes and raises AssertionError, or what the oracle
raises, where the three part.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field

import h11
import httptools

from edge.data.http._fields import Limits
from edge.data.http.h1._body import Body
from edge.data.http.h1._head import Head
from edge.data.http.h1._writing import HeadWriter
from edge.data.net.errors import MessageError
from tests.support.wire import (
    Pieces,
    outcome_of_request,
    outcome_of_response,
    outgoing,
    read_body,
    read_response,
    single,
    stream_pair,
    torn,
    whole,
    written,
)

BLANKS = re.compile(rb'("(?:[^"\\]|\\.)*")|[ \t]*([;=])[ \t]*', re.DOTALL)
"""Blanks that the grammar of chunk extensions has, and quoted values, which are not looked into."""
FRAMES = re.compile(rb"(content-length|transfer-encoding):", re.IGNORECASE)


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


def without_blanks(message: bytes) -> bytes:
    """MESSAGE, of chunked coding, without the blanks in chunk lines that llhttp does not read over."""
    head, end, body = message.partition(b"\r\n\r\n")
    parts = [head, end]
    size, at = 1, 0
    while size:
        line, _, _ = body[at:].partition(b"\r\n")
        at += len(line) + 2
        line = BLANKS.sub(lambda found: found[1] or found[2], line)
        if b";" not in line:
            line = line.rstrip(b" \t")
        size = int(line.partition(b";")[0], 16)
        parts += [line, b"\r\n", body[at : at + size + 2] if size else body[at:]]
        at += size + 2
    return b"".join(parts)


def unframed(head: bytes) -> bytes:
    """HEAD, of a 1xx response, without the fields that mean nothing there."""
    return b"".join(line for line in head.splitlines(keepends=True) if not FRAMES.match(line))


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


# --- checks ---


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
        request_id = head.id or b"0" * 32
        HeadWriter(stream).request(outgoing(head, b"X-Real-IP: 192.0.2.1\r\n", request_id))
        if not head.chunked:
            return written(stream, far) + content
        section = Head()
        section.read_trailers(trailers or b"\r\n", Limits())
        if content:
            stream.write(b"%x\r\n" % len(content) + content + b"\r\n")
        stream.write(b"0\r\n")
        HeadWriter(stream).trailers(section)
        return written(stream, far)


def request_as_it_came(data: bytes) -> None:
    """If Edge accepts the request at the beginning of DATA, llhttp reads the same bytes as the same request."""
    found = understood(data)
    if found is None:
        return
    head, content, trailers, own, _ = found
    if not is_known(head.method) or frames(trailers):
        return
    if head.chunked:
        own = without_blanks(own)
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


def request_as_written(data: bytes) -> None:
    """If Edge accepts the request at the beginning of DATA, both read the same out of what an endpoint gets."""
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


def request_in_pieces(data: bytes, seed: int) -> None:
    """The request at the beginning of DATA means the same byte by byte, and in pieces by SEED."""
    expected = outcome_of_request(whole(data))
    assert outcome_of_request(single(data)) == expected
    assert outcome_of_request(torn(data, seed)) == expected


def response_as_it_came(data: bytes) -> None:
    """If Edge accepts the response at the beginning of DATA, llhttp reads the same bytes as the same response."""
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
    fields = list(message.fields)
    if status < 200:
        own = unframed(own)
        fields = [(name, value) for name, value in fields if not FRAMES.match(name + b":")]
    elif message.framing[1] and status not in (204, 304):
        own = without_blanks(own)
    told, parser = llhttp(own, httptools.HttpResponseParser)
    assert parser.get_status_code() == status
    assert b"".join(told.start).strip() == reason.strip()
    assert parser.get_http_version() == f"1.{version - 10}"
    assert stripped(told.fields[: told.first_trailer]) == fields
    assert told.body == message.body
    until_end = message.framing == (-1, False) and status >= 200 and status not in (204, 304)
    assert told.complete == (not until_end)
    if not until_end:
        assert not llhttp(own[:-1], httptools.HttpResponseParser)[0].complete


def response_as_written(data: bytes, framing: tuple[int, bool], *, keep_alive: bool) -> None:
    """If Edge accepts the head at the beginning of DATA, both read a head with FRAMING out of what a client gets."""
    head = Head()
    try:
        head.read_response(Pieces(whole(data)), Limits(underscores=True))
    except MessageError:
        return
    length, chunked = framing
    if head.status < 200 or head.status in (204, 304):
        length, chunked = -1, False
    with stream_pair() as (stream, far):
        HeadWriter(stream).response(head, b"X-Added: 1\r\n", length, chunked, keep_alive)
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


def response_in_pieces(data: bytes, seed: int) -> None:
    """The response at the beginning of DATA means the same byte by byte, and in pieces by SEED."""
    expected = outcome_of_response(whole(data))
    assert outcome_of_response(single(data)) == expected
    assert outcome_of_response(torn(data, seed)) == expected
