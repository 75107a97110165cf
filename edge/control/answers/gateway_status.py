"""Writes the status of GatewayClasses, Gateways and routes.

Rules of this file:
- Written by the leader alone, and a write is given no more time than leadership is certain for.
- Only where the status is different from what it should be: at most one write for an object and a change.
- Each write names the version that it was decided on; after a conflict it is decided again, on a newer version.
- The status of routes and policies is shared with other controllers: only entries of our own name are changed, in
  their place.
- lastTransitionTime changes with a condition's status only.
- Gateways without addresses of their own get those of Edge, as Ingresses do.
"""

from __future__ import annotations

import heapq
import logging
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

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
    from edge.control.kinds.objects import ObjectId
    from edge.control.publishing.state import Round
    from edge.control.translate.gateway.statuses import Status

logger = logging.getLogger(__name__)

RATE: Final = 100.0
"""Most writes per second in the long run, and at once."""
PATIENCE: Final = 10.0
"""Longest silence of the API server in one write, seconds."""
CONFLICT: Final = (0.1, 10.0)
"""First and longest wait after a conflict, seconds; a newer version that arrives ends it."""
_WITH_STATUS: Final = (
    resources.GATEWAY_CLASS,
    resources.GATEWAY,
    resources.LISTENER_SET,
    resources.BACKEND_TLS_POLICY,
    *resources.ROUTES,
)
KINDS: Final = {one.name: one for one in _WITH_STATUS}
"""Kinds that have a status of ours."""


class Shared(NamedTuple):
    """A status with an entry for each of several objects, and each controller."""

    field: str
    reference: str
    """The field of an entry that names the object."""
    most: int


_OF_ROUTES: Final = Shared("parents", "parentRef", 32)
_OF_POLICIES: Final = Shared("ancestors", "ancestorRef", 16)
SHARED: Final = {
    **{one.name: _OF_ROUTES for one in resources.ROUTES},
    resources.BACKEND_TLS_POLICY.name: _OF_POLICIES,
}
"""By kind."""


class Seen(msgspec.Struct, frozen=True):
    """The newest version of an object that we have seen."""

    version: str
    status: msgspec.Raw


class _Metadata(msgspec.Struct, rename="camel"):
    resource_version: str = ""


class _Object(msgspec.Struct):
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)
    status: msgspec.Raw = msgspec.field(default_factory=lambda: msgspec.Raw(b"{}"))


_decode = msgspec.json.Decoder(_Object).decode


class GatewayStatusWriter:
    """Keeps the status of objects of the Gateway API true while ELECTION is won."""

    def __init__(
        self, transport: Transport, election: Election, origin: Origin, *, controller: str, rate: float = RATE
    ) -> None:
        """CONTROLLER: our name."""
        self.trouble = ""
        """Why the last write failed, for people."""
        self._transport = transport
        self._election = election
        self._origin = origin
        self._controller = controller
        self._pace = Pace(rate, rate)
        self._bars = Bars()
        self._changed = threading.Condition()
        self._seen: dict[ObjectId, Seen] = {}
        self._wanted: dict[ObjectId, Status | None] = {}
        """None: nothing of ours is to stay in the status."""
        self._due: dict[ObjectId, None] = {}
        self._later: list[tuple[float, ObjectId]] = []
        """Heap of those that had a conflict or are forbidden, with the time of the next try."""
        self._conflicts: dict[ObjectId, Backoff] = {}
        self._addresses: Addresses | None = None
        self._stopping = False
        self._thread = threading.Thread(target=persist, args=(self._turn,), name="write Gateway status", daemon=True)
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

    def seen(self, name: ObjectId, raw: msgspec.Raw) -> None:
        """The object exists as RAW."""
        if name.kind not in KINDS:
            return
        try:
            found = _decode(raw)
        except msgspec.DecodeError:
            return  # the source reports it
        with self._changed:
            self._seen[name] = Seen(found.metadata.resource_version, found.status.copy())
            self._consider(name)

    def gone(self, name: ObjectId) -> None:
        """It is deleted."""
        with self._changed:
            self._seen.pop(name, None)
            self._wanted.pop(name, None)
            self._forget(name)

    def heard(self, what: Round) -> None:
        """The routing table is different."""
        with self._changed:
            for name, status in what.statuses.items():
                self._wanted[name] = status
                self._consider(name)

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
        for name in self._wanted:
            self._consider(name)

    def _consider(self, name: ObjectId) -> None:
        """Have the status of NAME looked at, if that may be wrong."""
        if name in self._seen and name in self._wanted and name not in self._due:
            self._due[name] = None
            self._changed.notify()

    def _forget(self, name: ObjectId) -> None:
        self._due.pop(name, None)
        self._conflicts.pop(name, None)

    # --- writing ----------------------------------------------------------------------------------------------------

    def _turn(self) -> bool:
        """Write the next status; False: stop."""
        job = self._next()
        if job is None:
            return False
        name, seen, patch = job
        self._pace.take()
        try:
            self._write(name, seen, patch)
        except KubernetesError as error:
            self._failed(name, error)
        else:
            self._pace.worked()
            self._bars.lift(name.namespace)
            self.trouble = ""
            with self._changed:
                self._conflicts.pop(name, None)
        return True

    def _next(self) -> tuple[ObjectId, Seen, Status] | None:
        """The next write; waits for it. None: stop."""
        with self._changed:
            while not self._stopping:
                wait = self._wait()
                if wait != 0:
                    self._changed.wait(wait)
                    continue
                name = next(iter(self._due))
                del self._due[name]
                if barred := self._bars.end(name.namespace):
                    heapq.heappush(self._later, (barred, name))
                    continue
                seen = self._seen.get(name)
                if seen is None or name not in self._wanted:
                    continue
                patch = self._patch(name, self._wanted[name], seen)
                if patch is not None:
                    return name, seen, patch
                if self._wanted[name] is None:
                    del self._wanted[name]
            return None

    def _wait(self) -> float | None:
        """Seconds until there may be something to do; None: until notified."""
        now = time.monotonic()
        while self._later and self._later[0][0] <= now:
            self._consider(heapq.heappop(self._later)[1])
        next_try = self._later[0][0] - now if self._later else None
        if self._due and self._election.leads:
            delay = self._pace.delay()
            return delay if next_try is None else min(delay, next_try)
        return next_try

    def _patch(self, name: ObjectId, wanted: Status | None, seen: Seen) -> Status | None:
        """What is to be changed in the status of NAME that was SEEN; None: nothing."""
        have: Status = msgspec.json.decode(seen.status) or {}
        shared = SHARED.get(name.kind)
        if shared is not None:
            return self._shared(shared, wanted, have)
        if wanted is None:
            return None
        if name.kind == resources.GATEWAY.name:
            wanted = self._with_addresses(wanted)
        patch = {
            field: _dated(value, have.get(field)) if field in ("conditions", "listeners") else value
            for field, value in wanted.items()
        }
        if isinstance(have.get("conditions"), list):  # those that others have set stay
            ours = {one["type"] for one in patch.get("conditions", ())}
            others = [one for one in have["conditions"] if one.get("type") not in ours]
            patch["conditions"] = patch.get("conditions", []) + others
        changed = {field: value for field, value in patch.items() if not _same(value, have.get(field))}
        return changed or None

    def _shared(self, form: Shared, wanted: Status | None, have: Status) -> Status | None:
        """As `_patch`, of a status in this FORM: the entries of other controllers stay."""
        entries = have.get(form.field)
        old = entries if isinstance(entries, list) else []
        others = [one for one in old if one.get("controllerName") != self._controller]
        ours = [one for one in old if one.get("controllerName") == self._controller]
        known = {_key(one.get(form.reference)): one.get("conditions") for one in ours}
        new = [
            {**one, "conditions": _dated(one["conditions"], known.get(_key(one[form.reference])))}
            for one in (wanted or {}).get(form.field, ())
        ]
        if _same(new, ours):
            return None
        return {form.field: [*others, *new][: form.most]}

    def _with_addresses(self, wanted: Status) -> Status:
        """The status of a Gateway, with the addresses of Edge where it has none of its own."""
        if "addresses" in wanted:
            return wanted
        addresses = [
            {"type": "IPAddress", "value": one.ip} if one.ip else {"type": "Hostname", "value": one.hostname}
            for one in self._addresses or ()
        ]
        conditions = wanted["conditions"]
        if not addresses:
            missing = {"status": "False", "reason": "AddressNotAssigned", "message": "Edge has no address yet"}
            conditions = [
                {**one, **missing} if one["type"] == "Programmed" and one["status"] == "True" else one
                for one in conditions
            ]
        return {**wanted, "addresses": addresses, "conditions": conditions}

    def _write(self, name: ObjectId, seen: Seen, patch: Status) -> None:
        """Change the status of NAME by PATCH.

        Raises:
            KubernetesError: it is not done, or not known to be.
        """
        remaining = self._election.remaining
        if not remaining:
            return
        answer = self._transport.request(
            "PATCH",
            f"{KINDS[name.kind].path_of((name.namespace, name.name))}/status",
            body={"metadata": {"resourceVersion": seen.version}, "status": patch},
            content_type=MERGE_PATCH,
            read_timeout=min(PATIENCE, remaining),
        )
        try:
            found = _decode(answer)
        except msgspec.DecodeError:
            return  # the watch will deliver the version
        with self._changed:
            if self._seen.get(name) is seen:
                self._seen[name] = Seen(found.metadata.resource_version, found.status.copy())

    def _failed(self, name: ObjectId, error: KubernetesError) -> None:
        code = error.code if isinstance(error, RefusedError) else 0
        message = f"status of {name}: {error}"
        if code == 404:
            return
        if code == 409:
            with self._changed:
                backoff = self._conflicts.setdefault(name, Backoff(base=CONFLICT[0], cap=CONFLICT[1]))
                heapq.heappush(self._later, (time.monotonic() + backoff.next(), name))
            return
        if code in (400, 413, 415, 422):  # not better with the next try
            logger.warning("%s", message)
            return
        if code == 403:
            self._forbidden(name, error)
            return
        rest = self._pace.failed(error)
        if not self.trouble:
            logger.warning("%s; trying again in %.1f s", message, rest)
        self.trouble = message
        with self._changed:
            self._consider(name)

    def _forbidden(self, name: ObjectId, error: KubernetesError) -> None:
        """Leave the namespace of NAME alone for a while; others may permit it."""
        message = f"status: {error}; grant the verb patch on {KINDS[name.kind].resource}/status"
        if self._bars.put(name.namespace) and not self.trouble:
            logger.warning("%s", message)
        self.trouble = message
        with self._changed:
            self._consider(name)


def _dated(wanted: list[Status], have: Any) -> list[Status]:
    """WANTED conditions, or listeners with conditions, with the times of those that they HAVE the status of."""
    known = {one.get("type") or one.get("name"): one for one in have or () if isinstance(one, dict)}
    dated = []
    for one in wanted:
        before = known.get(one.get("type") or one.get("name"), {})
        if "conditions" in one:
            dated.append({**one, "conditions": _dated(one["conditions"], before.get("conditions"))})
        else:
            same = before.get("status") == one["status"] and before.get("lastTransitionTime")
            dated.append({**one, "lastTransitionTime": before["lastTransitionTime"] if same else _now()})
    return dated


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _same(one: Any, other: Any) -> bool:
    """Whether ONE and OTHER say the same; the order of a list counts, a field that is absent is an empty list."""
    if isinstance(one, list) and not one:
        return not other
    return bool(one == other)


def _key(parent: Any) -> bytes:
    """PARENT, with its defaults, as a key."""
    with_defaults = {"group": "gateway.networking.k8s.io", "kind": "Gateway", **(parent or {})}
    return msgspec.json.encode(with_defaults, order="sorted")
