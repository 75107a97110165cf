"""Endpoints of a service, and the choice among them.

Rules of this file:
- A `Target` is one address and port for the whole worker: all services that name it share its idle connections and
  what is known of its health.
- A `Balancer` is one service. It follows the table lazily: its owner compares generations and calls `update`.
- Health is learned from traffic only (passive): a target that refuses connections, or breaks one after the other, is
  left out for a while, longer each time, and comes back slowly. When all are out, none is.
"""

from __future__ import annotations

import random
from time import monotonic
from typing import TYPE_CHECKING

from edge.system.addresses import Address
from edge.table.reader import UnreadableError
from edge.table.records import Balance, Service

if TYPE_CHECKING:
    from edge.data.upstream.pool import Upstream
    from edge.table.reader import Part

FIRST_EJECTION = 1.0
LONGEST_EJECTION = 30.0
SLOW_RETURN = 10.0
"""Seconds after an ejection during which a target's share of requests grows back to normal."""
QUIET = 10.0
"""Seconds between two messages in the log about faults of one target."""
BREAKS = 5
"""New connections in a row that broke without an answer, after which a target is ejected as if it refused them."""


class Target:
    """One endpoint as this worker knows it."""

    def __init__(self, address: str, port: int) -> None:
        self.address = address
        self.port = port
        self.name = str(Address(address, port))
        self.idle: list[Upstream] = []
        self.in_flight = 0
        self.failures = 0
        """Ejections since it was last well."""
        self.breaks = 0
        """New connections in a row that broke without an answer."""
        self.ejected_until = 0.0
        self.quiet_until = 0.0
        self.users = 0
        """Balancers that name this target; idle connections are kept only while there is one."""

    def __repr__(self) -> str:
        return f"<Target {self.name} idle={len(self.idle)} in_flight={self.in_flight} failures={self.failures}>"

    def failed(self) -> bool:
        """Note a connection that could not be made; whether the target has been ejected just now."""
        now = monotonic()
        if self.ejected_until > now:
            return False
        self.failures += 1
        self.ejected_until = now + min(FIRST_EJECTION * 2.0 ** min(self.failures - 1, 32), LONGEST_EJECTION)
        return True

    def broke(self) -> bool:
        """Note a new connection that broke without an answer; whether the target has been ejected just now."""
        self.breaks += 1
        return self.breaks % BREAKS == 0 and self.failed()

    def succeeded(self) -> None:
        """Note a connection that was made: an ejection that is still on ends, the slow return begins."""
        if self.failures:
            now = monotonic()
            self.ejected_until = min(self.ejected_until, now)
            self._recover(now)

    def may_be_told(self) -> bool:
        """Whether a fault is to be logged: the first, and then one now and then."""
        now = monotonic()
        if now < self.quiet_until:
            return False
        self.quiet_until = now + QUIET
        return True

    def willing(self, now: float) -> bool:
        """Whether a target with failures should be given this request."""
        if self._recover(now):
            return True
        away = now - self.ejected_until
        return away > 0 and random.random() < max(0.1, away / SLOW_RETURN)

    def _recover(self, now: float) -> bool:
        """Forget failures that are long past; whether there are none now."""
        if now - self.ejected_until >= SLOW_RETURN:
            self.failures = 0
        return not self.failures


class Targets:
    """All targets of this worker."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], Target] = {}

    def __len__(self) -> int:
        return len(self._known)

    def acquire(self, address: str, port: int) -> Target:
        """The target at ADDRESS and PORT, for one more balancer."""
        target = self._known.get((address, port))
        if target is None:
            target = self._known[address, port] = Target(address, port)
        target.users += 1
        return target

    def release(self, target: Target) -> None:
        """A balancer no longer names TARGET: the last one closes its idle connections."""
        target.users -= 1
        if target.users == 0:
            self._known.pop((target.address, target.port), None)
            while target.idle:
                target.idle.pop().close()

    def idle(self) -> list[Upstream]:
        """All idle connections."""
        return [upstream for target in self._known.values() for upstream in target.idle]


class Balancer:
    """The endpoints of one service, in the order of preference for the next request."""

    def __init__(self, key: str, part: Part, targets: Targets) -> None:
        self.key = key
        self.generation = -1
        self.record: Service | None = None
        self.targets: list[Target] = []
        self._part = part
        self._registry = targets
        self._next = random.randrange(1 << 16)  # workers should not all begin with the same endpoint
        self._by_load = False

    def update(self) -> None:
        """Take up the service's record as the table has it now."""
        self.generation = self._part.generation
        try:
            record = self._part.get(self.key, Service)
        except UnreadableError:
            return  # the endpoints that are known stay; without any the answer is 503
        if record is self.record:
            return
        self.record = record
        before = self.targets
        self.targets = [self._registry.acquire(e.address, e.port) for e in record.endpoints] if record else []
        for target in before:
            self._registry.release(target)
        self._by_load = record is not None and record.balance is Balance.LEAST_CONNECTIONS

    def close(self) -> None:
        """Give the targets back."""
        for target in self.targets:
            self._registry.release(target)
        self.targets = []
        self.record = None

    def choose(self, tried: tuple[Target, ...]) -> Target | None:
        """The endpoint to ask, none of TRIED; None: there is none."""
        return self._least_connections(tried) if self._by_load else self._round_robin(tried)

    def _round_robin(self, tried: tuple[Target, ...]) -> Target | None:
        targets = self.targets
        count = len(targets)
        if not count:
            return None
        first = (self._next + 1) % count
        if not tried:  # a further attempt must not have the next request begin with the endpoint that failed
            self._next = first
        target = targets[first]
        if not target.failures and not tried:
            return target
        return self._next_best([*targets[first:], *targets[:first]], tried)

    def _least_connections(self, tried: tuple[Target, ...]) -> Target | None:
        targets = self.targets
        count = len(targets)
        if not count:
            return None
        first = random.randrange(count)
        target = targets[first]
        if count > 1:
            other = targets[(first + random.randrange(1, count)) % count]
            if other.in_flight < target.in_flight:
                target = other
        if not target.failures and not tried:
            return target
        return self._next_best(random.sample(targets, len(targets)), tried)

    @staticmethod
    def _next_best(order: list[Target], tried: tuple[Target, ...]) -> Target | None:
        """First of ORDER that is well and untried, else coming back, else any; None when all have been tried."""
        fresh = [target for target in order if target not in tried]
        if not fresh:
            return None
        now = monotonic()
        for target in fresh:
            if not target.failures or target.willing(now):
                return target
        return next((target for target in fresh if target.ejected_until <= now), fresh[0])
