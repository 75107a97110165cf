"""The status of Gateways, their classes and routes: what it is to be, and which of them may be different.

Rules of this file:
- The routes of a listener are counted as they attach: a thousand of them are one status of their Gateway.
- A status is passed on only if it differs from the last one, or if the object was created again.
- A status waits up to PATIENCE seconds for its sockets to be opened, so that a new Gateway costs one write, not two.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, TypeVar, cast

from edge.control.compiling.delta import ObjectStatus
from edge.control.compiling.sockets import PENDING
from edge.control.translate.gateway import statuses
from edge.control.translate.gateway.facts import ClassFacts, GatewayFacts, ListenerSetFacts, PolicyFacts, RouteFacts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from edge.control.compiling.secrets import Secrets
    from edge.control.compiling.store import Store
    from edge.control.kinds.gateway import Gateway
    from edge.control.kinds.objects import Key, ObjectId
    from edge.control.translate.gateway.facts import Verdict
    from edge.control.translate.gateway.statuses import Status
    from edge.control.translate.parts import Translation
    from edge.settings import Settings

T = TypeVar("T")
PATIENCE: Final = 10.0
"""Seconds."""


class GatewayStatus:
    """The status of all objects of the Gateway API that are ours."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        secrets: Secrets,
        verdicts: Callable[[ObjectId], Mapping[int, Verdict]],
    ) -> None:
        """VERDICTS: see `edge.control.compiling.sockets`."""
        self._store = store
        self._settings = settings
        self._secrets = secrets
        self._verdicts = verdicts
        self._waiting: dict[ObjectId, float] = {}
        """Those whose sockets are not open yet, and since when."""
        self._late: set[ObjectId] = set()
        """Those that have waited long enough."""
        self._counts: dict[ObjectId, Counter[str]] = {}
        """Attached routes by Gateway or ListenerSet and name of the listener."""
        self._ancestors: dict[ObjectId, Counter[Key]] = {}
        """Gateways whose routes a BackendTLSPolicy acts for, with the number of such routes."""
        self._dirty: set[ObjectId] = set()
        self._last: dict[ObjectId, ObjectStatus] = {}

    def replace(self, owner: ObjectId, old: Translation | None, new: Translation | None) -> None:
        """OWNER is translated to NEW instead of OLD."""
        self._dirty.add(owner)
        for translation, step in ((old, -1), (new, 1)):
            for gateway, listener in _attached(translation):
                _count(self._counts, gateway, listener, step)
                self._dirty.add(gateway)
            for policy, key in _secured(translation):
                _count(self._ancestors, policy, key, step)
                self._dirty.add(policy)

    def compile(
        self, touched: Iterable[ObjectId], translation: Callable[[ObjectId], Translation | None], clock: float
    ) -> dict[ObjectId, ObjectStatus | None]:
        """What is different, of those that are TOUCHED and others; None: the object is not ours, or gone.

        CLOCK: monotonic seconds.
        """
        changed: dict[ObjectId, ObjectStatus | None] = {}
        dirty = self._dirty.union(touched, self._waiting)
        self._dirty.clear()
        for owner in dirty:
            status = self._status(owner, translation(owner))
            if self._waits(owner, clock) and status is not None:
                continue
            wanted = ObjectStatus(self._store.uid(owner), status) if status is not None else None
            if wanted != self._last.get(owner):
                changed[owner] = wanted
                if wanted is None:
                    del self._last[owner]
                else:
                    self._last[owner] = wanted
        return changed

    @property
    def is_waiting(self) -> bool:
        """Whether a status waits for sockets."""
        return bool(self._waiting)

    def _waits(self, owner: ObjectId, clock: float) -> bool:
        """Whether the status of OWNER is to wait for its sockets."""
        since = self._waiting.pop(owner, clock)
        if not any(one.reason == PENDING for one in self._verdicts(owner).values()):
            self._late.discard(owner)
            return False
        if owner in self._late or clock - since >= PATIENCE:
            self._late.add(owner)
            return False
        self._waiting[owner] = since
        return True

    def _status(self, owner: ObjectId, translation: Translation | None) -> Status | None:
        found = self._store.get(owner)
        facts = translation.facts if translation is not None else None
        if found is None or facts is None:
            return None
        if isinstance(facts, ClassFacts):
            services = bool(self._settings.gateway_services)
            own = bool(self._settings.gateway_addresses) or services
            return statuses.of_class(found.metadata.generation, facts, own_addresses=own, services=services)
        if isinstance(facts, GatewayFacts):
            return statuses.of_gateway(cast("Gateway", found), facts, self._findings(owner, facts))
        if isinstance(facts, ListenerSetFacts):
            return statuses.of_listener_set(found.metadata.generation, facts, self._findings(owner, facts))
        if isinstance(facts, PolicyFacts):
            gateways = self._ancestors.get(owner, Counter())
            return statuses.of_policy(found.metadata.generation, facts, gateways, self._settings.controller_class)
        return statuses.of_route(found.metadata.generation, facts, self._settings.controller_class)

    def _findings(self, owner: ObjectId, facts: GatewayFacts | ListenerSetFacts) -> statuses.Findings:
        counts = self._counts.get(owner, Counter())
        return statuses.Findings(counts, self._faulty(facts), self._verdicts(owner))

    def _faulty(self, facts: GatewayFacts | ListenerSetFacts) -> dict[int, str]:
        """What is wrong with the certificates of listeners, by number."""
        faults: dict[int, str] = {}
        for one in facts.listeners:
            for secret in one.secrets:
                reading = self._secrets.reading(secret)
                if reading.material is None and reading.faults:
                    faults.setdefault(one.state.number, reading.faults[0].message)
        return faults


def _attached(translation: Translation | None) -> Iterator[tuple[ObjectId, str]]:
    """The listeners that a route is attached to, each once."""
    facts = translation.facts if translation is not None else None
    if isinstance(facts, RouteFacts):
        every = [(one.named, name) for one in facts.parents for name in one.listeners]
        yield from dict.fromkeys(every)


def _secured(translation: Translation | None) -> Iterator[tuple[ObjectId, Key]]:
    """The policies that act for a route, each with the Gateways that it attaches to."""
    facts = translation.facts if translation is not None else None
    if isinstance(facts, RouteFacts):
        gateways = dict.fromkeys(one.gateway for one in facts.parents if not one.accepted.reason)
        yield from ((policy, gateway) for policy in facts.policies for gateway in gateways)


def _count(counts: dict[ObjectId, Counter[T]], owner: ObjectId, what: T, step: int) -> None:
    """Count one WHAT more, or less, for OWNER; counts of zero are removed."""
    own = counts.setdefault(owner, Counter())
    own[what] += step
    if not own[what]:
        del own[what]
    if not own:
        del counts[owner]
