"""What is fuzzed of HTTP/2: blocks of fields, and what clients and endpoints send."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from hpack import Decoder as Oracle
from hpack import HPACKError

from edge.data.http._fields import Limits
from edge.data.http._message import Message, Outgoing
from edge.data.http.h2 import _session
from edge.data.http.h2._client import ClientSession, new_stream
from edge.data.http.h2._hpack import Decoder
from edge.data.http.h2.errors import Http2Error
from tests.support.frames import PREFACE, settings
from tests.support.wire import Pieces, single, torn


def block(data: bytes) -> None:
    """A block of fields, which another decoder reads the same way or refuses too."""
    oracle = Oracle(max_header_list_size=1 << 30)
    try:
        expected = [tuple(one) for one in oracle.decode(data, raw=True)]
    except HPACKError:
        expected = None
    decoder = Decoder()
    try:
        found = decoder.read(data)
    except Http2Error:
        found = None
    assert found == expected
    if found is not None:
        assert decoder.size == oracle.header_table._current_size


def frames(data: bytes) -> None:
    """What a client sends behind its preface, in whatever pieces."""
    _in_any_pieces(_read, data)


def _in_any_pieces(read: Callable[[list[bytes]], object], data: bytes) -> None:
    """READ makes the same of DATA, however it is cut."""
    outcomes = [read(cut(data)) for cut in (_large, single, lambda text: torn(text, zlib.crc32(text)))]
    assert outcomes[0] == outcomes[1] == outcomes[2]


def _large(data: bytes) -> list[bytes]:
    return [data[at : at + 30000] for at in range(0, len(data), 30000)]


def _read(pieces: list[bytes]) -> tuple[list[tuple[bytes, bytes, bytes]], dict[int, bytes], int | None]:
    """Requests, content by stream, and the error of the connection that come of PIECES."""
    session = _session.Session([], Limits(), 10)
    session.begin(0)
    source = Pieces([PREFACE + settings(), *pieces])
    heads = []
    content: dict[int, bytes] = {}
    try:
        while True:
            event = session.next(source)
            stream = session.stream
            if event == _session.NO_EVENT:
                if not source.fill():
                    return heads, content, None
            elif event == _session.HEAD_COME:
                head = stream.head
                assert head.target.startswith(b"/")
                assert head.host
                assert not any(byte in value for _, value in head.items() for byte in b"\r\n\0")
                heads.append((head.method, head.target, head.host))
            elif event == _session.DATA_COME:
                content[stream.id] = content.get(stream.id, b"") + source.take(session.count)
                session.consumed(stream, session.count)
            elif event == _session.STREAM_RESET:
                content.pop(stream.id, None)  # how much of it comes before the fault depends on the pieces
            elif event == _session.HEAD_FAULTY:
                assert not stream.head.method
    except Http2Error as error:
        return heads, content, error.code


def answers(data: bytes) -> None:
    """What an endpoint sends behind its settings, to one that has asked three times, in whatever pieces."""
    _in_any_pieces(_answers, data)


def _answers(pieces: list[bytes]) -> tuple[list[tuple[int, int]], dict[int, bytes], set[int], int | None]:
    """Responses, content by stream, streams that are refused, and the error of the connection that come of PIECES."""
    session = ClientSession(Limits(), 10)
    session.begin(0)
    for method in (b"GET", b"HEAD", b"POST"):
        request = Outgoing(Message())
        request.method, request.target, request.host = method, b"/", b"app.example"
        session.open(new_stream(), request, b"http", method != b"POST")
    source = Pieces([settings(), *pieces])
    heads = []
    content: dict[int, bytes] = {}
    refused: set[int] = set()
    try:
        while True:
            event = session.next(source)
            stream = session.stream
            if event == _session.NO_EVENT:
                if not source.fill():
                    return heads, content, refused, None
            elif event == _session.HEAD_COME:
                head = stream.head
                assert 100 <= head.status <= 999
                assert head.status != 101
                assert stream.answered == (head.status >= 200)
                assert not any(byte in value for _, value in head.items() for byte in b"\r\n\0")
                heads.append((stream.id, head.status))
                if not stream.answered:
                    session.renew(stream)
            elif event == _session.DATA_COME:
                content[stream.id] = content.get(stream.id, b"") + source.take(session.count)
                session.consumed(stream, session.count)
            elif event == _session.STREAM_RESET:
                content.pop(stream.id, None)  # how much of it comes before the fault depends on the pieces
            elif event == _session.PEER_LEAVING:
                refused |= {one.id for one in session.refused}
                assert session.room() == 0
    except Http2Error as error:
        return heads, content, refused, error.code
