"""Choosing the endpoint to which a key of the request belongs.

Rules of this file:
- All workers and pods agree about a key, and few keys move when endpoints come and go (`hashing`).
- An endpoint that is left out, or has failed in this request, hands its keys to the next ones on the ring.
"""

from __future__ import annotations

import random
from itertools import islice
from typing import TYPE_CHECKING

from edge.data.upstream.chooser import Chooser

if TYPE_CHECKING:
    from edge.data.upstream.balancer import Balancer
    from edge.data.upstream.target import Target


class Keyed(Chooser):
    """Chooses for one request."""

    def __init__(self, balancer: Balancer, key: bytes, size: int) -> None:
        """SIZE: endpoints of one KEY, of which one is taken at random."""
        self._balancer = balancer
        self._key = key
        self._size = size

    def choose(self, tried: tuple[Target, ...]) -> Target | None:
        """As `Chooser`."""
        if not self._balancer.ready():
            return None
        order = self._balancer.ring().order(self._key)
        last = None
        while group := list(islice(order, self._size)):
            random.shuffle(group)
            for target in group:
                if target in tried:
                    continue
                if not target.out():
                    return target
                last = last or target
        return last

    def still(self, target: Target) -> Target | None:
        """As `Chooser`."""
        there = self._balancer.ready() and target in self._balancer.targets
        return target if there and not target.out() else self.choose(())
