"""What all Kubernetes objects that the control plane reads have in common.

Rules of the structs of all kinds:
- Only fields that are read are declared; `edge.control.kinds.decoding` skips all others.
- Structs are immutable and compare by value, so that "the same object again" is an `==`.
- `null` is the same as absent, as in Go: every field that an API server may send as null allows None.
- Nothing is validated here beyond types. What the API server's admission would add or refuse is `admission`'s.

Source: Kubernetes API reference, meta/v1.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

Key = tuple[str, str]
"""Namespace (empty for a cluster-scoped object) and name: what names an object among those of its kind."""


class ObjectError(ValueError):
    """The data is not an object of its kind; the message begins with the field: `spec.rules[0].host: ...`."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
        self.field = field
        self.reason = reason


Integer = Annotated[int, msgspec.Meta(ge=-(1 << 63), le=(1 << 63) - 1)]
"""A number that any field of Kubernetes can hold, and any record of the table."""


class Struct(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """Base of all parts of objects."""


class Metadata(Struct, frozen=True):
    """ObjectMeta."""

    name: str = ""
    namespace: str = ""
    """Empty for a cluster-scoped object."""
    uid: str = ""
    resource_version: str = ""
    generation: Integer = 0
    creation_timestamp: str | None = None
    """RFC 3339 in UTC and seconds, so that text order is time order; None in a manifest."""
    deletion_timestamp: str | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class Named(Struct, frozen=True):
    """Base of the objects themselves."""

    kind: ClassVar[str]
    api_version: ClassVar[str]
    metadata: Metadata

    @property
    def id(self) -> ObjectId:
        """Kind, namespace and name."""
        return ObjectId(self.kind, self.metadata.namespace, self.metadata.name)

    @property
    def order(self) -> tuple[str, str, str]:
        """Where objects conflict, the first in this order wins: the oldest, then by namespace and name."""
        return self.metadata.creation_timestamp or "", self.metadata.namespace, self.metadata.name

    @property
    def annotations(self) -> dict[str, str]:
        """The annotations, never None."""
        return self.metadata.annotations or {}


Object = Named
"""Any object that is read; `edge.control.kinds.registry` lists the kinds."""


class ObjectId(msgspec.Struct, frozen=True, order=True, gc=False):
    """What names an object within a cluster."""

    kind: str
    namespace: str
    """Empty for a cluster-scoped object."""
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"
