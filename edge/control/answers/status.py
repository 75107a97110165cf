"""`status.loadBalancer.ingress` of the Ingresses that we serve.

Rules of this file:
- Written by the leader alone, and a write is given no more time than leadership is certain for.
- Only for Ingresses of the routing table, and only where the status is different from what it should be.
- Each write names the version that it was decided on; after a conflict it is decided again, on a newer version.
- The latest Ingress comes first, because its author is waiting for it.

https://kubernetes.io/docs/reference/kubernetes-api/service-resources/ingress-v1/
"""

from __future__ import annotations

import heapq
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from edge.control.api import wire
from edge.control.api.backoff import Backoff
from edge.control.api.errors import KubernetesError, RefusedError
from edge.control.api.pace import Bars, Pace
from edge.control.api.threads import persist
from edge.control.api.transport import MERGE_PATCH
from edge.control.kinds import resources

if TYPE_CHECKING:
    from edge.control.answers.addresses import Addresses, Origin
    from edge.control.api.lease import Election
    from edge.control.api.transport import Transport
    from edge.control.kinds.objects import Ingress, Key
    from edge.control.publishing.state import Round

logger = logging.getLogger(__name__)

RATE = 100.0
"""Most writes per second in the long run, and at once."""
PATIENCE = 10.0
"""Longest silence of the API server in one write, seconds."""
CONFLICT = (0.1, 10.0)
"""First and longest wait after a conflict, seconds; a newer version that arrives ends it."""
WITHDRAWERS = 8
"""Writes at the same time when addresses are taken back, for which a pod has not long."""


@dataclass(slots=True)
class Seen:
    """The newest version of an Ingress that we have seen."""

    version: str
    addresses: Addresses


class StatusWriter:
    """Keeps the status of served Ingresses true while ELECTION is won."""

    def __init__(self, transport: Transport, election: Election, origin: Origin, *, rate: float = RATE) -> None:
        self.trouble = ""
        """Why the last write failed, for people."""
        self._transport = transport
        self._election = election
        self._origin = origin
        self._pace = Pace(rate, rate)
        self._bars = Bars()
        self._changed = threading.Condition()
        self._seen: dict[Key, Seen] = {}
        self._ours: set[Key] = set()
        self._due: dict[Key, None] = {}
        """To be written; the latest is the last."""
        self._later: list[tuple[float, Key]] = []
        """Heap of those that had a conflict or are forbidden, with the time of the next try."""
        self._conflicts: dict[Key, Backoff] = {}
        self._addresses: Addresses | None = None
        self._stopping = False
        self._withdrawing = False
        self._thread = threading.Thread(target=persist, args=(self._turn,), name="write status", daemon=True)
        election.listeners.append(self._elected)
        origin.listeners.append(self._moved)

    def start(self) -> None:
        """Begin in a thread of its own."""
        self._moved()
        self._thread.start()

    def stop(self) -> None:
        """End soon."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join(PATIENCE)

    # --- what is heard, by other threads ----------------------------------------------------------------------------

    def seen(self, ingress: Ingress) -> None:
        """INGRESS exists in this version."""
        metadata = ingress.metadata
        key = (metadata.namespace, metadata.name)
        addresses = ingress.status.addresses if ingress.status is not None else ()
        with self._changed:
            self._seen[key] = Seen(metadata.resource_version, addresses)
            self._consider(key)

    def gone(self, key: Key) -> None:
        """It is deleted."""
        with self._changed:
            self._seen.pop(key, None)
            self._forget(key)

    def heard(self, what: Round) -> None:
        """The routing table is different."""
        with self._changed:
            for name, ingress in what.served.items():
                key = (name.namespace, name.name)
                if ingress is None:
                    self._ours.discard(key)
                    self._forget(key)
                else:
                    self._ours.add(key)
                    self._consider(key)

    def _elected(self, leads: bool) -> None:  # the signature of a listener
        with self._changed:
            if leads:
                self._consider_all()
            self._changed.notify()

    def _moved(self) -> None:
        addresses = self._origin.addresses()
        with self._changed:
            if addresses is not None and addresses != self._addresses:
                self._addresses = addresses
                self._consider_all()

    def _consider_all(self) -> None:
        for key in self._ours:
            self._consider(key)

    def _consider(self, key: Key) -> None:
        """Have the status of KEY written if it is ours and wrong."""
        seen, wanted = self._seen.get(key), self._addresses
        if seen is None or wanted is None or key not in self._ours or self._withdrawing:
            return
        if same(seen.addresses, wanted):
            self._forget(key)
        elif key not in self._due:
            self._due[key] = None
            self._changed.notify()

    def _forget(self, key: Key) -> None:
        self._due.pop(key, None)
        self._conflicts.pop(key, None)

    # --- writing ----------------------------------------------------------------------------------------------------

    def _turn(self) -> bool:
        """Write the next status; False: stop."""
        job = self._next()
        if job is None:
            return False
        key, seen, addresses = job
        self._pace.take()
        try:
            self._write(key, seen, addresses)
        except KubernetesError as error:
            self._failed(key, error)
        else:
            self._pace.worked()
            self._bars.lift(key[0])
            self.trouble = ""
            with self._changed:
                self._conflicts.pop(key, None)
        return True

    def _next(self) -> tuple[Key, Seen, Addresses] | None:
        """The next write; waits for it. None: stop."""
        with self._changed:
            while not self._stopping:
                wait = self._wait()
                if wait == 0:
                    key, _ = self._due.popitem()
                    seen = self._seen.get(key)
                    if barred := self._bars.end(key[0]):
                        heapq.heappush(self._later, (barred, key))
                    elif seen is not None and self._addresses is not None:
                        return key, seen, self._addresses
                else:
                    self._changed.wait(wait)
            return None

    def _wait(self) -> float | None:
        """Seconds until there may be something to do; None: until notified."""
        now = time.monotonic()
        while self._later and self._later[0][0] <= now:
            self._consider(heapq.heappop(self._later)[1])
        next_try = self._later[0][0] - now if self._later else None
        if self._due and self._election.leads and not self._withdrawing:
            delay = self._pace.delay()
            return delay if next_try is None else min(delay, next_try)
        return next_try

    def _write(self, key: Key, seen: Seen, addresses: Addresses) -> bool:
        """Make ADDRESSES the status of KEY; False: that is another's to do now.

        Raises:
            KubernetesError: it is not done, or not known to be.
        """
        remaining = self._election.remaining
        if not remaining:
            return False
        body = {
            "metadata": {"resourceVersion": seen.version},
            "status": {"loadBalancer": {"ingress": _json(addresses)}},
        }
        answer = self._transport.request(
            "PATCH",
            f"{resources.INGRESS.path_of(key)}/status",
            body=body,
            content_type=MERGE_PATCH,
            read_timeout=min(PATIENCE, remaining),
        )
        try:
            version = wire.decode_partial(answer).metadata.resource_version
        except msgspec.DecodeError:
            return True  # the watch will deliver the version
        with self._changed:
            if self._seen.get(key) is seen:
                self._seen[key] = Seen(version, addresses)
        return True

    def _failed(self, key: Key, error: KubernetesError) -> None:
        code = error.code if isinstance(error, RefusedError) else 0
        message = f"status of Ingress {'/'.join(key)}: {error}"
        if code == 404:
            return
        if code == 409:
            with self._changed:
                backoff = self._conflicts.setdefault(key, Backoff(base=CONFLICT[0], cap=CONFLICT[1]))
                heapq.heappush(self._later, (time.monotonic() + backoff.next(), key))
            return
        if code in (400, 413, 415, 422):  # not better with the next try
            logger.warning("%s", message)
            return
        if code == 403:
            self._forbidden(key, error)
            return
        rest = self._pace.failed(error)
        if not self.trouble:
            logger.warning("%s; trying again in %.1f s", message, rest)
        self.trouble = message
        with self._changed:
            self._consider(key)

    def _forbidden(self, key: Key, error: KubernetesError) -> None:
        """Leave the namespace of KEY alone for a while; others may permit it."""
        message = f"status: {error}; grant the verb patch on ingresses.networking.k8s.io/status"
        if self._bars.put(key[0]) and not self.trouble:
            logger.warning("%s", message)
        self.trouble = message
        with self._changed:
            self._consider(key)

    # --- the end ----------------------------------------------------------------------------------------------------

    @property
    def has_something(self) -> bool:
        """Whether addresses of ours are in any status."""
        with self._changed:
            return any(self._rest(self._seen.get(key)) is not None for key in self._ours)

    def withdraw(self, seconds: float) -> None:
        """Take our addresses out of every status; gives up after SECONDS, or when leadership is lost."""
        with self._changed:
            self._withdrawing = True
            self._due.clear()
            keys = list(self._ours)
        end = time.monotonic() + seconds
        with ThreadPoolExecutor(WITHDRAWERS, "withdraw status") as pool:
            left = sum(pool.map(lambda key: not self._withdraw(key, end), keys))
        if left:
            logger.warning("status of %d Ingresses: there was no time to remove our addresses", left)

    def _withdraw(self, key: Key, end: float) -> bool:
        """Take our addresses out of one status; whether they are out."""
        backoff = Backoff(base=CONFLICT[0], cap=1.0)
        while time.monotonic() < end and self._election.leads:
            with self._changed:
                seen = self._seen.get(key)
            rest = self._rest(seen)
            if seen is None or rest is None:
                return True
            try:
                if self._write(key, seen, rest):
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
