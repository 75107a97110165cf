"""Requests that come when they are due, whatever the proxy does: the load of `latency.py`.

Rules of this file:
- Requests come at random, at a given rate (exponential gaps, the same ones for each proxy). The time of one counts from
  when it was due, also where it had to wait for a free connection or for this process: a proxy that stalls makes no
  request disappear (coordinated omission).
- At a rate of 0 each client asks again as soon as it is answered, and a time counts from there.
- A request that goes out late although nothing kept it is the load generator's own doing. Such a *lag* is part of the
  time, and is reported beside it.
"""

from __future__ import annotations

import ctypes
import gc
import math
import os
import random
import select
import socket
import ssl
import struct
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from proxies import HOST

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    Exchange = Generator[int, None, bool]
    """One request: it yields its descriptor where it has to wait for something to read; whether it went well."""

GOOD = b"HTTP/1.1 200"
ANSWER = b"hello, world\n"
REQUEST = f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
LAST_REQUEST = f"GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode()
PATIENCE = 10.0
"""Seconds for what is under way when the time is over."""
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER that leaves no port in TIME_WAIT."""

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass
class Times:
    """What a load found: seconds of single requests, and of their lags."""

    took: list[float] = field(default_factory=list)
    lags: list[float] = field(default_factory=list)
    failed: int = 0
    rate: float = 0.0
    """Answers per second."""


def quantile(seconds: list[float], share: float) -> float:
    """Milliseconds below which this SHARE of SECONDS lies."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 if ordered else math.nan


class Alarm:
    """A descriptor that is readable from a time on (timerfd_create(2)): a timeout of epoll has whole milliseconds."""

    def __init__(self) -> None:
        self.fd = _libc.timerfd_create(time.CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)

    def set(self, at: float) -> None:
        """Ring AT this time of the monotonic clock."""
        _libc.timerfd_settime(self.fd, 1, struct.pack("4q", 0, 0, *divmod(max(int(at * 1e9), 1), 10**9)), None)


class Client:
    """Who asks the proxy at PORT, one request at a time, from the address with this NUMBER."""

    keeps_open = True

    def __init__(self, port: int, number: int = 0) -> None:
        self._place = ("127.0.0.1", port)
        self._source = (f"127.0.0.{2 + number}", 0)

    def ask(self) -> Exchange:
        """A request of this client."""
        raise NotImplementedError

    def close(self) -> None:
        """It asks no more."""

    def connect(self) -> socket.socket:
        """A new connection."""
        made = socket.create_connection(self._place, PATIENCE, self._source)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        made.setblocking(False)
        return made


class KeepsOpen(Client):
    """Has one connection of HTTP/1.1."""

    def __init__(self, port: int, number: int = 0) -> None:
        super().__init__(port, number)
        self._sock = self.connect()
        self._fd = self._sock.fileno()

    def ask(self) -> Exchange:
        """As `Client`."""
        self._sock.send(REQUEST)
        answer = b""
        while not answer.endswith(ANSWER):
            yield self._fd
            data = self._sock.recv(65536)
            answer += data
            if not data or not answer.startswith(GOOD[: len(answer)]):
                return False
        return True

    def close(self) -> None:
        """As `Client`."""
        self._sock.close()


class ConnectsAnew(Client):
    """Has a new connection of TLS 1.3 for each request."""

    keeps_open = False
    context = ssl._create_unverified_context()  # noqa: SLF001 - the certificate is made by the bench

    def ask(self) -> Exchange:
        """As `Client`."""
        with self.context.wrap_socket(self.connect(), server_hostname=HOST, do_handshake_on_connect=False) as sock:
            fd = sock.fileno()
            while not _done(sock.do_handshake):
                yield fd
            sock.send(LAST_REQUEST)
            answer = b""
            while True:
                try:
                    data = sock.recv(65536)
                except ssl.SSLWantReadError:
                    yield fd
                    continue
                if not data:
                    return answer.startswith(GOOD) and answer.endswith(ANSWER)
                answer += data


def _done(step: Callable[[], object]) -> bool:
    try:
        step()
    except ssl.SSLWantReadError:
        return False
    return True


class Load:
    """Requests of CLIENTS: the next one is that of the client that has been idle for longest."""

    def __init__(self, clients: list[Client]) -> None:
        self._idle = deque(clients)
        self._under_way: dict[int, tuple[Exchange, float, Client]] = {}
        self._watched: set[int] = set()
        self._epoll = select.epoll()
        self._alarm = Alarm()
        self._epoll.register(self._alarm.fd, select.EPOLLIN)
        self._times = Times()

    def run(self, rate: float, seconds: float) -> Times:
        """RATE requests per second, for SECONDS; 0: each client asks again as soon as it is answered."""
        chance = random.Random(7)
        times = self._times = Times()
        waiting: deque[float] = deque()
        begun = now = due = time.monotonic()
        end = begun + seconds
        gc.disable()  # it would be a pause of ours
        while now < end or self._under_way or waiting:
            while rate and due <= now and due < end:
                if self._idle and not waiting:
                    times.lags.append(now - due)
                waiting.append(due)
                due += chance.expovariate(rate)
            while self._idle and (waiting if rate else now < end):
                client = self._idle.popleft()
                self._go_on(client.ask(), waiting.popleft() if rate else time.monotonic(), client)
                now = time.monotonic()
            if rate and due < end:
                self._alarm.set(due)
            for fd, _ in self._epoll.poll(0.1):
                self._ready(fd)
            now = time.monotonic()
            if now > end + PATIENCE:
                break
        gc.enable()
        times.failed += len(self._under_way) + len(waiting)
        times.rate = len(times.took) / (now - begun)
        return times

    def close(self) -> None:
        """End all clients."""
        for client in self._idle:
            client.close()
        self._epoll.close()
        os.close(self._alarm.fd)

    def _ready(self, fd: int) -> None:
        if fd == self._alarm.fd:
            with suppress(BlockingIOError):
                os.read(fd, 8)
        elif fd in self._under_way:
            self._go_on(*self._under_way.pop(fd))
        else:  # an idle connection was closed: its client will notice when it asks
            self._epoll.unregister(fd)

    def _go_on(self, exchange: Exchange, due: float, client: Client) -> None:
        """Go on with an EXCHANGE that was DUE at this time."""
        try:
            fd = next(exchange)
        except StopIteration as end:
            if end.value:
                self._times.took.append(time.monotonic() - due)
            else:
                self._times.failed += 1
        except OSError:
            self._times.failed += 1
        else:
            self._under_way[fd] = exchange, due, client
            if fd not in self._watched:
                self._watched.add(fd)
                self._epoll.register(fd, select.EPOLLIN)
            return
        if not client.keeps_open:
            self._watched = set(self._under_way)  # the descriptors of the others are closed
        self._idle.append(client)
