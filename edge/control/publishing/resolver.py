"""The DNS names of ExternalName Services and of hosts in URLs, resolved in threads of their own.

Rules of this file:
- Names are resolved by getaddrinfo(3), as in any program on this machine. It gives no lifetimes, so an answer is kept
  for TTL seconds, and a failed name is tried again after RETRY.
- Addresses that were once found stay in use for STALE seconds while the name cannot be resolved.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from edge.control.agenda import Agenda
from edge.control.compiling.dns_names import Resolution

logger = logging.getLogger(__name__)

TTL: Final = 30.0
RETRY: Final = 5.0
STALE: Final = 600.0
THREADS: Final = 4
"""Names that are looked up at the same time: one that is not answered must not delay the others."""

Look = Callable[[str], tuple[str, ...]]


@dataclass(slots=True)
class _Name:
    resolution: Resolution | None = None
    found: float = 0.0
    """When it was last resolved, monotonic seconds."""


class Resolver:
    """Resolves the names that are wanted, again and again."""

    def __init__(self, on_change: Callable[[str], None], *, look: Look | None = None, ttl: float = TTL) -> None:
        """ON_CHANGE is called, from any thread, with each name whose addresses have changed.

        LOOK gives the addresses of a name and raises OSError when it cannot.
        """
        self._on_change = on_change
        self._look = look or addresses_of
        self._ttl = ttl
        self._changed = threading.Condition()
        self._names: dict[str, _Name] = {}
        self._due: Agenda[str] = Agenda()
        """When (monotonic seconds) a name is to be looked up; one that a thread is looking up is not there."""
        self._stopping = False
        self._threads: list[threading.Thread] = []

    def want(self, names: frozenset[str]) -> None:
        """Follow NAMES and no others."""
        with self._changed:
            for name in self._names.keys() - names:
                del self._names[name]
                self._due.drop(name)
            fresh = names - self._names.keys()
            for name in fresh:
                self._names[name] = _Name()
                self._due.put(name, 0.0)
            if fresh and not self._threads:
                self._start()
            self._changed.notify_all()

    def look_up(self, name: str) -> Resolution | None:
        """The addresses of NAME; None: not known yet."""
        with self._changed:
            known = self._names.get(name)
            return known.resolution if known is not None else None

    def stop(self) -> None:
        """Stop. A query that is under way is not waited for."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    def _start(self) -> None:
        for number in range(THREADS):
            thread = threading.Thread(target=self._run, name=f"resolver {number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _run(self) -> None:
        while True:
            name = self._next()
            if name is None:
                return
            try:
                addresses, fault = self._look(name), ""
            except (OSError, ValueError) as error:  # ValueError: a label that is too long, or a NUL
                addresses, fault = (), getattr(error, "strerror", None) or str(error)
            if self._take(name, addresses, fault):
                self._on_change(name)

    def _next(self) -> str | None:
        """The next name to look up; waits for it. None: stop."""
        with self._changed:
            while not self._stopping:
                now = time.monotonic()
                name = self._due.take(now)
                if name is not None:
                    return name
                due = self._due.next
                self._changed.wait(due - now if due is not None else None)
            return None

    def _take(self, name: str, addresses: tuple[str, ...], fault: str) -> bool:
        """Keep the answer; whether it differs from the last one."""
        now = time.monotonic()
        with self._changed:
            known = self._names.get(name)
            if known is None:
                return False
            before = known.resolution
            if not fault:
                known.found = now
                known.resolution = Resolution(addresses)
            elif before is not None and now - known.found < STALE:
                known.resolution = Resolution(before.addresses, fault)
            else:
                known.resolution = Resolution((), fault)
            self._due.put(name, now + (RETRY if fault else self._ttl))
            self._changed.notify()
            return known.resolution != before


def addresses_of(name: str) -> tuple[str, ...]:
    """The addresses of NAME, sorted.

    Raises:
        OSError: it has none, or the DNS does not answer.
    """
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return tuple(sorted({str(address[0]) for *_, address in found}))
