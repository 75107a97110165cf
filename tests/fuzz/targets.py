"""What is fuzzed: functions that take any bytes, and raise only when Edge is wrong."""

from __future__ import annotations

import json
import os
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING

from edge.data.accepting import client_hello, proxy_protocol
from edge.data.exchange.client import Client
from edge.data.exchange.exchange import Exchange
from edge.data.http._fields import Limits
from edge.data.http.h1._body import Body
from edge.data.http.h1._head import Head
from edge.data.http.h1._writing import HeadWriter
from edge.data.net.errors import MessageError
from edge.data.observe import formats
from edge.data.observe._format import AccessLines
from edge.table.access_logging import Escape
from edge.table.records import Backend, Owner
from tests.fuzz import control_targets, h2_targets
from tests.support import oracles
from tests.support.wire import Pieces, read_body, single, stream_pair, torn, whole, written

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.data.exchange._outcome import Outcome

FRAMINGS = [(-1, True), (-1, False), (7, False)]


def request(data: bytes) -> None:
    """A request, with its body, and what becomes of it."""
    oracles.request_in_pieces(data, zlib.crc32(data))
    oracles.request_as_it_came(data)
    oracles.request_as_written(data)


def response(data: bytes) -> None:
    """A response, with its body, and what becomes of it."""
    seed = zlib.crc32(data)
    oracles.response_in_pieces(data, seed)
    oracles.response_as_it_came(data)
    oracles.response_as_written(data, FRAMINGS[seed % 3], keep_alive=bool(seed & 4))


def chunks(data: bytes) -> None:
    """A chunked body, alone."""
    outcomes = []
    for pieces in (whole(data), single(data), torn(data, zlib.crc32(data))):
        source = Pieces(pieces)
        body = Body(source)
        body.start(-1, True, False)
        try:
            outcomes.append((read_body(body), body.trailers, source.rest))
        except MessageError:
            outcomes.append(None)
    assert outcomes[0] == outcomes[1] == outcomes[2]


def trailers(data: bytes) -> None:
    """A trailer section, read and written."""
    head = Head()
    try:
        head.read_trailers(data, Limits())
    except MessageError:
        return
    with stream_pair() as (stream, far):
        HeadWriter(stream).trailers(head)
        sent = written(stream, far)
    again = Head()
    again.read_trailers(sent, Limits())
    assert set(again.items()) <= set(head.items())
    names = {name.lower() for name, _ in again.items()}
    assert not names & {b"content-length", b"transfer-encoding", b"host", b"connection", b"authorization"}


def lines(data: bytes) -> None:
    """What the access log says of a request: one line, whatever the client sends."""
    head = Head()
    try:
        if not head.read_request(Pieces(whole(data)), Limits()):
            return
    except MessageError:
        return
    for format_ in FORMATS:
        log = AccessLines(format_)
        log.add(exchange_of(head), NAME)
        file = os.memfd_create("log")
        try:
            assert log.write(file)
            line = os.pread(file, 1 << 20, 0)
        finally:
            os.close(file)
        assert line.index(b"\n") == len(line) - 1
        if format_ is not RAW:
            assert all(32 <= byte < 127 for byte in line[:-1])
        if format_ in (OBJECT, QUOTED):
            told = json.loads(line)
            assert told["target"] == head.target.decode()[: len(told["target"])]
            assert (told["method"], told["host"]) == (head.method.decode(), head.host.decode())


FIELDS = "$request $http_cookie $cookie_a $arg_a $args $uri $host $remote_user $http_user_agent $request_id"
OBJECT = formats.as_json()
MEMBERS = '{"target":"$request_uri","method":"$request_method","host":"$http_host","rest":"'
QUOTED, _ = formats.compiled(MEMBERS + FIELDS + '"}', Escape.JSON)
RAW, _ = formats.compiled(FIELDS, Escape.NONE)
FORMATS = (formats.upstream(), formats.compiled(FIELDS, Escape.DEFAULT)[0], OBJECT, QUOTED, RAW)
NAME = formats.named(Owner("Ingress", "shop", "cart"), Backend("shop", "cart", "80"))


def exchange_of(head: Head) -> Exchange:
    """One whose request is HEAD."""
    client = Client()
    client.request, client.address, client.host = head, "192.0.2.1", head.host
    made = Exchange(client)
    describe(made.outcome, head.id)
    return made


def describe(made: Outcome, request_id: bytes) -> None:
    """Say in MADE what came of a request at its second endpoint."""
    made.status, made.received, made.sent, made.duration = 200, 1, 2, 0.5
    made.endpoint, made.upstream_status, made.upstream_content, made.upstream_seconds = "192.0.2.2:80", 200, 512, 0.25
    made.earlier, made.request_id = [("192.0.2.3:80", 0.1, 502, -1.0, -1.0)], request_id


def hello(data: bytes) -> None:
    """A ClientHello, whole and in pieces, and in the records that a handshake gets."""
    outcomes = [outcome_of_hello(pieces) for pieces in ([data], single(data), torn(data, zlib.crc32(data)))]
    assert outcomes[0] == outcomes[1] == outcomes[2]
    found = outcomes[0]
    try:
        at_once = client_hello.at_once(data)
    except client_hello.NotAHelloError:
        assert found is None
    else:
        assert at_once in (None, found)
    if isinstance(found, client_hello.ClientHello):
        assert found.server_name.isascii()
        assert found.server_name == found.server_name.lower()


def outcome_of_hello(pieces: list[bytes]) -> object:
    """The ClientHello of PIECES, how many bytes are needed, or None where it can be none."""
    reader = client_hello.Reader()
    fed = 0
    with suppress(client_hello.NotAHelloError):
        for piece in pieces:
            found = reader.feed(piece)
            fed += len(piece)
            if found is not None:
                again = client_hello.Reader()
                assert again.feed(reader.records()) == found
                assert again.records() == reader.records()
                return found
            assert reader.need > 0
            assert reader.held <= fed
        return reader.need
    return None


class Socket:
    """As much of a stream as the PROXY protocol reads: bytes in a socket, which come by threes."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.there = 0

    def wait_readable(self) -> None:
        assert self.there == 0, "waited though there was something"
        self.there = 3

    def peek_socket(self, count: int) -> bytes | None:
        if self.there == 0:
            return None
        return self.data[: min(count, self.there)]

    def take_socket(self, count: int) -> bytes | None:
        taken = self.peek_socket(count)
        if taken:
            self.data = self.data[len(taken) :]
            self.there -= len(taken)
        return taken


def proxy(data: bytes) -> None:
    """A header of the PROXY protocol."""
    socket = Socket(data)
    with suppress(MessageError):
        found = proxy_protocol.read(socket)  # type: ignore[arg-type]
        assert found is None or 0 <= found.port <= 65535
        assert data.endswith(socket.data)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "request": request,
    "response": response,
    "chunks": chunks,
    "trailers": trailers,
    "block": h2_targets.block,
    "frames": h2_targets.frames,
    "answers": h2_targets.answers,
    "lines": lines,
    "hello": hello,
    "proxy": proxy,
    "certificate": control_targets.certificate,
    "text": control_targets.text,
    "objects": control_targets.objects,
}
