"""Events of many sockets below one watcher of the event loop: each has its own, whatever the others raise."""

from __future__ import annotations

import socket
from contextlib import ExitStack

import gevent
import pytest

from edge.data.net._poller import Readable

PATIENCE = 40
"""Seconds."""


class Odd(BaseException):
    """No `Exception`."""


@pytest.fixture
def readable():
    with ExitStack() as stack:

        def make() -> tuple[Readable, socket.socket]:
            near, far = socket.socketpair()
            stack.callback(near.close)
            stack.callback(far.close)
            one = Readable(near.fileno())
            stack.callback(one.close)
            return one, far

        yield make


def until(seen: list[int], number: int) -> None:
    """Let the event loop run until SEEN has NUMBER items."""
    with gevent.Timeout(PATIENCE):
        while len(seen) < number:
            gevent.sleep(0)


@pytest.mark.parametrize("kind", [ZeroDivisionError, Odd])
def test_an_exception_does_not_take_the_rest_of_the_batch_with_it(readable, kind):
    """The one that fails comes first in every batch."""
    failing, far = readable()
    others = [readable() for _ in range(3)]
    seen: list[int] = []

    def fail() -> None:
        raise kind

    failing.start(fail)
    far.send(b"x")
    for number, (one, its_far) in enumerate(others):
        one.start(lambda one=one, number=number: (seen.append(number), one.stop()))
        its_far.send(b"x")
    until(seen, 3)
    assert seen == [0, 1, 2]


def test_it_is_called_for_as_long_as_there_is_something_to_read_and_it_has_not_been_stopped(readable):
    one, far = readable()
    seen: list[int] = []
    one.start(lambda: seen.append(1))
    far.send(b"x")
    until(seen, 3)
    one.stop()
    one.stop()
    number = len(seen)
    for _ in range(5):
        gevent.sleep(0)
    assert len(seen) == number
    one.start(lambda: seen.append(2))
    until(seen, number + 1)
    assert seen[-1] == 2


def test_it_may_be_closed_again_when_it_is_called(readable):
    one, far = readable()
    other, its_far = readable()
    seen: list[int] = []

    def close() -> None:
        one.close()
        one.close()

    one.start(close)
    far.send(b"x")
    other.start(lambda: seen.append(1))
    its_far.send(b"x")
    until(seen, 3)
