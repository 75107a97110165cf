"""From which namespaces routes and ListenerSets may attach (Gateway API, RouteNamespaces and ListenerNamespaces)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.control.translate.gateway.selectors import selects

if TYPE_CHECKING:
    from edge.control.kinds.gateway import RouteNamespaces
    from edge.control.translate.gateway.view import View


def selected(rules: RouteNamespaces, namespace: str, own: str, view: View) -> bool:
    """Whether RULES of an object in the namespace OWN let in what is in NAMESPACE."""
    if rules.origin == "Same":
        return namespace == own
    if rules.origin == "Selector":
        return rules.selector is not None and selects(rules.selector, view.labels(namespace))
    return rules.origin == "All"
