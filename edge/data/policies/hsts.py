"""Adds Strict-Transport-Security to responses over TLS (RFC 6797)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.data.policies.phases import Phases
    from edge.table.policies import Hsts


def add(policy: Hsts, phases: Phases) -> None:
    """A constant field, which takes the place of the endpoint's."""
    phases.secure_fields += f"Strict-Transport-Security: {policy.value}\r\n".encode()
    phases.secure_replaced.append(b"strict-transport-security")
