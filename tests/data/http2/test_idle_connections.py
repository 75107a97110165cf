"""Connections to endpoints between two requests."""

from __future__ import annotations

import gevent

from edge.data.upstream.h2_connection import H2Connection
from edge.data.upstream.h2_pool import connect
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


def test_a_request_to_an_endpoint_that_has_left_the_table_makes_one_connection_which_ends_with_it() -> None:
    target = Target("127.0.0.1", 80, Transport(Protocol.HTTP2))
    made = []

    def dial() -> H2Connection:
        assert len(made) < 3, "made again and again"
        near, far = pair()
        far.send(settings())
        connection = H2Connection(target, near, HEAD_LIMITS, [])
        connection.begin(5)
        made.append(connection)
        return connection

    upstream = connect(target, 5, dial)
    assert [upstream.connection] == made
    assert not target.shared
    made[0].rest()
    gevent.sleep(0.05)
    assert made[0].over
