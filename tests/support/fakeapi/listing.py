"""Lists in pages: a `continue` token names a snapshot, so that all pages show one version.

https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks
"""

from __future__ import annotations

import uuid
from collections import OrderedDict
from typing import TYPE_CHECKING

import msgspec

from tests.support.fakeapi import selectors
from tests.support.fakeapi.errors import Object, StatusError
from tests.support.fakeapi.resources import Target
from tests.support.fakeapi.store import Stored

if TYPE_CHECKING:
    from tests.support.fakeapi.server import FakeAPI

_KEPT = 64


class Snapshots:
    """What is left of lists that were answered in part."""

    def __init__(self) -> None:
        self._lists: OrderedDict[str, tuple[int, list[Stored]]] = OrderedDict()

    def put(self, version: int, rest: list[Stored]) -> str:
        token = uuid.uuid4().hex
        self._lists[token] = (version, rest)
        while len(self._lists) > _KEPT:
            self._lists.popitem(last=False)
        return token

    def take(self, token: str) -> tuple[int, list[Stored]]:
        if token not in self._lists:
            raise StatusError(
                410, "Expired", "The provided continue parameter is too old to display a consistent list result."
            )
        return self._lists[token]

    def clear(self) -> None:
        """Let all tokens expire."""
        self._lists.clear()


def selector(target: Target, query: dict[str, str]) -> selectors.Test:
    """Whether an object belongs to the collection request."""
    by_label = selectors.labels(query.get("labelSelector", ""))
    by_field = selectors.fields(query.get("fieldSelector", ""), target.resource.kind)
    namespace = target.namespace

    def selects(obj: Object) -> bool:
        return (not namespace or obj["metadata"]["namespace"] == namespace) and by_label(obj) and by_field(obj)

    return selects


def page(api: FakeAPI, target: Target, query: dict[str, str], *, metadata_only: bool) -> bytes:
    """The JSON of one page."""
    resource = target.resource
    if "continue" in query:
        if query.get("resourceVersion", "0") != "0":
            message = "specifying resource version is not allowed when using continue"
            raise StatusError(400, "BadRequest", message)
        version, rest = api.snapshots.take(query["continue"])
    else:
        selects = selector(target, query)
        with api.store.lock:
            version = api.store.version
            objects = api.store.collections[resource].objects
            rest = [objects[key] for key in sorted(objects) if selects(objects[key].object)]
    limit = int(query.get("limit") or 0) or len(rest)
    items, rest = rest[:limit], rest[limit:]
    metadata: Object = {"resourceVersion": str(version)}
    if rest:
        metadata |= {"continue": api.snapshots.put(version, rest), "remainingItemCount": len(rest)}
    kind, api_version = (resource.kind, resource.api_version)
    bodies = [stored.bare for stored in items]
    if metadata_only:
        kind, api_version = "PartialObjectMetadata", "meta.k8s.io/v1"
        bodies = [partial(stored) for stored in items]
    head = {"kind": kind + "List", "apiVersion": api_version, "metadata": metadata}
    return msgspec.json.encode(head)[:-1] + b',"items":[' + b",".join(bodies) + b"]}"


def partial(stored: Stored) -> bytes:
    """The object's metadata alone."""
    return msgspec.json.encode(
        {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": stored.object["metadata"]}
    )
