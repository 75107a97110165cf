"""Waiting for conditions, and free ports."""

from __future__ import annotations

import os
import random
import socket
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_PROCESSES = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_PROCESS = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _PROCESSES
_PORTS = range(15000 + _PROCESS, 32000, _PROCESSES)
"""Below the range from which the kernel takes ports for outgoing connections, so that none of those steals one. Each
process of a run side by side has ports of its own."""
_given: set[int] = set()


def eventually(condition: Callable[[], T], *, timeout: float = 40.0, message: str = "") -> T:
    """What CONDITION gives as soon as that is true; a failed assertion or connection in it counts as not yet.

    Raises:
        AssertionError: it did not come true in TIMEOUT seconds.
    """
    deadline = time.monotonic() + timeout
    while True:
        failure: Exception | None = None
        try:
            if value := condition():
                return value
        except (AssertionError, ConnectionError) as error:
            failure = error
        if time.monotonic() > deadline:
            raise AssertionError(message or f"not so within {timeout:g} s") from failure
        time.sleep(0.01)


def free_port(host: str = "127.0.0.1") -> int:
    """A port on which nobody listens, and that this process has not been given before."""
    for _ in range(1000):
        port = random.choice(_PORTS)
        if port in _given:
            continue
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind((host, port))
                sock.listen(1)
            except OSError:
                continue
        _given.add(port)
        return port
    raise AssertionError("no free port")


def has_ipv6() -> bool:
    """Whether this machine can listen on ::1."""
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True
