"""Writes the status of GatewayClasses, Gateways and routes.

Rules of this file:
- Those of `edge.control.answers.writer`.
- The number of routes of a Gateway is written at most twice a second, not once for each route.
- A status is written only if it differs from what it should be: at most once for an object and a change.
- The status of routes and policies is shared with other controllers: only entries of our own name are changed, in
  their place.
- lastTransitionTime changes with a condition's status only.
- Gateways without addresses of their own get those of Edge, as Ingresses do.
- A status is for the object with one uid: it is not written to an object that has taken the name since.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from edge.control.answers.bundle_version import BundleVersion
from edge.control.answers.status_writer import StatusWriter
from edge.control.answers.writer import RATE
from edge.control.kinds import resources

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge.control.answers.addresses import Origin
    from edge.control.api.lease import Election
    from edge.control.api.list_watch import Timing
    from edge.control.api.transport import Transport
    from edge.control.compiling.delta import ObjectStatus
    from edge.control.kinds.objects import ObjectId
    from edge.control.publishing.state import Round
    from edge.control.translate.gateway.statuses import Status

_WITH_STATUS: Final = (
    resources.GATEWAY_CLASS,
    resources.GATEWAY,
    resources.LISTENER_SET,
    resources.BACKEND_TLS_POLICY,
    *resources.ROUTES,
)
KINDS: Final = {one.name: one for one in _WITH_STATUS}
"""Kinds that have a status of ours."""
CLASS: Final = resources.GATEWAY_CLASS.name


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

    uid: str
    version: str
    status: msgspec.Raw


class _Metadata(msgspec.Struct, rename="camel"):
    uid: str = ""
    resource_version: str = ""


class _Object(msgspec.Struct):
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)
    status: msgspec.Raw = msgspec.field(default_factory=lambda: msgspec.Raw(b"{}"))

    def seen(self) -> Seen:
        return Seen(self.metadata.uid, self.metadata.resource_version, self.status.copy())


_decode = msgspec.json.Decoder(_Object).decode


class GatewayStatusWriter(StatusWriter[tuple[Seen, "Status"]]):
    """Keeps the status of objects of the Gateway API true while ELECTION is won."""

    what = "Gateway status"
    quiet = 0.5

    def __init__(
        self,
        transport: Transport,
        election: Election,
        origin: Origin,
        *,
        controller: str,
        rate: float = RATE,
        timing: Timing | None = None,
    ) -> None:
        """CONTROLLER: our name."""
        super().__init__(transport, election, origin, rate=rate)
        self._controller = controller
        self._bundle = BundleVersion(transport, timing=timing)
        self._bundle.listeners.append(self._bundle_changed)
        self._seen: dict[ObjectId, Seen] = {}
        self._wanted: dict[ObjectId, ObjectStatus | None] = {}
        """None: our entries are to be removed from the status."""

    def stop(self) -> None:
        """End soon."""
        self._bundle.stop()
        super().stop()

    # --- what is heard, by other threads ----------------------------------------------------------------------------

    def _bundle_changed(self) -> None:
        with self._changed:
            for name in self._wanted:
                if name.kind == CLASS:
                    self._consider(name)

    def seen(self, name: ObjectId, raw: msgspec.Raw) -> None:
        """The object exists as RAW."""
        if name.kind not in KINDS:
            return
        try:
            found = _decode(raw)
        except msgspec.DecodeError:
            return  # the source reports it
        with self._changed:
            self._seen[name] = found.seen()
            self._consider(name)

    def gone(self, name: ObjectId) -> None:
        """It is deleted."""
        with self._changed:
            self._seen.pop(name, None)
            if self._wanted.get(name) is None:  # what is wanted may already be for the next object of the name
                self._wanted.pop(name, None)
            self._forget(name)

    def heard(self, what: Round) -> None:
        """The routing table is different."""
        with self._changed:
            for name, wanted in what.statuses.items():
                if wanted is None and name not in self._seen:
                    self._wanted.pop(name, None)
                else:
                    self._wanted[name] = wanted
                    self._consider(name)
                    if name.kind == CLASS:
                        self._bundle.start()

    def _every(self) -> Iterable[ObjectId]:
        return self._wanted

    def _consider(self, name: ObjectId) -> None:
        if name in self._seen and name in self._wanted and (name.kind != CLASS or self._bundle.known):
            self._make_due(name)

    # --- writing ----------------------------------------------------------------------------------------------------

    def _job(self, name: ObjectId) -> tuple[Seen, Status] | None:
        seen = self._seen.get(name)
        if seen is None or name not in self._wanted:
            return None
        wanted = self._wanted[name]
        if wanted is not None and wanted.uid != seen.uid:
            return None  # a further round has the status of this object
        patch = self._patch(name, wanted.status if wanted is not None else None, seen)
        if patch is not None:
            return seen, patch
        if wanted is None:
            del self._wanted[name]
        return None

    def _right(self, name: ObjectId) -> str:
        return f"verb patch on {KINDS[name.kind].resource}/status"

    def _patch(self, name: ObjectId, wanted: Status | None, seen: Seen) -> Status | None:
        """The patch for the status of NAME that was SEEN; None: nothing differs."""
        have: Status = msgspec.json.decode(seen.status) or {}
        shared = SHARED.get(name.kind)
        if shared is not None:
            return self._shared(shared, wanted, have)
        if wanted is None:
            return None
        if name.kind == CLASS:
            wanted = self._bundle.shown(wanted)
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

    def _write(self, name: ObjectId, job: tuple[Seen, Status]) -> None:
        seen, patch = job
        answer = self._write_status(KINDS[name.kind], name, seen.version, patch)
        try:
            found = _decode(answer) if answer is not None else None
        except msgspec.DecodeError:
            return  # the watch will deliver the version
        with self._changed:
            if found is not None and self._seen.get(name) is seen:
                self._seen[name] = found.seen()


def _dated(wanted: list[Status], have: Any) -> list[Status]:
    """WANTED conditions, or listeners with conditions; those whose status is the same in HAVE keep its time."""
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
    """Whether ONE and OTHER are equal; the order of a list counts, an absent field equals an empty list."""
    if isinstance(one, list) and not one:
        return not other
    return bool(one == other)


def _key(parent: Any) -> bytes:
    """PARENT, with its defaults, as a key."""
    with_defaults = {"group": "gateway.networking.k8s.io", "kind": "Gateway", **(parent or {})}
    return msgspec.json.encode(with_defaults, order="sorted")
