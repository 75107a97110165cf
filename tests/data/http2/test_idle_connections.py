"""Connections to endpoints between two requests."""

from __future__ import annotations

import gevent

from edge.data.upstream.h2_connection import H2Connection
from edge.data.upstream.target import Target
from edge.table.records import Protocol, Transport
from tests.support.frames import settings
from tests.support.play.sockets import pair
from tests.support.wire import HEAD_LIMITS


def test_one_that_has_been_closed_takes_no_request_that_cannot_be_repeated() -> None:
    near, far = pair()
    far.send(settings())
    connection = H2Connection(Target("127.0.0.1", 80, Transport(Protocol.HTTP2)), near, HEAD_LIMITS, [])
    connection.begin(5)
    gevent.sleep(0.05)
    assert connection.has_room(True)
    far.close()
    assert connection.has_room(False), "nobody has seen the end yet"
    assert not connection.has_room(True)
    gevent.sleep(0.05)
    assert connection.over
