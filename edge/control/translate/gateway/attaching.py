"""Which listeners an HTTPRoute attaches to, and under which hosts it is served there.

Rules of this file:
- Of the listeners of a Gateway at one port the most specific one takes a request. Hosts of a route that another
  listener of that port takes are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.control.kinds.gateway import GROUP
from edge.control.kinds.names import host_name
from edge.control.kinds.problems import Problem, error
from edge.control.translate.gateway.facts import FINE, ParentFacts, Verdict
from edge.control.translate.gateway.hostnames import intersection, most_specific, record_name
from edge.control.translate.gateway.selectors import selects
from edge.control.translate.gateway.standing import SCHEMES, scope_of, standings
from edge.table.records import scoped

if TYPE_CHECKING:
    from edge.control.kinds.gateway import Gateway, HTTPRoute, ParentReference
    from edge.control.translate.gateway.standing import Standing
    from edge.control.translate.gateway.view import View


class Place:
    """Where a host of the route is served.

    - `scoped`: whether that is at addresses of the Gateway's own. `listener`: the host name of the listener, as a
      record has it; empty where it is not.
    - `schemes`: in which requests come.
    """

    def __init__(self, listener: str, *, scoped: bool) -> None:
        self.listener = listener
        self.scoped = scoped
        self.schemes: set[str] = set()


class Attachment:
    """The listeners of ROUTE.

    - `places`: by key of the host's record.
    - `parents`: what became of each parent that is a Gateway of ours.
    - `problems`: why it does not attach, for each parent that it does not attach to.
    """

    def __init__(self, route: HTTPRoute, view: View) -> None:
        self._route = route
        self._view = view
        self._kind = (GROUP, route.kind)
        self.places: dict[str, Place] = {}
        self.parents: list[ParentFacts] = []
        self.problems: list[Problem] = []
        for number, parent in enumerate(route.spec.parent_refs):
            if (parent.group, parent.kind) == (GROUP, "Gateway"):
                self._attach(parent, f"spec.parentRefs[{number}]")

    def _attach(self, parent: ParentReference, field: str) -> None:
        key = (parent.namespace or self._route.metadata.namespace, parent.name)
        gateway = self._view.gateway(key)
        if gateway is None:
            message = f"Gateway {'/'.join(key)} does not exist"
            self.problems.append(error("NoMatchingParent", f"{field}.name", message))
            return
        if not self._view.is_ours(gateway):
            return
        attached: list[str] = []
        verdict, at = self._verdict(gateway, parent, field, attached)
        if verdict.reason:
            self.problems.append(error(verdict.reason, at, verdict.message))
        self.parents.append(ParentFacts(parent, key, verdict, tuple(attached)))

    def _verdict(
        self, gateway: Gateway, parent: ParentReference, field: str, attached: list[str]
    ) -> tuple[Verdict, str]:
        """Whether the route attaches by PARENT, and at which field it does not; ATTACHED gets names of listeners."""
        every = standings(gateway)
        named = [one for one in every if _is_meant(parent, one)]
        if not named:
            part = "sectionName" if parent.section_name else "port"
            known = ", ".join(f"{one.listener.name} (port {one.listener.port})" for one in every)
            message = f"{gateway.id} has no such listener; it has {known}"
            return Verdict("NoMatchingParent", message), f"{field}.{part}"
        allowed = [one for one in named if self._is_allowed(gateway, one)]
        if not allowed:
            message = f"{gateway.id} does not allow it; see allowedRoutes of its listeners"
            return Verdict("NotAllowedByListeners", message), field
        attached += [one.listener.name for one in allowed if self._serve(gateway, one, every)]
        if not attached:
            hosts = ", ".join(one.hostname for one in allowed)
            message = f"no host name is among those of the listeners of {gateway.id}, which are {hosts}"
            return Verdict("NoMatchingListenerHostname", message), "spec.hostnames"
        return FINE, field

    def _is_allowed(self, gateway: Gateway, standing: Standing) -> bool:
        rules = standing.listener.allowed_routes.namespaces
        own = self._route.metadata.namespace
        if rules.origin == "Same":
            near = gateway.metadata.namespace == own
        elif rules.origin == "Selector":
            near = rules.selector is not None and selects(rules.selector, self._view.labels(own))
        else:
            near = rules.origin == "All"
        return near and standing.served and self._kind in standing.kinds

    def _serve(self, gateway: Gateway, standing: Standing, every: tuple[Standing, ...]) -> bool:
        """Take up the hosts that the listener has in common with the route; whether there are any."""
        met = [intersection(standing.hostname, host_name(name)) for name in self._route.spec.hostnames or ("",)]
        hosts = [host for host in met if host is not None]
        port = standing.listener.port
        beside = [one.hostname for one in every if one.served and one.listener.port == port]
        own = not self._view.assignment(gateway).shared
        for host in hosts:
            if most_specific(host, beside) == standing.hostname:
                key = scoped(scope_of(gateway, port), record_name(host)) if own else record_name(host)
                listener = record_name(standing.hostname) if own else ""
                place = self.places.setdefault(key, Place(listener, scoped=own))
                place.schemes.add(SCHEMES[standing.listener.protocol])
        return bool(hosts)


def _is_meant(parent: ParentReference, standing: Standing) -> bool:
    listener = standing.listener
    return parent.section_name in ("", listener.name) and parent.port in (0, listener.port)
