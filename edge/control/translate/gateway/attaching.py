"""Which listeners an HTTPRoute attaches to, and under which hosts it is served there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.control.kinds.gateway import GROUP
from edge.control.kinds.names import host_name
from edge.control.kinds.problems import Problem, error
from edge.control.translate.gateway.hostnames import intersection, record_name
from edge.control.translate.gateway.listeners import ROUTE_KINDS, SCHEMES

if TYPE_CHECKING:
    from edge.control.kinds.gateway import Gateway, HTTPRoute, Listener, ParentReference
    from edge.control.translate.gateway.view import View


class Attachment:
    """The listeners of ROUTE.

    - `schemes`: the schemes in which requests come, by name of the host's record.
    - `problems`: why it does not attach, for each parent that is ours and that it does not attach to.
    """

    def __init__(self, route: HTTPRoute, view: View) -> None:
        self._route = route
        self._view = view
        self.schemes: dict[str, set[str]] = {}
        self.problems: list[Problem] = []
        for number, parent in enumerate(route.spec.parent_refs):
            if (parent.group, parent.kind) == (GROUP, "Gateway"):
                self._attach(parent, f"spec.parentRefs[{number}]")

    def _attach(self, parent: ParentReference, field: str) -> None:
        namespace = parent.namespace or self._route.metadata.namespace
        gateway = self._view.gateway((namespace, parent.name))
        if gateway is None:
            message = f"Gateway {namespace}/{parent.name} does not exist"
            self.problems.append(error("NoMatchingParent", f"{field}.name", message))
            return
        if not self._view.is_ours(gateway):
            return
        named = [one for one in gateway.spec.listeners if _is_meant(parent, one)]
        if not named:
            part = "sectionName" if parent.section_name else "port"
            known = ", ".join(f"{one.name} (port {one.port})" for one in gateway.spec.listeners)
            message = f"{gateway.id} has no such listener; it has {known}"
            self.problems.append(error("NoMatchingParent", f"{field}.{part}", message))
            return
        allowed = [one for one in named if self._is_allowed(gateway, one)]
        if not allowed:
            message = f"{gateway.id} does not allow it; see allowedRoutes of its listeners"
            self.problems.append(error("NotAllowedByListeners", field, message))
            return
        serving = [self._serve(listener) for listener in allowed]
        if not any(serving):
            hosts = ", ".join(one.hostname for one in allowed)
            message = f"no host name is among those of the listeners of {gateway.id}, which are {hosts}"
            self.problems.append(error("NoMatchingListenerHostname", "spec.hostnames", message))

    def _is_allowed(self, gateway: Gateway, listener: Listener) -> bool:
        rules = listener.allowed_routes
        origin = rules.namespaces.origin
        near = origin == "All" or (origin == "Same" and gateway.metadata.namespace == self._route.metadata.namespace)
        kinds = {(one.group, one.kind) for one in rules.kinds} or ROUTE_KINDS
        return near and listener.protocol in SCHEMES and bool(kinds & ROUTE_KINDS)

    def _serve(self, listener: Listener) -> bool:
        """Take up the hosts that LISTENER has in common with the route; whether there are any."""
        own = host_name(listener.hostname)
        met = [intersection(own, host_name(name)) for name in self._route.spec.hostnames or ("",)]
        hosts = [host for host in met if host is not None]
        for host in hosts:
            self.schemes.setdefault(record_name(host), set()).add(SCHEMES[listener.protocol])
        return bool(hosts)


def _is_meant(parent: ParentReference, listener: Listener) -> bool:
    return parent.section_name in ("", listener.name) and parent.port in (0, listener.port)
