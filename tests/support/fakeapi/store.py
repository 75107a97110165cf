"""Objects and their history.

Rules of this file:
- One version counter for the whole store; every write takes one number and appends one event to its collection's log.
- What comes over HTTP is STRICT: checked as a real server checks it; what tests put in directly is not.
- Stored objects are never modified, only replaced, so readers need no copies; their JSON is made once.
- A log is bounded: a watch from a version that has left it is answered 410, as etcd's compaction does.
"""

from __future__ import annotations

import datetime
import threading
import uuid
from collections import deque
from typing import Any

import msgspec

from tests.support.fakeapi import validation
from tests.support.fakeapi.errors import Object, StatusError
from tests.support.fakeapi.resources import BY_KIND, RESOURCES, Resource

Key = tuple[str, str]


class Stored:
    """One version of an object, with its JSON as it stands alone and as an item of a list."""

    __slots__ = ("_bare", "_full", "object")

    def __init__(self, obj: Object) -> None:
        self.object = obj
        self._bare = b""
        self._full = b""

    @property
    def full(self) -> bytes:
        if not self._full:
            self._full = msgspec.json.encode(self.object)
        return self._full

    @property
    def bare(self) -> bytes:
        """Without kind and apiVersion, as typed lists have their items."""
        if not self._bare:
            self._bare = msgspec.json.encode(
                {key: value for key, value in self.object.items() if key not in ("kind", "apiVersion")}
            )
        return self._bare


class LogEntry:
    """One change of one object."""

    __slots__ = ("after", "before", "version")

    def __init__(self, version: int, before: Stored | None, after: Stored | None) -> None:
        self.version = version
        self.before = before
        self.after = after
        """None when it was deleted; `before` then carries the version of the deletion."""


class Collection:
    """All objects of one resource."""

    def __init__(self, resource: Resource, lock: threading.RLock, history: int) -> None:
        self.resource = resource
        self.objects: dict[Key, Stored] = {}
        self.log: deque[LogEntry] = deque()
        self.history = history
        self.forgotten = 0
        """Newest version that has left the log."""
        self.changed = threading.Condition(lock)

    def append(self, entry: LogEntry) -> None:
        self.log.append(entry)
        while len(self.log) > self.history:
            self.forgotten = self.log.popleft().version
        self.changed.notify_all()

    def since(self, version: int) -> list[LogEntry]:
        """Changes after VERSION, oldest first."""
        entries = []
        for entry in reversed(self.log):
            if entry.version <= version:
                break
            entries.append(entry)
        entries.reverse()
        return entries


class Store:
    """The whole content of the cluster."""

    def __init__(self, *, history: int = 1000) -> None:
        self.lock = threading.RLock()
        self.version = 1
        self.collections = {resource: Collection(resource, self.lock, history) for resource in RESOURCES}
        self.keep_terminating = False
        """Leave deleted namespaces, with their content, in the state Terminating."""

    def collection(self, kind: str) -> Collection:
        return self.collections[BY_KIND[kind]]

    # --- for tests ------------------------------------------------------------------------------------------------

    def apply(self, *objects: Object) -> None:
        """Make each object be as given, status included."""
        for obj in objects:
            with self.lock:
                resource = BY_KIND[obj["kind"]]
                metadata = obj["metadata"]
                key = (metadata.get("namespace", "default") if resource.namespaced else "", metadata["name"])
                current = self.collections[resource].objects.get(key)
                if current is None:
                    self.create(resource, key[0], obj, keep_status=True)
                else:
                    self._replace(
                        resource,
                        key,
                        current,
                        {
                            **obj,
                            "metadata": {**_without(current.object["metadata"], "labels", "annotations"), **metadata},
                        },
                    )

    def remove(self, kind: str, namespace: str, name: str) -> None:
        self.delete(BY_KIND[kind], namespace, name)

    def get(self, kind: str, namespace: str, name: str) -> Object | None:
        stored = self.collection(kind).objects.get((namespace, name))
        return stored.object if stored else None

    def all(self, kind: str) -> list[Object]:
        with self.lock:
            return [stored.object for stored in self.collection(kind).objects.values()]

    def compact(self) -> None:
        """Forget all history: every older version is answered 410 from now on."""
        with self.lock:
            self.version += 1
            for collection in self.collections.values():
                collection.log.clear()
                collection.forgotten = self.version

    # --- writes ---------------------------------------------------------------------------------------------------

    def create(
        self, resource: Resource, namespace: str, obj: Object, *, keep_status: bool = False, strict: bool = False
    ) -> Stored:
        with self.lock:
            metadata = dict(obj.get("metadata") or {})
            if strict:
                self._check_place(resource, namespace, metadata)
                validation.decode(resource, obj)
            name = metadata.get("name") or metadata.pop("generateName", "") + uuid.uuid4().hex[:5]
            key = (namespace if resource.namespaced else "", name)
            collection = self.collections[resource]
            if resource.namespaced:
                metadata["namespace"] = namespace
            if strict:
                validation.created(resource, {**obj, "metadata": {**metadata, "name": name}})
            if key in collection.objects:
                raise StatusError(409, "AlreadyExists", f'{resource.plural} "{name}" already exists')
            if resource.namespaced and not strict:
                self._ensure_namespace(namespace)
            now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            metadata = {"name": name, "uid": str(uuid.uuid4()), "creationTimestamp": now, "generation": 1, **metadata}
            if resource.kind == "Namespace":
                metadata["labels"] = {"kubernetes.io/metadata.name": name, **(metadata.get("labels") or {})}
                obj = {**obj, "status": {"phase": "Active"}}
            elif resource.has_status and not keep_status:
                obj = {**obj, "status": {"loadBalancer": {}} if resource.plural in ("ingresses", "services") else {}}
            return self._write(
                collection,
                key,
                None,
                {**obj, "kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata},
            )

    def update(self, resource: Resource, namespace: str, name: str, obj: Object, *, subresource: str = "") -> Stored:
        """PUT: replace all but the status, or with SUBRESOURCE `status` the status alone."""
        with self.lock:
            metadata = obj.get("metadata") or {}
            if metadata.get("name") != name:
                raise StatusError(400, "BadRequest", "the name of the object does not match the name on the URL")
            self._check_place(resource, namespace, metadata)
            validation.decode(resource, obj)
            current = self.find(resource, namespace, name)
            if not metadata.get("resourceVersion") and resource.kind in validation.CONDITIONAL_UPDATES:
                raise validation.unconditional(resource, name)
            self._check_version(resource, current, metadata.get("resourceVersion"))
            before = current.object
            if subresource == "status":
                after = {**before, "status": obj.get("status") or {}}
            else:
                after = {**obj, "metadata": {**metadata, **self._kept(before["metadata"])}}
                if resource.has_status:
                    after["status"] = before.get("status") or {}
            validation.updated(resource, before, after)
            return self._replace(resource, (namespace, name), current, after)

    def patch(self, resource: Resource, namespace: str, name: str, patch: Object, *, subresource: str = "") -> Stored:
        """JSON merge patch (RFC 7396)."""
        with self.lock:
            current = self.find(resource, namespace, name)
            wanted = patch.get("metadata") or {}
            if wanted.get("uid", current.object["metadata"]["uid"]) != current.object["metadata"]["uid"]:
                raise StatusError(409, "Conflict", "Precondition failed: UID in precondition does not match")
            self._check_version(resource, current, wanted.get("resourceVersion"))
            before = current.object
            after = merge(before, patch)
            if subresource == "status":
                after = {**before, "status": after.get("status") or {}}
            else:
                after = {**after, "metadata": {**after["metadata"], **self._kept(before["metadata"])}}
                if resource.has_status:
                    after["status"] = before.get("status") or {}
            validation.decode(resource, after)
            validation.updated(resource, before, after)
            return self._replace(resource, (namespace, name), current, after)

    def delete(self, resource: Resource, namespace: str, name: str) -> Stored:
        with self.lock:
            current = self.find(resource, namespace, name)
            if resource.kind == "Namespace":
                now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
                terminating = {
                    **current.object,
                    "metadata": {**current.object["metadata"], "deletionTimestamp": now},
                    "status": {"phase": "Terminating"},
                }
                current = self._replace(resource, ("", name), current, terminating)
                if self.keep_terminating:
                    return current
                self._delete_content(name)
            return self._write(self.collections[resource], (namespace, name), current, None)

    def find(self, resource: Resource, namespace: str, name: str) -> Stored:
        stored = self.collections[resource].objects.get((namespace, name))
        if stored is None:
            raise StatusError(404, "NotFound", f'{resource.plural} "{name}" not found')
        return stored

    def _delete_content(self, namespace: str) -> None:
        for collection in self.collections.values():
            for key in [key for key in collection.objects if key[0] == namespace]:
                self._write(collection, key, collection.objects[key], None)

    def _check_place(self, resource: Resource, namespace: str, metadata: Object) -> None:
        if not resource.namespaced:
            return
        if metadata.get("namespace", namespace) != namespace:
            message = "the namespace of the provided object does not match the namespace sent on the request"
            raise StatusError(400, "BadRequest", message)
        stored = self.collection("Namespace").objects.get(("", namespace))
        if stored is None:
            raise StatusError(404, "NotFound", f'namespaces "{namespace}" not found')
        if metadata.get("resourceVersion") is None and stored.object["status"].get("phase") == "Terminating":
            message = f"unable to create new content in namespace {namespace} because it is being terminated"
            raise StatusError(403, "Forbidden", f"{resource.plural} is forbidden: {message}")

    def _ensure_namespace(self, name: str) -> None:
        # Tests are shorter when it appears by itself.
        if ("", name) not in self.collection("Namespace").objects:
            self.create(BY_KIND["Namespace"], "", {"metadata": {"name": name}})

    @staticmethod
    def _kept(metadata: Object) -> Object:
        return {
            key: metadata[key]
            for key in ("name", "namespace", "uid", "creationTimestamp", "generation")
            if key in metadata
        }

    @staticmethod
    def _check_version(resource: Resource, current: Stored, version: str | None) -> None:
        metadata = current.object["metadata"]
        if version and version != metadata["resourceVersion"]:
            what = f'Operation cannot be fulfilled on {resource.plural} "{metadata["name"]}"'
            rest = "the object has been modified; please apply your changes to the latest version and try again"
            raise StatusError(409, "Conflict", f"{what}: {rest}")

    def _replace(self, resource: Resource, key: Key, current: Stored, obj: Object) -> Stored:
        before = current.object
        metadata = {**obj["metadata"], "resourceVersion": before["metadata"]["resourceVersion"]}
        if obj.get("spec") != before.get("spec"):
            metadata["generation"] = before["metadata"].get("generation", 1) + 1
        after = {**obj, "kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata}
        if after == before:
            return current  # a write that changes nothing takes no version
        return self._write(self.collections[resource], key, current, after)

    def _write(self, collection: Collection, key: Key, before: Stored | None, obj: Object | None) -> Stored:
        self.version += 1
        source = obj if obj is not None else before.object  # type: ignore[union-attr]
        stored = Stored({**source, "metadata": {**source["metadata"], "resourceVersion": str(self.version)}})
        if obj is None:
            del collection.objects[key]
            collection.append(LogEntry(self.version, stored, None))
        else:
            collection.objects[key] = stored
            collection.append(LogEntry(self.version, before, stored))
        return stored


def _without(mapping: Object, *keys: str) -> Object:
    return {key: value for key, value in mapping.items() if key not in keys}


def merge(target: Any, patch: Any) -> Any:
    """TARGET with the JSON merge patch PATCH applied (RFC 7396)."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result
