"""Which listeners a route attaches to, and under which hosts it is served there.

Rules of this file:
- Of the listeners of a Gateway at one port the most specific one takes a request. Hosts of a route that another
  listener of that port takes are left out.
- A route attaches to the listeners of the object that it names: those of a Gateway are not those of its ListenerSets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from edge.control.kinds.gateway import GROUP, Gateway
from edge.control.kinds.listener_sets import ListenerSet
from edge.control.kinds.names import host_name
from edge.control.kinds.objects import ObjectId
from edge.control.kinds.problems import Problem, error
from edge.control.translate.gateway.facts import FINE, ParentFacts, Verdict
from edge.control.translate.gateway.frontend import verified
from edge.control.translate.gateway.hostnames import intersection, most_specific
from edge.control.translate.gateway.listener_states import scope_of
from edge.control.translate.gateway.namespaces import selected

if TYPE_CHECKING:
    from edge.control.kinds.gateway_routes import AnyRoute
    from edge.control.kinds.http_routes import ParentReference
    from edge.control.translate.gateway.listener_states import ListenerState
    from edge.control.translate.gateway.view import Assignment, View

PARENTS = (Gateway.kind, ListenerSet.kind)


class Meeting(NamedTuple):
    """A host that a route and a listener have in common."""

    gateway: Gateway
    state: ListenerState
    host: str
    assignment: Assignment

    @property
    def scope(self) -> str:
        """Of the hosts; empty: at the addresses of Edge there is none."""
        return scope_of(self.gateway.id, self.state.listener) if self.assignment.addresses else ""


class Attachment:
    """The listeners of ROUTE.

    - `meetings`: where it is served.
    - `parents`: the result for each parent that is a Gateway of ours, or a ListenerSet of one.
    - `problems`: why it does not attach, for each parent that it does not attach to.
    """

    def __init__(self, route: AnyRoute, view: View) -> None:
        self._route = route
        self._view = view
        self._kind = (GROUP, route.kind)
        # Routes without host names have those of the listener.
        self._hosts = [host_name(name) for name in getattr(route.spec, "hostnames", ())] or [""]
        self.meetings: list[Meeting] = []
        self.parents: list[ParentFacts] = []
        self.problems: list[Problem] = []
        for number, parent in enumerate(route.spec.parent_refs):
            if parent.group == GROUP and parent.kind in PARENTS:
                self._attach(parent, f"spec.parentRefs[{number}]")

    def _attach(self, parent: ParentReference, field: str) -> None:
        named = ObjectId(parent.kind, parent.namespace or self._route.metadata.namespace, parent.name)
        gateway = self._gateway_of(named)
        if gateway is None:
            message = f"{named} does not exist" + (" or has no Gateway" if named.kind == ListenerSet.kind else "")
            self.problems.append(error("NoMatchingParent", f"{field}.name", message))
            return
        if not self._view.is_ours(gateway):
            return
        attached: list[str] = []
        verdict, at = self._verdict(gateway, named, parent, field, attached)
        if verdict.reason:
            self.problems.append(error(verdict.reason, at, verdict.message))
        key = (gateway.metadata.namespace, gateway.metadata.name)
        self.parents.append(ParentFacts(parent, named, key, verdict, tuple(attached)))

    def _gateway_of(self, named: ObjectId) -> Gateway | None:
        """The Gateway NAMED, or that of the ListenerSet NAMED."""
        key = (named.namespace, named.name)
        if named.kind == ListenerSet.kind:
            listener_set = self._view.listener_set(key)
            return self._view.gateway(listener_set.gateway) if listener_set is not None else None
        return self._view.gateway(key)

    def _verdict(
        self, gateway: Gateway, named: ObjectId, parent: ParentReference, field: str, attached: list[str]
    ) -> tuple[Verdict, str]:
        """Whether the route attaches by PARENT, and at which field it does not; ATTACHED gets names of listeners."""
        every = self._view.listener_states(gateway)
        own = [one for one in every if one.owner == named]
        meant = [one for one in own if _is_meant(parent, one)]
        if not own:
            return Verdict("NotAllowedByListeners", f"{gateway.id} does not allow {named}"), field
        if not meant:
            part = "sectionName" if parent.section_name else "port"
            known = ", ".join(f"{one.listener.name} (port {one.listener.port})" for one in own)
            return Verdict("NoMatchingParent", f"{named} has no such listener; it has {known}"), f"{field}.{part}"
        allowed = [one for one in meant if self._is_allowed(one)]
        if not allowed:
            return Verdict(
                "NotAllowedByListeners", f"{named} does not allow it; see allowedRoutes of its listeners"
            ), field
        attached += [one.listener.name for one in allowed if self._serve(gateway, one, every)]
        if not attached:
            hosts = ", ".join(one.hostname for one in allowed)
            message = f"no host name is among those of the listeners of {named}, which are {hosts}"
            return Verdict("NoMatchingListenerHostname", message), "spec.hostnames"
        return FINE, field

    def _is_allowed(self, state: ListenerState) -> bool:
        rules = state.listener.allowed_routes.namespaces
        near = selected(rules, self._route.metadata.namespace, state.owner.namespace, self._view)
        return near and state.served and self._kind in state.kinds

    def _serve(self, gateway: Gateway, state: ListenerState, every: tuple[ListenerState, ...]) -> bool:
        """Add the hosts that the listener has in common with the route; returns whether there are any."""
        met = [intersection(state.hostname, name) for name in self._hosts]
        hosts = [host for host in met if host is not None]
        port = state.listener.port
        beside = [one.hostname for one in every if one.served and one.listener.port == port]
        assignment = self._view.assignment(gateway)
        if state.listener.protocol == "HTTPS" and verified(gateway, port, self._view).accepted.reason:
            return bool(hosts)  # it attaches to a listener that takes nothing
        for host in hosts:
            served = assignment.shared or assignment.addresses  # without an address it gets no requests
            if served and most_specific(host, beside) == state.hostname:
                self.meetings.append(Meeting(gateway, state, host, assignment))
        return bool(hosts)


def _is_meant(parent: ParentReference, state: ListenerState) -> bool:
    listener = state.listener
    return parent.section_name in ("", listener.name) and parent.port in (0, listener.port)
