"""The objects of all files together, and how they change.

Rules of this file:
- If several files define an object, the first file wins, by the order of --manifests and then by path.
  The others are reported as faults of their files. When the first goes, the next takes over.
- Files that changed together are applied together: an object that moves between files is never deleted.
- A fault is sent again after a change of its object, because the receiver drops an object's faults when it changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from edge.control.kinds.changes import IN_FORCE, Change, Delete, Invalid, Upsert, Valid
from edge.control.kinds.objects import ObjectId

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from edge.control.kinds.objects import Object
    from edge.control.sources.files.manifest import Manifest


class FileKey(NamedTuple):
    """The place of a file in the order of all."""

    root: int
    """Number of the --manifests that it was found by."""
    parts: tuple[str, ...]
    """Its path."""


class Ledger:
    """Passes each change to SEND."""

    def __init__(self, send: Callable[[Change], None]) -> None:
        self._send = send
        self._files: dict[FileKey, Manifest] = {}
        self._holders: dict[ObjectId, tuple[FileKey, ...]] = {}
        """The files that have an object, in order."""
        self._losing: dict[FileKey, set[ObjectId]] = {}
        """The objects of a file that an earlier file has too."""
        self._objects: dict[ObjectId, Object] = {}
        """As sent last."""
        self._faults: dict[FileKey, dict[str, Invalid]] = {}
        """As sent last."""

    def get(self, key: FileKey) -> Manifest | None:
        """The content of the file KEY."""
        return self._files.get(key)

    def places(self) -> dict[ObjectId, str]:
        """The place of each object in force."""
        firsts = ((name, self._files[holders[0]]) for name, holders in self._holders.items())
        return {name: manifest.where(manifest.places[name]) for name, manifest in firsts}

    def update(self, files: Mapping[FileKey, Manifest | None]) -> None:
        """The content of these files has changed; None: there is no such file any more."""
        touched: set[ObjectId] = set()
        for key, new in files.items():
            touched |= self._replace(key, new)
        concerned = set(files)
        for name in touched:
            concerned.update(self._holders.get(name, ()))
        faults = {key: self._faults_of(key) for key in sorted(concerned)}
        self._send_valid(faults)
        changed = self._send_objects(touched)
        self._send_invalid(faults, changed)

    def _replace(self, key: FileKey, new: Manifest | None) -> set[ObjectId]:
        """Replace the content of KEY by NEW; returns the objects that differ."""
        old = self._files.pop(key, None)
        before = old.objects if old is not None else {}
        after = new.objects if new is not None else {}
        if new is not None:
            self._files[key] = new
        touched = {name for name, one in after.items() if before.get(name) is not one}
        for name in touched - before.keys():
            self._hold(name, (*self._holders.get(name, ()), key))
        for name in before.keys() - after.keys():
            touched.add(name)
            self._hold(name, (holder for holder in self._holders[name] if holder != key))
            self._losing.get(key, set()).discard(name)
        return touched

    def _hold(self, name: ObjectId, keys: Iterable[FileKey]) -> None:
        holders = tuple(sorted(keys))
        if not holders:
            del self._holders[name]
            return
        self._holders[name] = holders
        if len(holders) > 1:
            for key in holders[1:]:
                self._losing.setdefault(key, set()).add(name)
        self._losing.get(holders[0], set()).discard(name)

    def _faults_of(self, key: FileKey) -> dict[str, Invalid]:
        """All that is wrong in the file KEY, by place."""
        manifest = self._files.get(key)
        if manifest is None:
            self._losing.pop(key, None)
            return {}
        faults: dict[str, Invalid] = {}
        for fault in manifest.faults:
            where = manifest.where(fault.place)
            faults[where] = Invalid(where, fault.kind, fault.namespace, fault.name, fault.message)
        for name in sorted(self._losing.get(key, ())):
            where = manifest.where(manifest.places[name])
            first = self._files[self._holders[name][0]]
            message = f"defined already in {first.where(first.places[name])}; {IN_FORCE}"
            faults.setdefault(where, Invalid(where, name.kind, name.namespace, name.name, message))
        return faults

    def _send_valid(self, faults: Mapping[FileKey, dict[str, Invalid]]) -> None:
        for key, new in faults.items():
            for where in self._faults.get(key, {}):
                if where not in new:
                    self._send(Valid(where))

    def _send_objects(self, touched: set[ObjectId]) -> set[ObjectId]:
        """Send the objects TOUCHED as they are now; returns those that were sent."""
        sent: set[ObjectId] = set()
        for name in sorted(touched):
            holders = self._holders.get(name)
            if holders is None:
                if self._objects.pop(name, None) is not None:
                    sent.add(name)
                    self._send(Delete(name.kind, name.namespace, name.name))
                continue
            one = self._files[holders[0]].objects[name]
            if name not in self._objects or self._objects[name] != one:
                self._objects[name] = one
                sent.add(name)
                self._send(Upsert(one))
        return sent

    def _send_invalid(self, faults: Mapping[FileKey, dict[str, Invalid]], changed: set[ObjectId]) -> None:
        for key, new in faults.items():
            old = self._faults.get(key, {})
            for where, fault in new.items():
                about = ObjectId(fault.kind, fault.namespace, fault.name)
                if about in changed or old.get(where) != fault:
                    self._send(fault)
            if new:
                self._faults[key] = new
            else:
                self._faults.pop(key, None)
