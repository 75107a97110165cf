"""Objects of one kind, read by name or out of a list.

Rules of this file:
- A fault of an object is part of the result. A failure of the API server, or an answer that is no object, is an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from edge.control.api import wire
from edge.control.api.errors import MalformedError, RefusedError
from edge.control.api.list_watch import PAGE
from edge.control.kinds.changes import Invalid
from edge.control.kinds.decoding import decode
from edge.control.kinds.objects import Object, ObjectError

if TYPE_CHECKING:
    from collections.abc import Iterator, Set

    from edge.control.api.transport import Transport
    from edge.control.kinds.objects import Key
    from edge.control.kinds.resources import Collection, Kind


class Reader:
    """Reads objects of KIND."""

    def __init__(self, transport: Transport, kind: Kind, collection: Collection) -> None:
        """COLLECTION is what lists are made of."""
        self._transport = transport
        self._kind = kind
        self._collection = collection

    def one(self, key: Key) -> Object | Invalid | None:
        """The object; None: it does not exist.

        Raises:
            KubernetesError: that is not known.
        """
        try:
            raw = self._transport.request("GET", self._kind.path_of(key))
        except RefusedError as error:
            if error.code == 404:
                return None
            raise
        try:
            is_it = wire.decode_partial(raw).metadata.key == key
        except msgspec.DecodeError as error:  # for instance the page of a proxy
            raise MalformedError(f"{'/'.join(key)}: {error}") from error
        if not is_it:
            raise MalformedError(f"{'/'.join(key)}: the answer is not that object")
        return self._decoded(key, raw)

    def several(self, keys: Set[Key]) -> Iterator[tuple[Key, Object | Invalid]]:
        """Those of KEYS that a list of all objects of the usual type holds.

        Raises:
            KubernetesError: the rest is not known.
        """
        query = {"limit": str(PAGE), **self._kind.bulk_query}
        while True:
            try:
                page = wire.decode_page(self._transport.request("GET", self._collection.path, query=query))
                found = [(wire.decode_partial(raw).metadata.key, raw) for raw in page.items or ()]
            except msgspec.DecodeError as error:
                raise MalformedError(f"{self._collection.resource}: {error}") from error
            yield from ((key, self._decoded(key, raw)) for key, raw in found if key in keys)
            if not page.metadata.continue_:
                return
            query["continue"] = page.metadata.continue_

    def invalid(self, key: Key, message: str) -> Invalid:
        """The fault of the object."""
        return Invalid(self._kind.path_of(key), self._kind.name, *key, message)

    def _decoded(self, key: Key, raw: bytes | msgspec.Raw) -> Object | Invalid:
        try:
            return decode(raw, self._kind.name)
        except ObjectError as error:
            return self.invalid(key, str(error))
