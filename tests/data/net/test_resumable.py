"""What waits without a greenlet: it is resumed once for each event, and may wait as a greenlet does while it runs."""

from __future__ import annotations

import gc
import socket
import subprocess
import sys
from contextlib import ExitStack

import gevent
import pytest
from greenlet import greenlet

from edge.data.accepting.listener import LATER
from edge.data.net._scheduler import Resumable
from edge.data.net._stream import Stream, sweep
from edge.data.net._waiter import Turn, Waiter
from edge.data.net.errors import StreamClosed, StreamError, StreamTimeout

MANY = 40
PATIENCE = 40
"""Seconds."""


class Echo(Resumable):
    """Sends back what comes, and keeps how it ended."""

    def __init__(self) -> None:
        near, self.far = socket.socketpair()
        near.setblocking(False)
        self.far.settimeout(PATIENCE)
        self.stream = Stream(near.detach())
        self.ended: Exception | None = None
        self.times = 0
        assert self.stream.await_read(self)

    def resume(self) -> None:
        self.times += 1
        try:
            while self.stream.fill():
                self.serve(self.stream.take(len(self.stream)))
                if self.stream.await_read(self):
                    return
        except StreamError as error:
            self.ended = error
        self.stream.close()

    def serve(self, data: bytes) -> None:
        self.stream.send(data)

    def close(self) -> None:
        self.stream.close()
        self.far.close()


class Asking(Echo):
    """Waits for an answer of another before it sends something back."""

    def __init__(self, other: Stream) -> None:
        super().__init__()
        self.other = other

    def serve(self, data: bytes) -> None:
        self.other.fill(True)
        self.stream.send(data + self.other.take(len(self.other)))


class Failing(Echo):
    def serve(self, data: bytes) -> None:
        raise ZeroDivisionError(data.decode())


@pytest.fixture
def made():
    with ExitStack() as stack:

        def make(kind: type[Echo], *arguments: object) -> Echo:
            one = kind(*arguments)
            stack.callback(one.close)
            return one

        yield make


def got(one: Echo) -> bytes:
    """What came back, while the event loop runs."""
    one.far.setblocking(False)
    with gevent.Timeout(PATIENCE):
        while True:
            gevent.sleep(0)
            try:
                return one.far.recv(100)
            except BlockingIOError:
                continue


def turn() -> None:
    for _ in range(5):
        gevent.sleep(0)


def test_those_that_are_due_together_each_get_their_own(made):
    ones = [made(Echo) for _ in range(MANY)]
    for number in range(5):
        for at, one in enumerate(ones):
            one.far.sendall(b"%d:%d" % (number, at))
        assert [got(one) for one in ones] == [b"%d:%d" % (number, at) for at in range(MANY)]


def test_they_hold_no_greenlet_while_they_wait(made):
    made(Echo).far.sendall(b"x")
    turn()
    gc.collect()  # greenlets of other tests
    before = sum(isinstance(one, greenlet) for one in gc.get_objects())
    ones = [made(Echo) for _ in range(MANY)]
    for one in ones:
        one.far.sendall(b"x")
    assert [got(one) for one in ones] == [b"x"] * MANY
    assert sum(isinstance(one, greenlet) for one in gc.get_objects()) == before


def test_one_that_waits_while_it_runs_does_not_keep_others_from_their_turn(made):
    far, near = socket.socketpair()
    near.setblocking(False)
    other = Stream(near.detach())
    slow, quick = made(Asking, other), [made(Echo) for _ in range(MANY)]
    slow.far.sendall(b"who? ")
    turn()
    for one in quick:
        one.far.sendall(b"x")
    assert [got(one) for one in quick] == [b"x"] * MANY
    far.sendall(b"me")
    assert got(slow) == b"who? me"
    other.close()
    far.close()


def test_one_that_fails_does_not_keep_others_from_their_turn(made, capsys):
    failing, others = [made(Failing) for _ in range(3)], [made(Echo) for _ in range(3)]
    for one in [*failing, *others]:
        one.far.sendall(b"mine")
    assert [got(one) for one in others] == [b"mine"] * 3
    assert capsys.readouterr().err.count("ZeroDivisionError: mine") == 3


class Noting(Resumable):
    """Notes its turn in LOG."""

    def __init__(self, log: list[object]) -> None:
        self.turn = Turn()
        self.log = log

    def resume(self) -> None:
        self.log.append(self)


class NotingEcho(Echo):
    """Notes in LOG that bytes have come."""

    def __init__(self, log: list[object]) -> None:
        super().__init__()
        self.log = log

    def serve(self, data: bytes) -> None:
        self.log.append(self)
        self.stream.send(data)


def test_what_events_have_made_due_comes_before_what_is_called_after_them(made):
    """As requests of open connections come before new connections, which are accepted with a lower priority."""
    log: list[object] = []
    open_ones, new = [made(NotingEcho, log) for _ in range(3)], [Noting(log) for _ in range(3)]
    far, near = socket.socketpair()
    accepting = gevent.get_hub().loop.io(near.fileno(), 1, priority=LATER)

    def accept() -> None:
        accepting.stop()
        for one in new:
            one.turn.call(one)

    accepting.start(accept)
    far.sendall(b"x")
    for one in open_ones:
        one.far.sendall(b"x")
    with gevent.Timeout(PATIENCE):
        while len(log) < len(open_ones) + len(new):
            gevent.sleep(0)
    accepting.close()
    far.close()
    near.close()
    assert set(log[: len(open_ones)]) == set(open_ones)
    assert log[len(open_ones) :] == new


def test_it_is_resumed_when_its_time_is_over(made):
    one = made(Echo)
    one.far.sendall(b"x")
    assert got(one) == b"x"
    one.stream.restart(0.01)
    gevent.sleep(0.05)
    sweep()
    turn()
    assert isinstance(one.ended, StreamTimeout)


def test_it_is_resumed_when_its_stream_is_closed(made):
    one = made(Echo)
    one.stream.close()
    turn()
    assert isinstance(one.ended, StreamClosed)


def test_it_is_resumed_with_an_error_of_another(made):
    one = made(Echo)
    one.stream.fail(StreamClosed("theirs"))
    turn()
    assert (str(one.ended), one.times) == ("theirs", 1)


def test_where_reading_would_not_wait_it_is_not_resumed_either(made):
    one = made(Echo)
    one.stream.close()
    turn()
    assert not one.stream.await_read(one)
    assert one.times == 1


def test_a_waiter_resumes_it_when_it_is_woken_or_late():
    waiter, ended = Waiter(), []

    class Waiting(Resumable):
        def resume(self) -> None:
            try:
                waiter.wait(60)
            except StreamTimeout as error:
                ended.append(error)
            else:
                ended.append(None)

    assert waiter.hold(Waiting(), 60)
    waiter.wake()
    turn()
    assert ended == [None]
    assert waiter.hold(Waiting(), 0.01)
    gevent.sleep(0.05)
    sweep()
    turn()
    assert isinstance(ended[1], StreamTimeout)
    waiter.fail(StreamClosed("theirs"))
    assert not waiter.hold(Waiting(), 60)


def test_a_turn_comes_before_the_event_loop_waits_and_not_at_once():
    ran = []

    class Waiting(Resumable):
        def resume(self) -> None:
            ran.append(1)

    turns = Turn()
    turns.call(Waiting())
    assert not ran
    turn()
    assert ran == [1]


CROWD = """
import gevent
from gevent.event import Event
from edge.data.accepting.listener import LATER
from edge.data.net._scheduler import Resumable
from edge.data.net._waiter import Turn, Waiter

NUMBER = 20_000
ended = []
waiters = []

class One(Resumable):
    def resume(self):
        waiter = Waiter()
        waiters.append(waiter)
        waiter.wait(40)
        ended.append(self)
        if len(ended) == NUMBER:
            over.set()

over = Event()
ones = [(One(), Turn()) for _ in range(NUMBER)]
for one, turn in ones:
    turn.call(one)
with gevent.Timeout(60):
    while len(waiters) < NUMBER:
        gevent.sleep(0)
for waiter in waiters:
    waiter.wake()
assert over.wait(40)
assert {id(one) for one in ended} == {id(one) for one, _ in ones}
"""
"""Many that all wait while they run, each in a greenlet that the one before has started."""


def test_a_crowd_that_waits_while_it_runs_does_not_use_up_the_stack():
    subprocess.run([sys.executable, "-c", CROWD], timeout=200, check=True)
