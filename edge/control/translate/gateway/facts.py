"""The results of a translation for the status of its object.

Rules of this file:
- A verdict is a reason and a message; an empty reason means that there is no problem.
- How the status of each kind is worded from this is in `edge.control.translate.gateway.statuses`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from edge.control.kinds.http_routes import ParentReference
    from edge.control.kinds.objects import Key, ObjectId
    from edge.control.translate.gateway.listener_states import ListenerState
    from edge.control.translate.gateway.services import GatewayService
    from edge.control.translate.gateway.view import Assignment


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """What is wrong, if anything is."""

    reason: str = ""
    message: str = ""


FINE = Verdict()


class ListenerFacts(msgspec.Struct, frozen=True, gc=False):
    """One listener of a Gateway."""

    state: ListenerState
    references: Verdict = FINE
    secrets: tuple[Key, ...] = ()
    """With the certificates that may be used."""
    accepted: Verdict = FINE
    """Why it is not served, beside what `state` says."""


class GatewayFacts(msgspec.Struct, frozen=True, gc=False):
    """A Gateway of ours."""

    listeners: tuple[ListenerFacts, ...]
    """Its own; those of its ListenerSets have facts of their own."""
    assignment: Assignment
    parameters: Verdict = FINE
    sets: int = 0
    """ListenerSets that are attached."""
    references: Verdict = FINE
    """The problems of references of the Gateway itself."""
    insecure: bool = False
    """Whether clients whose certificate does not verify are accepted."""
    service: GatewayService | None = None
    """What its Service is to be; None: it has none, or is to stay as it is."""


class ClassFacts(msgspec.Struct, frozen=True, gc=False):
    """A GatewayClass of ours."""

    parameters: Verdict = FINE


class ListenerSetFacts(msgspec.Struct, frozen=True, gc=False):
    """A ListenerSet of a Gateway of ours."""

    listeners: tuple[ListenerFacts, ...]
    allowed: Verdict = FINE
    """Why its Gateway does not take it."""


class PolicyFacts(msgspec.Struct, frozen=True, gc=False):
    """A BackendTLSPolicy."""

    accepted: Verdict = FINE
    resolved: Verdict = FINE


class ParentFacts(msgspec.Struct, frozen=True, gc=False):
    """The result for one parent of a route that is a Gateway of ours, or a ListenerSet of one."""

    parent: ParentReference
    named: ObjectId
    gateway: Key
    accepted: Verdict = FINE
    listeners: tuple[str, ...] = ()
    """Names of those that the route is attached to."""


class RouteFacts(msgspec.Struct, frozen=True, gc=False):
    """A route with parents that are ours."""

    parents: tuple[ParentFacts, ...]
    references: Verdict = FINE
    partly: Verdict = FINE
    """Why some of its rules are not served."""
    policies: tuple[ObjectId, ...] = ()
    """BackendTLSPolicies for the Services behind it."""
