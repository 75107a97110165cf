"""Passes objects from the watches to the store: what is sent, what is held back, and what was sent before.

Rules of this file:
- A change is sent only if something that Edge reads is different. Versions and the status of Ingresses and Gateways do
  not count, so neither a resync nor our own status writes reach the store. Generations count for kinds whose status
  names them.
- Objects of a namespace that is not served are kept here, so that the namespace can be served, or not, from one moment
  to the next without asking the API server. The structs are shared with the store; what is held here is references.
- The served namespaces are known before any kind is reported as synced.
- Called by all watch threads; the lock also keeps the order of changes on the queue.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import msgspec

from edge.control.kinds.changes import Change, Delete, Invalid, Synced, Upsert
from edge.control.kinds.gateway import GROUP, Gateway
from edge.control.kinds.ingress import Ingress
from edge.control.sources.source import BY_NEED

if TYPE_CHECKING:
    import queue
    from collections.abc import Set

    from edge.control.kinds.objects import Key, Object

Name = tuple[str, str]
"""Kind and name within a namespace."""


class Feed:
    """Puts changes on CHANGES.

    With SELECTIVE only the namespaces that were opened are served, otherwise all but those that were closed. What is in
    EXEMPT (kind and namespace) is sent whatever its namespace.
    """

    def __init__(self, changes: queue.SimpleQueue[Change], *, selective: bool, exempt: Set[Key] = frozenset()) -> None:
        self._changes = changes
        self._selective = selective
        self._exempt = exempt
        self._lock = threading.Lock()
        self._objects: dict[str, dict[Name, Object]] = {}
        self._faults: dict[str, dict[Name, Invalid]] = {}
        self._opened: set[str] = set()
        self._closed: set[str] = set()
        self._gone: set[str] = set()
        """Closed namespaces that do not exist, though objects of theirs are still around."""
        self._namespaces_known = False
        self._held: list[str] = []
        """Kinds that are synced but must wait for the namespaces."""
        self._muted = False
        self._sent: set[str] = set()
        """Kinds called synced."""

    # --- objects --------------------------------------------------------------------------------------------------

    def put(self, key: Key, value: Object | Invalid) -> None:
        """The object exists as VALUE, or exists and cannot be read."""
        namespace, name = key
        with self._lock:
            if isinstance(value, Invalid):
                faults = self._faults.setdefault(namespace, {})
                before, faults[value.kind, name] = faults.get((value.kind, name)), value
                if before != value and self._serves(value.kind, namespace):
                    self._send(value)
                return
            at = (value.kind, name)
            known = self._objects.setdefault(namespace, {})
            mended = self._forget_fault(namespace, at)
            same = at in known and equal(known[at], value)
            if not same:
                known[at] = value
            if (mended or not same) and self._serves(value.kind, namespace):
                self._send(Upsert(value))

    def drop(self, kind: str, key: Key) -> None:
        """The object is gone."""
        with self._lock:
            served = self._serves(kind, key[0])
            if self._forget(kind, key) and served:
                self._send(Delete(kind, *key))

    def absent(self, kind: str, key: Key) -> None:
        """The object, which another one refers to, does not exist; sent whether or not it was known."""
        with self._lock:
            self._forget(kind, key)
            self._send(Delete(kind, *key))

    def _forget(self, kind: str, key: Key) -> bool:
        """Forget the object and its fault; whether there was either."""
        namespace, name = key
        mended = self._forget_fault(namespace, (kind, name))
        known = self._objects.get(namespace, {})
        gone = known.pop((kind, name), None) is not None
        if not known:
            self._objects.pop(namespace, None)
            if namespace in self._gone:
                self._gone.discard(namespace)
                self._closed.discard(namespace)
        return gone or mended

    def _forget_fault(self, namespace: str, at: Name) -> bool:
        faults = self._faults.get(namespace)
        if faults is None or faults.pop(at, None) is None:
            return False
        if not faults:
            del self._faults[namespace]
        return True

    def mute(self) -> None:
        """Send nothing from now on."""
        with self._lock:
            self._muted = True

    def _send(self, change: Change) -> None:
        if not self._muted:
            self._changes.put(change)

    # --- namespaces -----------------------------------------------------------------------------------------------

    def open(self, namespace: str) -> None:
        """Serve NAMESPACE."""
        with self._lock:
            before = self._is_open(namespace)
            self._opened.add(namespace)
            self._closed.discard(namespace)
            self._gone.discard(namespace)
            if not before:
                self._send_all(namespace, gone=False)

    def close(self, namespace: str, *, gone: bool) -> None:
        """Stop serving NAMESPACE: it is being deleted, or is GONE, or is no longer selected."""
        with self._lock:
            before = self._is_open(namespace)
            self._opened.discard(namespace)
            if before:
                self._send_all(namespace, gone=True)
            if not gone:
                self._closed.add(namespace)
            elif namespace in self._objects:
                self._closed.add(namespace)
                self._gone.add(namespace)
            else:
                self._closed.discard(namespace)

    def namespaces_known(self) -> None:
        """All namespaces that exist have been opened or closed."""
        with self._lock:
            self._namespaces_known = True
            held, self._held = self._held, []
            for kind in ["Namespace", *held]:
                self._send_synced(kind)

    def is_open(self, namespace: str) -> bool:
        """Whether objects of NAMESPACE are sent."""
        with self._lock:
            return self._is_open(namespace)

    def _is_open(self, namespace: str) -> bool:
        return not namespace or (namespace in self._opened if self._selective else namespace not in self._closed)

    def _serves(self, kind: str, namespace: str) -> bool:
        return self._is_open(namespace) or (kind, namespace) in self._exempt or kind in BY_NEED

    def _send_all(self, namespace: str, *, gone: bool) -> None:
        for (kind, name), obj in self._objects.get(namespace, {}).items():
            if kind not in BY_NEED and (kind, namespace) not in self._exempt:
                self._send(Delete(kind, namespace, name) if gone else Upsert(obj))
        for (kind, name), fault in self._faults.get(namespace, {}).items():
            if kind not in BY_NEED and (kind, namespace) not in self._exempt:
                self._send(Delete(kind, namespace, name) if gone else fault)

    # --- synced ---------------------------------------------------------------------------------------------------

    def synced(self, kind: str) -> None:
        """All objects of KIND that exist have been put."""
        with self._lock:
            if self._namespaces_known:
                self._send_synced(kind)
            elif kind not in self._held:
                self._held.append(kind)

    def is_synced(self, kind: str) -> bool:
        """Whether KIND has been called synced."""
        with self._lock:
            return kind in self._sent

    def _send_synced(self, kind: str) -> None:
        if kind not in self._sent:
            self._sent.add(kind)
            self._send(Synced(kind))


def equal(old: Object, new: Object) -> bool:
    """Whether NEW and OLD are the same in all that Edge reads."""
    now = new.metadata
    generation = old.metadata.generation if new.api_version.startswith(GROUP) else now.generation
    metadata = msgspec.structs.replace(old.metadata, resource_version=now.resource_version, generation=generation)
    changes: dict[str, object] = {"metadata": metadata}
    if isinstance(new, Ingress | Gateway):
        changes["status"] = new.status
    return bool(msgspec.structs.replace(old, **changes) == new)
