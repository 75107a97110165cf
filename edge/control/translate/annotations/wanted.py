"""A policy that annotations ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from edge.table.policies import AnyPolicy


class Wanted(msgspec.Struct, frozen=True, gc=False):
    """POLICY for the routes of an Ingress."""

    policy: AnyPolicy
    with_tls: bool = False
    """Only on hosts that have TLS: whether one does is known when all objects are put together."""
