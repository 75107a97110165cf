"""`status.loadBalancer.ingress` of the Ingresses that we serve.

Rules of this file:
- Those of `edge.control.answers.writer`.
- Only for Ingresses of the routing table, and only if the status differs from what it should be.
- The latest Ingress comes first, because its author is waiting for it.

https://kubernetes.io/docs/reference/kubernetes-api/service-resources/ingress-v1/
"""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from edge.control.answers.status_writer import StatusWriter
from edge.control.answers.writer import CONFLICT, RATE
from edge.control.api import wire
from edge.control.api.backoff import Backoff
from edge.control.api.errors import KubernetesError, RefusedError
from edge.control.kinds import resources
from edge.control.kinds.objects import ObjectId

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge.control.answers.addresses import Origin
    from edge.control.api.lease import Election
    from edge.control.api.transport import Transport
    from edge.control.kinds.ingress import Ingress
    from edge.control.kinds.objects import Key
    from edge.control.publishing.state import Round
    from edge.control.translate.service_addresses import Addresses

logger = logging.getLogger(__name__)

WITHDRAWERS: Final = 8
"""Concurrent writes when addresses are removed, because a pod that ends has little time."""


@dataclass(slots=True)
class Seen:
    """The newest version of an Ingress that we have seen."""

    version: str
    addresses: Addresses


class IngressStatusWriter(StatusWriter[tuple[Seen, "Addresses"]]):
    """Keeps the status of served Ingresses true while ELECTION is won."""

    latest_first = True

    def __init__(self, transport: Transport, election: Election, origin: Origin, *, rate: float = RATE) -> None:
        super().__init__(transport, election, origin, rate=rate)
        self._seen: dict[ObjectId, Seen] = {}
        self._ours: set[ObjectId] = set()
        self._withdrawing = False

    # --- what is heard, by other threads ----------------------------------------------------------------------------

    def seen(self, ingress: Ingress) -> None:
        """INGRESS exists in this version."""
        name = ingress.id
        addresses = ingress.status.addresses if ingress.status is not None else ()
        with self._changed:
            self._seen[name] = Seen(ingress.metadata.resource_version, addresses)
            self._consider(name)

    def gone(self, key: Key) -> None:
        """It is deleted."""
        name = ObjectId(resources.INGRESS.name, *key)
        with self._changed:
            self._seen.pop(name, None)
            self._forget(name)

    def heard(self, what: Round) -> None:
        """The routing table is different."""
        with self._changed:
            for name, ingress in what.served.items():
                if ingress is None:
                    self._ours.discard(name)
                    self._forget(name)
                else:
                    self._ours.add(name)
                    self._consider(name)

    def _every(self) -> Iterable[ObjectId]:
        return self._ours

    def _consider(self, name: ObjectId) -> None:
        seen, wanted = self._seen.get(name), self._addresses
        if seen is None or wanted is None or name not in self._ours or self._withdrawing:
            return
        if same(seen.addresses, wanted):
            self._forget(name)
        else:
            self._make_due(name)

    # --- writing ----------------------------------------------------------------------------------------------------

    def _may_write(self) -> bool:
        return not self._withdrawing and super()._may_write()

    def _job(self, name: ObjectId) -> tuple[Seen, Addresses] | None:
        seen = self._seen.get(name)
        return (seen, self._addresses) if seen is not None and self._addresses is not None else None

    def _right(self, name: ObjectId) -> str:  # noqa: ARG002 - the same for all
        return f"verb patch on {resources.INGRESS.resource}/status"

    def _write(self, name: ObjectId, job: tuple[Seen, Addresses]) -> None:
        self._show(name, *job)

    def _show(self, name: ObjectId, seen: Seen, addresses: Addresses) -> bool:
        """Make ADDRESSES the status of NAME; False: we are no longer the leader.

        Raises:
            KubernetesError: it is not done, or not known to be.
        """
        status = {"loadBalancer": {"ingress": _json(addresses)}}
        answer = self._write_status(resources.INGRESS, name, seen.version, status)
        if answer is None:
            return False
        try:
            version = wire.decode_partial(answer).metadata.resource_version
        except msgspec.DecodeError:
            return True  # the watch will deliver the version
        with self._changed:
            if self._seen.get(name) is seen:
                self._seen[name] = Seen(version, addresses)
        return True

    # --- the end ----------------------------------------------------------------------------------------------------

    @property
    def has_something(self) -> bool:
        """Whether any status has addresses of ours."""
        with self._changed:
            return any(self._rest(self._seen.get(name)) is not None for name in self._ours)

    def withdraw(self, seconds: float) -> None:
        """Remove our addresses from every status; stops after SECONDS, or when leadership is lost."""
        with self._changed:
            self._withdrawing = True
            self._due.clear()
            names = list(self._ours)
        end = time.monotonic() + seconds
        with ThreadPoolExecutor(WITHDRAWERS, "withdraw status") as pool:
            left = sum(pool.map(lambda name: not self._withdraw(name, end), names))
        if left:
            logger.warning("status of %d Ingresses: there was no time to remove our addresses", left)

    def _withdraw(self, name: ObjectId, end: float) -> bool:
        """Remove our addresses from one status; whether they are removed."""
        backoff = Backoff(base=CONFLICT[0], cap=1.0)
        while time.monotonic() < end and self._election.leads:
            with self._changed:
                seen = self._seen.get(name)
            rest = self._rest(seen)
            if seen is None or rest is None:
                return True
            try:
                if self._show(name, seen, rest):
                    return True
            except KubernetesError as error:
                if isinstance(error, RefusedError) and error.code == 403:
                    return False
                time.sleep(backoff.next())  # a conflict, or a fault that may pass
        return False

    def _rest(self, seen: Seen | None) -> Addresses | None:
        """A status without our addresses; None: it has none of ours."""
        if seen is None or not self._addresses:
            return None
        rest = tuple(one for one in seen.addresses if one not in self._addresses)
        return rest if len(rest) < len(seen.addresses) else None


def same(have: Addresses, wanted: Addresses) -> bool:
    """Whether both are the same addresses, in whatever order."""
    return len(have) == len(wanted) and set(have) == set(wanted)


def _json(addresses: Addresses) -> list[dict[str, Any]] | None:
    """As JSON; null takes the field out (RFC 7396)."""
    both = ([("ip", one.ip), ("hostname", one.hostname)] for one in addresses)
    return [{name: value for name, value in pair if value} for pair in both] or None
