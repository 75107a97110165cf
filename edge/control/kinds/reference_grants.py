"""ReferenceGrant of the Gateway API as a typed struct.

Rules of this file: those of `edge.control.kinds.gateway`.

Source: Gateway API v1.6, apis/v1.
"""

from __future__ import annotations

import msgspec

from edge.control.kinds.gateway import GROUP
from edge.control.kinds.objects import Named, Struct


class GrantFrom(Struct, frozen=True):
    """The objects whose references are allowed."""

    group: str = ""
    kind: str = ""
    namespace: str = ""


class GrantTo(Struct, frozen=True):
    """What may be referred to."""

    group: str = ""
    kind: str = ""
    name: str = ""
    """Empty: all objects of the kind."""


class GrantSpec(Struct, frozen=True):
    """References that a ReferenceGrant allows into its namespace."""

    sources: tuple[GrantFrom, ...] = msgspec.field(default=(), name="from")
    to: tuple[GrantTo, ...] = ()


class ReferenceGrant(Named, frozen=True):
    """Allows references from other namespaces into its own."""

    kind = "ReferenceGrant"
    api_version = f"{GROUP}/v1beta1"
    spec: GrantSpec = GrantSpec()
