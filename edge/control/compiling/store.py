"""The objects as the source last sent them, and which of them have changed since the last call.

Rules of this file:
- One thread. Sources put changes on a queue; the thread that empties it applies them here.
- An object that cannot be read leaves its last good version in force; the fault is kept until the object is valid.
- Only the Service of an EndpointSlice is interpreted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar, cast

from edge.control.kinds import gateway
from edge.control.kinds.changes import IN_FORCE, Delete, Invalid, Synced, Upsert, Valid
from edge.control.kinds.objects import ObjectId
from edge.control.kinds.problems import Problem, error
from edge.control.kinds.registry import KINDS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from edge.control.kinds.changes import Change
    from edge.control.kinds.core import ConfigMap, Secret
    from edge.control.kinds.ingress import Ingress, IngressClass
    from edge.control.kinds.objects import Key, Object
    from edge.control.kinds.services import EndpointSlice, Service

FIELD = re.compile(r"[A-Za-z]\S*")
"""How the message of an `Invalid` begins when it names a field."""

T = TypeVar("T", bound="Object")


@dataclass(slots=True)
class Changed:
    """What has changed since the last call."""

    ingresses: set[Key] = field(default_factory=set)
    classes: set[Key] = field(default_factory=set)
    services: set[Key] = field(default_factory=set)
    """Those whose object or EndpointSlices are different."""
    secrets: set[Key] = field(default_factory=set)
    gateways: set[ObjectId] = field(default_factory=set)
    """Objects of the Gateway API, and Namespaces, whose labels it looks at."""
    config_maps: set[Key] = field(default_factory=set)
    faults: set[ObjectId] = field(default_factory=set)
    """Objects that have become readable or unreadable."""


class Store:
    """All objects."""

    def __init__(self) -> None:
        self._objects: dict[str, dict[Key, Object]] = {kind: {} for kind in KINDS}
        self._classes: dict[str, IngressClass] = {}
        self._slices: dict[Key, dict[Key, EndpointSlice]] = {}
        self._reported: dict[str, set[Key]] = {"Secret": set(), "ConfigMap": set()}
        self._faults: dict[str, Invalid] = {}
        self._places: dict[ObjectId, set[str]] = {}
        """Where the faults of an object are."""
        self._changed = Changed()
        self.synced: set[str] = set()
        """Kinds of which everything has been sent."""

    # --- in -------------------------------------------------------------------------------------------------------

    def apply(self, change: Change) -> None:
        """Apply CHANGE."""
        if isinstance(change, Upsert):
            metadata = change.object.metadata
            self._put(change.object.kind, (metadata.namespace, metadata.name), change.object)
        elif isinstance(change, Delete):
            self._put(change.kind, (change.namespace, change.name), None)
        elif isinstance(change, Invalid):
            self._add_fault(change)
        elif isinstance(change, Valid):
            self._drop_fault(change.where)
        elif isinstance(change, Synced):
            self.synced.add(change.kind)

    def take_changed(self) -> Changed:
        """What has changed since the last call."""
        changed, self._changed = self._changed, Changed()
        return changed

    def forget(self, kind: str, keys: Iterable[Key]) -> None:
        """Forget objects of KIND that nothing names any more: the source reports again whether they exist."""
        self._reported[kind].difference_update(keys)

    def _put(self, kind: str, key: Key, new: Object | None) -> None:
        objects = self._objects[kind]
        old = objects.get(key)
        if kind in self._reported and key not in self._reported[kind]:
            self._reported[kind].add(key)
            self._mark(kind, key)
        for where in list(self._places.get(ObjectId(kind, *key), ())) if self._places else ():
            self._drop_fault(where)
        if old == new:
            return
        if new is None:
            del objects[key]
        else:
            objects[key] = new
        if kind == "EndpointSlice":
            self._move_slice(key, cast("EndpointSlice | None", old), cast("EndpointSlice | None", new))
            return
        if kind == "IngressClass":
            self._classes = {name: cast("IngressClass", found) for (_, name), found in objects.items()}
        self._mark(kind, key)

    def _mark(self, kind: str, key: Key) -> None:
        changed = self._changed
        if kind == "Service":
            changed.services.add(key)
        elif kind == "Ingress":
            changed.ingresses.add(key)
        elif kind == "Secret":
            changed.secrets.add(key)
        elif kind == "ConfigMap":
            changed.config_maps.add(key)
        elif kind == "IngressClass":
            changed.classes.add(key)
        elif kind == "Namespace" or KINDS[kind].api_version.startswith(gateway.GROUP):
            changed.gateways.add(ObjectId(kind, *key))

    def _move_slice(self, key: Key, old: EndpointSlice | None, new: EndpointSlice | None) -> None:
        if old is not None:
            service = (key[0], old.service)
            siblings = self._slices[service]
            del siblings[key]
            if not siblings:
                del self._slices[service]
            self._changed.services.add(service)
        if new is not None:
            service = (key[0], new.service)
            self._slices.setdefault(service, {})[key] = new
            self._changed.services.add(service)

    # --- faults ---------------------------------------------------------------------------------------------------

    def _add_fault(self, fault: Invalid) -> None:
        self._drop_fault(fault.where)
        owner = _owner(fault)
        self._faults[fault.where] = fault
        self._places.setdefault(owner, set()).add(fault.where)
        self._fault_changed(owner)

    def _drop_fault(self, where: str) -> None:
        fault = self._faults.pop(where, None)
        if fault is None:
            return
        owner = _owner(fault)
        places = self._places[owner]
        places.discard(where)
        if not places:
            del self._places[owner]
        self._fault_changed(owner)

    def _fault_changed(self, owner: ObjectId) -> None:
        self._changed.faults.add(owner)
        if owner.kind in self._reported:
            self._mark(owner.kind, (owner.namespace, owner.name))

    def faults(self, owner: ObjectId) -> list[Problem]:
        """Why the newest version of OWNER cannot be read."""
        known = (owner.namespace, owner.name) in self._objects.get(owner.kind, {})
        return [_problem(self._faults[where], known=known) for where in sorted(self._places.get(owner, ()))]

    # --- out ------------------------------------------------------------------------------------------------------

    def counts(self) -> dict[str, int]:
        """Number of objects by kind."""
        return {kind: len(objects) for kind, objects in self._objects.items()}

    def keys(self, kind: str) -> Collection[Key]:
        """The names of all objects of KIND."""
        return self._objects[kind].keys()

    def objects(self, kind: str) -> Collection[Object]:
        """All objects of KIND."""
        return self._objects[kind].values()

    def get(self, name: ObjectId) -> Object | None:
        """The object NAME."""
        return self._objects.get(name.kind, {}).get((name.namespace, name.name))

    def uid(self, owner: ObjectId) -> str:
        """uid of the object OWNER, empty when there is none."""
        found = self.get(owner)
        return found.metadata.uid if found is not None else ""

    def ingress(self, key: Key) -> Ingress | None:
        """The Ingress KEY."""
        return cast("Ingress | None", self._objects["Ingress"].get(key))

    def classes(self) -> Mapping[str, IngressClass]:
        """The IngressClasses by name."""
        return self._classes

    def service(self, key: Key) -> Service | None:
        """The Service KEY."""
        return cast("Service | None", self._objects["Service"].get(key))

    def slices(self, service: Key) -> Collection[EndpointSlice]:
        """The EndpointSlices of SERVICE."""
        return self._slices.get(service, {}).values()

    def secret(self, key: Key) -> Secret | None:
        """The Secret KEY."""
        return cast("Secret | None", self._objects["Secret"].get(key))

    def referent(self, name: ObjectId) -> Secret | ConfigMap | None:
        """The Secret or ConfigMap NAME."""
        return cast("Secret | ConfigMap | None", self._objects[name.kind].get((name.namespace, name.name)))

    def is_reported(self, kind: str, key: Key) -> bool:
        """Whether the source has reported an object that is read on demand: that it exists, is missing or cannot be
        read."""
        return key in self._reported[kind] or ObjectId(kind, *key) in self._places


def _owner(fault: Invalid) -> ObjectId:
    """The object that has the fault; a document without kind or name is identified by its place."""
    return ObjectId(fault.kind or "Manifest", fault.namespace, fault.name or fault.where)


def _problem(fault: Invalid, *, known: bool) -> Problem:
    named, colon, reason = fault.message.partition(": ")
    if not colon or not FIELD.fullmatch(named):
        named, reason = "", fault.message
    instead = "; its last good version stays in force" if known else "; it is ignored"
    if reason.endswith(IN_FORCE):
        instead = ""
    return error("InvalidObject", named, f"{reason} ({fault.where}){instead}")
