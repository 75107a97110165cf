"""Chooses the endpoint of a client's cookie.

Rules of this file:
- No state is kept: all workers and pods map a cookie to the same endpoint, also after a restart. Cookies of
  ingress-nginx lead to the same endpoints as there.
- The endpoint of a cookie is used unless it is ejected or has failed already. Then another one is used, and the cookie
  stays, so that the client returns; it gets a new one if that is configured, or if its endpoint is gone.
"""

from __future__ import annotations

import os
import random
import time
from typing import TYPE_CHECKING, Final

from edge.data.upstream.chooser import Chooser
from edge.data.upstream.hashing import digest
from edge.table.policies.affinity import side

if TYPE_CHECKING:
    from edge.data.upstream.balancer import Balancer
    from edge.data.upstream.target import Target

DRAWS: Final = 20
"""Random keys that are tried for an endpoint that can take the request; then the balancer chooses it."""
FURTHER_DRAWS: Final = 200
"""Random keys that are tried then for that endpoint; if none fits, no cookie is set."""


class Mode:
    """Maps a key to an endpoint of a balancer."""

    def find(self, balancer: Balancer, key: bytes) -> Target | None:
        """The endpoint of KEY; None: there is none."""
        raise NotImplementedError

    def draw(self, balancer: Balancer, tried: tuple[Target, ...]) -> tuple[Target | None, bytes]:
        """An endpoint for a new client, none of TRIED, and its key."""
        raise NotImplementedError


class _Balanced(Mode):
    """A random key has a place on the ring of endpoints: some clients move when endpoints are added."""

    def find(self, balancer: Balancer, key: bytes) -> Target | None:
        return balancer.ring().find(key)

    def draw(self, balancer: Balancer, tried: tuple[Target, ...]) -> tuple[Target | None, bytes]:
        ring, now = balancer.ring(), time.monotonic()
        for number in range(DRAWS):
            key = _key(number)
            target = ring.find(key)
            if target is not None and target not in tried and (not target.failures or target.may_try(now)):
                return target, key
        target = balancer.choose(tried)
        keys = map(_key, range(FURTHER_DRAWS)) if target is not None else ()
        return target, next((key for key in keys if ring.find(key) is target), b"")


class _Persistent(Mode):
    """A key is the digest of its endpoint: no client moves while that exists."""

    def find(self, balancer: Balancer, key: bytes) -> Target | None:
        return balancer.digests().get(key)

    def draw(self, balancer: Balancer, tried: tuple[Target, ...]) -> tuple[Target | None, bytes]:
        target = balancer.choose(tried)
        return target, digest(balancer.upstream, target.name) if target is not None else b""


BALANCED: Final = _Balanced()
PERSISTENT: Final = _Persistent()


class Sticky(Chooser):
    """Chooses for one request.

    - `cookie`: the value that the client is to get; empty: none.
    """

    def __init__(self, balancer: Balancer, mode: Mode, key: bytes, *, renews: bool) -> None:
        """KEY: of the client's cookie; empty: it has none. RENEWS: see `edge.table.policies.affinity`."""
        self._balancer = balancer
        self._mode = mode
        self._key = key
        self._renews = renews
        self._known = False
        self.cookie = b""

    def choose(self, tried: tuple[Target, ...]) -> Target | None:
        """As `Chooser`."""
        if not self._balancer.ready():
            return None
        if not tried:
            target = self._mode.find(self._balancer, self._key) if self._key else None
            self._known = target is not None
            if target is not None and not target.out():
                self.cookie = b""
                return target
        target, key = self._mode.draw(self._balancer, tried)
        new = key and (self._renews or not self._known)
        self.cookie = key + b"|" + side(self._balancer.upstream).encode() if new else b""
        return target

    def still(self, target: Target) -> Target | None:
        """As `Chooser`."""
        there = self._balancer.ready() and target in self._balancer.targets
        return target if there and not target.out() else self.choose(())


def _key(number: int) -> bytes:
    """A random key, in ingress-nginx's form; NUMBER differs for each key of a request."""
    return f"{round(time.time() + 1 + number, 3):.14g}.{os.getpid()}.{random.randint(1, 999_999)}".encode()
