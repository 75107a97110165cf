"""Content between the connection that reads it and the stream that consumes it."""

from __future__ import annotations

import pytest

from edge.data.http._fields import Limits
from edge.data.http.h2 import _session as s
from edge.data.http.h2._content import Inbox
from edge.data.http.h2.sending import Carrier
from tests.support.frames import POST, PREFACE, data, headers, settings
from tests.support.play.sockets import pair
from tests.support.wire import Pieces

PIECES = {
    "a little": [b"a"],
    "a little, and more": [b"a", b"b" * 10000, b"c"],
    "much": [b"a" * 10000],
    "much, and a little": [b"a" * 10000, b"b"],
    "nothing": [b""],
}


def come(pieces: list[bytes]) -> Inbox:
    """An inbox that has got all PIECES of a request's content, which is complete."""
    session = s.Session([], Limits(), 100)
    session.begin(0)
    ends = [False] * (len(pieces) - 1) + [True]
    frames = [data(1, piece, end=end) for piece, end in zip(pieces, ends, strict=True)]
    source = Pieces([PREFACE + settings(), headers(1, POST, end=False), *frames])
    inbox = Inbox()
    near, _ = pair()
    carrier = Carrier(near, session)
    while source.fill():
        while event := session.next(source):
            if event == s.HEAD_COME:
                inbox.begin(session, session.stream, 5, carrier)
            elif event == s.DATA_COME:
                inbox.take(source, session.count)
    return inbox


@pytest.mark.parametrize("pieces", PIECES.values(), ids=PIECES)
def test_it_is_given_as_a_whole(pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    inbox = come(pieces)
    assert inbox.has_come()
    assert inbox.whole(len(whole) - 1) is None
    assert inbox.whole(len(whole)) == whole
    assert (inbox.received, inbox.finish(), inbox.holds()) == (len(whole), True, False)


@pytest.mark.parametrize("pieces", PIECES.values(), ids=PIECES)
def test_it_is_given_piece_by_piece_in_order(pieces: list[bytes]) -> None:
    inbox = come([*pieces, b"end"])
    found = b""
    while count := inbox.fill():
        found += inbox.buffer.take(count)
    assert found == b"".join(pieces) + b"end"
    assert inbox.finish()
