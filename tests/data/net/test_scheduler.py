"""Greenlets that wait for sockets: each goes on once, with its own bytes, whatever else is due."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING

import gevent
import gevent.event
import pytest
from gevent.exceptions import BlockingSwitchOutError

from edge.data.net._scheduler import use_libev
from edge.data.net._stream import Stream
from edge.data.net.errors import StreamClosed
from edge.data.net.private import LIBEV

if TYPE_CHECKING:
    from collections.abc import Callable

MANY = 40


class Pair:
    """A stream and the socket at its other end."""

    def __init__(self) -> None:
        near, self.far = socket.socketpair()
        near.setblocking(False)
        self.stream = Stream(near.detach())

    def close(self) -> None:
        self.stream.close()
        self.far.close()


@pytest.fixture
def pairs():
    with ExitStack() as stack:

        def make(number: int) -> list[Pair]:
            made = [Pair() for _ in range(number)]
            for one in made:
                stack.callback(one.close)
            return made

        yield make


def echo(pair: Pair) -> None:
    """Send back what comes until the end."""
    while pair.stream.fill():
        pair.stream.send(pair.stream.take(len(pair.stream)))


def swap_with_all(made: list[Pair]) -> None:
    """All of them are ready at the same time, several times over."""
    for turn in range(5):
        for number, pair in enumerate(made):
            pair.far.sendall(b"%d:%d" % (turn, number))
        for number, pair in enumerate(made):
            pair.far.setblocking(False)
            with gevent.Timeout(40):
                while True:
                    gevent.sleep(0)
                    try:
                        assert pair.far.recv(100) == b"%d:%d" % (turn, number)
                    except BlockingIOError:
                        continue
                    break


def test_greenlets_that_are_due_together_each_get_their_own(pairs):
    made = pairs(MANY)
    serving = [gevent.spawn(echo, pair) for pair in made]
    swap_with_all(made)
    for pair in made:
        pair.far.close()
    gevent.joinall(serving, timeout=40, raise_error=True)
    assert all(one.dead for one in serving)


def test_those_that_are_due_together_go_on_in_the_order_in_which_their_bytes_came(pairs):
    made = pairs(MANY)
    order = []

    def note(number: int) -> None:
        made[number].stream.fill()
        order.append(number)

    noting = [gevent.spawn(note, number) for number in range(MANY)]
    gevent.sleep(0.001)  # a turn of the event loop: it watches them from now on
    wanted = [*range(0, MANY, 2), *range(1, MANY, 2)]
    for number in wanted:
        made[number].far.sendall(b"x")
    gevent.joinall(noting, timeout=40, raise_error=True)
    assert order == wanted


def test_one_that_ends_with_an_error_does_not_keep_others_from_their_turn(pairs, capsys):
    made = pairs(MANY)

    def fail(pair: Pair) -> None:
        pair.stream.fill()
        raise ZeroDivisionError("mine")

    for pair in made[::2]:
        gevent.spawn_raw(fail, pair)
    for pair in made[1::2]:
        gevent.spawn_raw(echo, pair)
    gevent.sleep(0)
    for pair in made[::2]:
        pair.far.sendall(b"x")
    swap_with_all(made[1::2])
    assert capsys.readouterr().err.count("ZeroDivisionError: mine") == MANY // 2


def test_one_that_starts_others_while_it_is_due_has_them_run_before_the_loop_waits(pairs):
    (pair,) = pairs(1)
    ran = []

    def start() -> None:
        pair.stream.fill()
        gevent.spawn(ran.append, 1).link(lambda _: ran.append(2))

    starting = gevent.spawn(start)
    gevent.sleep(0)
    pair.far.sendall(b"x")
    starting.join(40)
    gevent.sleep(0)
    gevent.sleep(0)
    assert ran == [1, 2]


def test_closing_a_stream_wakes_who_waits_for_it_without_an_event(pairs):
    (pair,) = pairs(1)
    waiting = gevent.spawn(pair.stream.fill, True)
    for _ in range(5):
        gevent.sleep(0)
    pair.stream.close()
    with pytest.raises(StreamClosed):
        waiting.get(timeout=40)


def test_a_callback_that_an_event_asks_for_is_called_before_the_loop_waits(pairs):
    """Nothing else would end the wait."""
    (pair,) = pairs(1)
    called = gevent.event.Event()
    watcher = gevent.get_hub().loop.io(pair.far.fileno(), 1)

    def ask() -> None:
        watcher.stop()
        watcher.loop.run_callback(called.set)

    watcher.start(ask)
    pair.stream.send(b"x")
    assert called.wait(40)
    watcher.close()


SIGNALLED = """
import os, signal, threading, time
import gevent
from edge.data.net._waiter import Turn

def end():
    time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGUSR1)

kept = Turn()
signal.signal(signal.SIGUSR1, {handler})
threading.Thread(target=end, daemon=True).start()
gevent.sleep(300)
"""


@pytest.mark.parametrize(
    ("handler", "status"), [("lambda *_: os._exit(7)", 7), ("lambda *_: exit(8)", 8)], ids=["ends", "raises"]
)
def test_a_signal_is_handled_while_the_loop_waits(handler, status):
    program = SIGNALLED.format(handler=handler)
    assert subprocess.run([sys.executable, "-c", program], timeout=60, check=False).returncode == status


def test_the_event_loop_itself_cannot_wait(pairs):
    (pair,) = pairs(1)
    caught: list[BaseException] = []

    def wait() -> None:
        try:
            pair.stream.fill(True)
        except BlockingSwitchOutError as error:
            caught.append(error)

    gevent.get_hub().loop.run_callback(wait)
    gevent.sleep(0)
    assert caught


def in_a_thread(work: Callable[[], None]) -> None:
    """WORK done in a thread, which has an event loop of its own."""
    faults: list[Exception] = []

    def run() -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - raised again by the caller
            faults.append(error)
        finally:
            gevent.get_hub().destroy(destroy_loop=True)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    assert not faults, faults


def exchange() -> None:
    made = [Pair() for _ in range(3)]
    serving = [gevent.spawn(echo, pair) for pair in made]
    swap_with_all(made)
    for pair in made:
        pair.far.close()
    gevent.joinall(serving, timeout=40, raise_error=True)
    for pair in made:
        pair.close()


def test_each_thread_has_greenlets_of_its_own():
    in_a_thread(exchange)


def test_without_libev_gevents_own_watchers_do_the_same():
    use_libev({})
    try:
        in_a_thread(exchange)
    finally:
        use_libev(LIBEV.functions())
