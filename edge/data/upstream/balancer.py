"""The endpoints of one Service port, and the choice among them.

Rules of this file:
- A `Balancer` follows the table lazily: `choose` reads the record again if the part of the table has changed.
- A target that is ejected or recovering is chosen only if no other is left, or at random.
"""

from __future__ import annotations

import random
from time import monotonic
from typing import TYPE_CHECKING

from edge.data.upstream.chooser import Chooser
from edge.data.upstream.ewma import Scores
from edge.data.upstream.hashing import Ring, digest
from edge.data.upstream.target import PLAIN
from edge.table.reader import UnreadableError
from edge.table.records import Balance, ServicePort, upstream_name

if TYPE_CHECKING:
    from edge.data.exchange._outcome import Outcome
    from edge.data.upstream.target import Target, Targets
    from edge.data.upstream.tls import EndpointTls
    from edge.table.reader import Part
    from edge.table.records import Transport

UNTIMED = frozenset((0, 101, 502))
"""Statuses of attempts whose time is not counted: there was no answer, or the connection became a tunnel."""


class Balancer(Chooser):
    """The endpoints of one Service port, with one transport."""

    def __init__(
        self,
        key: str,
        part: Part,
        targets: Targets,
        transport: Transport = PLAIN,
        tls: EndpointTls | None = None,
    ) -> None:
        """TLS: that of TRANSPORT, made ready."""
        self.key = key
        self.transport = transport
        self._tls = tls
        self.generation = -1
        self.record: ServicePort | None = None
        self.targets: list[Target] = []
        self._part = part
        self._registry = targets
        self._next = random.randrange(1 << 16)  # so that workers do not all begin with the same endpoint
        self._of_two = False
        self.scores: Scores | None = None
        """Response times of the endpoints; None: the algorithm does not use them."""
        self._ring: Ring[Target] | None = None
        self._digests: dict[bytes, Target] | None = None
        self._closed = False

    def update(self) -> None:
        """Read the service's record from the table."""
        self.generation = self._part.generation
        if self._closed:
            return
        try:
            record = self._part.get(self.key, ServicePort)
        except UnreadableError:
            return  # keep the known endpoints; without any the answer is 503
        if record is self.record:
            return
        self.record = record
        before = self.targets
        endpoints = record.endpoints if record is not None else ()
        self.targets = [self._registry.acquire(one.address, one.port, self.transport, self._tls) for one in endpoints]
        for target in before:
            self._registry.release(target)
        if self._ring is not None:
            self._ring.update({target.name: target for target in self.targets})
        self._digests = None
        balance = record.balance if record is not None else Balance.ROUND_ROBIN
        self._of_two = balance is not Balance.ROUND_ROBIN
        if balance is not Balance.EWMA:
            self.scores = None
        else:
            self.scores = self.scores or Scores()
            self.scores.update([target.name for target in self.targets], monotonic())

    def close(self) -> None:
        """Release the targets. Requests in flight may still choose among them."""
        self._closed = True
        for target in self.targets:
            self._registry.release(target)

    def ready(self) -> bool:
        """Whether there is an endpoint to choose."""
        if self.generation != self._part.generation:
            self.update()
        return bool(self.targets)

    @property
    def upstream(self) -> str:
        """The name of the Service port, see `edge.table.records.upstream_name`."""
        record = self.record
        return upstream_name(record.namespace, record.name, record.port) if record is not None else ""

    def ring(self) -> Ring[Target]:
        """The endpoints on a hash ring, which the first call makes."""
        if self._ring is None:
            self._ring = Ring()
            self._ring.update({target.name: target for target in self.targets})
        return self._ring

    def digests(self) -> dict[bytes, Target]:
        """The endpoints by their `hashing.digest`."""
        if self._digests is None:
            self._digests = {digest(self.upstream, target.name): target for target in self.targets}
        return self._digests

    def choose(self, tried: tuple[Target, ...]) -> Target | None:
        """The endpoint to ask, none of TRIED; None: there is none."""
        if self.generation != self._part.generation:
            self.update()
        return self._better_of_two(tried) if self._of_two else self._round_robin(tried)

    def still(self, target: Target) -> Target | None:
        """TARGET, chosen earlier, if it still exists and is healthy, else as `choose`."""
        if self.generation != self._part.generation:
            self.update()
        return target if target in self.targets and not target.failures else self.choose(())

    def _round_robin(self, tried: tuple[Target, ...]) -> Target | None:
        targets = self.targets
        count = len(targets)
        if not count:
            return None
        first = (self._next + 1) % count
        if not tried:  # after a retry the next request must not begin with the endpoint that failed
            self._next = first
        target = targets[first]
        if not target.failures and not tried:
            return target
        return self._next_best([*targets[first:], *targets[:first]], tried)

    def _better_of_two(self, tried: tuple[Target, ...]) -> Target | None:
        targets = self.targets
        count = len(targets)
        if not count:
            return None
        first = random.randrange(count)
        target = targets[first]
        if count > 1:
            other = targets[(first + random.randrange(1, count)) % count]
            if self._goes_before(other, target):
                target = other
        if not target.failures and not tried:
            return target
        return self._next_best(random.sample(targets, len(targets)), tried)

    def _goes_before(self, one: Target, other: Target) -> bool:
        if self.scores is None:
            return one.in_flight < other.in_flight
        # Requests in flight count too, or all requests of a moment would go to the endpoint that was the fastest.
        now, score = monotonic(), self.scores.score
        return score(one.name, now) * (one.in_flight + 1) < score(other.name, now) * (other.in_flight + 1)

    def note(self, outcome: Outcome) -> None:
        """Update the response times of endpoints."""
        if self.scores is None:
            return
        now = monotonic()
        last = (outcome.endpoint, outcome.upstream_seconds, outcome.upstream_status)
        for name, seconds, status, *_ in (*(outcome.earlier or ()), last):
            if seconds >= 0 and status not in UNTIMED:
                self.scores.note(name, seconds, now)

    @staticmethod
    def _next_best(order: list[Target], tried: tuple[Target, ...]) -> Target | None:
        """The first target of ORDER that is healthy and untried, else a recovering one, else any; None: all have been
        tried."""
        fresh = [target for target in order if target not in tried]
        if not fresh:
            return None
        now = monotonic()
        for target in fresh:
            if not target.failures or target.may_try(now):
                return target
        return next((target for target in fresh if target.ejected_until <= now), fresh[0])
