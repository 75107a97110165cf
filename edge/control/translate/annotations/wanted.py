"""Policies that annotations ask for, and those that need another object first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from edge.control.kinds.objects import ObjectId

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.control.kinds.core import ConfigMap, Secret
    from edge.table.policies import AnyPolicy


class Wanted(msgspec.Struct, frozen=True, gc=False):
    """POLICY for the routes of an Ingress."""

    policy: AnyPolicy
    with_tls: bool = False
    """Only on hosts that have TLS, which is known when all objects are compiled."""


class Reference(msgspec.Struct, frozen=True, gc=False):
    """An object that an annotation names."""

    kind: str
    """Secret or ConfigMap."""
    namespace: str
    """Empty: the namespace of the Ingress."""
    name: str
    field: str
    """Of the annotation."""

    def within(self, namespace: str) -> ObjectId:
        """The object, where the Ingress is in NAMESPACE."""
        return ObjectId(self.kind, self.namespace or namespace, self.name)


class ContentError(ValueError):
    """The content of the object cannot be used; the message says why, and what to do."""


class Deferred(msgspec.Struct, frozen=True, gc=False):
    """A policy that is made of the object REFERENCE; without a usable one the routes of the Ingress are closed."""

    reference: Reference
    make: Callable[[Secret | ConfigMap], tuple[AnyPolicy, tuple[str, ...]]]
    """The policy, and the problems of parts of the object that can be left out.

    Raises:
        ContentError: the object cannot be used.
    """
