"""Canaries: Ingresses that add a backend to paths of others (canary of ingress-nginx).

Rules of this file:
- A canary acts on the route that another Ingress has for the very same host, path and path type. Without one it serves
  nothing: it makes neither a path nor a host.
- It adds its backend and the rules by which requests get there. Everything else is set by the main Ingress.
- Where the main Ingress has an affinity, its cookie sends a client to the same Service again, unless the
  canary is `legacy`.
- One canary counts for each path, as in ingress-nginx: that of the oldest Ingress.
- A canary of another namespace takes no requests, unless references across namespaces are allowed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from edge.control.kinds.problems import Problem, error, warning
from edge.table.policies import Affinity, Canary
from edge.table.policies.affinity import side
from edge.table.records import upstream_name

if TYPE_CHECKING:
    from edge.control.kinds.objects import ObjectId
    from edge.control.translate.annotations.canary import Rules
    from edge.control.translate.parts import RoutePart
    from edge.table.records import Backend

    Owned = tuple[ObjectId, RoutePart]
    """A route and the object that asks for it."""

NOTHING = "the canary gets no requests"


def with_canary(main: Owned, canary: Owned, what: str, *, cross_namespace: bool) -> RoutePart | Problem:
    """MAIN's route with the backend of CANARY, or the reason why that is not possible. WHAT names the path in messages.

    CROSS_NAMESPACE: they may be of two namespaces.
    """
    (owner, part), (of_canary, aside) = main, canary
    rules = aside.canary
    assert rules is not None  # noqa: S101 - what makes it a canary
    first, second = part.route.backends[0], aside.route.backends[0]
    if not first.key or not second.key:
        return error("UnsupportedCanary", aside.field, f"{what} has no Service in {owner} or here; {NOTHING}")
    if owner.namespace != of_canary.namespace and not cross_namespace:
        message = f"{owner} is in another namespace, which --allow-cross-namespace-resources would allow; {NOTHING}"
        return error("CrossNamespace", aside.field, message)
    if len(part.route.backends) > 1:
        return error("PathConflict", aside.field, f"{what} has a canary already, which is older; {NOTHING}")
    if _service(first) == _service(second):
        return warning("SameService", aside.field, f"{what} leads to the same Service in {owner}; {NOTHING}")
    affinity = next((one for one in first.policies if isinstance(one, Affinity)), None) if rules.sticky else None
    own = (affinity,) if affinity is not None else second.policies
    backends = (
        replace(first, weight=rules.total - rules.weight),
        replace(
            second,
            weight=rules.weight,
            canary=True,
            policies=own,
            transport=first.transport,
            secure_transport=first.secure_transport,
        ),
    )
    policies = (*part.route.policies, *_choice(rules, affinity, backends))
    return replace(part, route=replace(part.route, backends=backends, policies=policies))


def unmatched(canary: RoutePart, what: str) -> Problem:
    """What is wrong with CANARY, a route to WHAT that no other Ingress has."""
    return warning("NoMainIngress", canary.field, f"no main Ingress has {what}; {NOTHING}")


def _choice(rules: Rules, affinity: Affinity | None, backends: tuple[Backend, ...]) -> tuple[Canary, ...]:
    """The policy that RULES need beside the weights; AFFINITY: what keeps clients with one of BACKENDS."""
    if not rules.header and not rules.cookie and affinity is None:
        return ()
    value = rules.value if rules.header else ""
    pattern = rules.pattern if rules.header and not value else ""
    chosen = Canary(rules.source, rules.header, value, pattern, rules.cookie)
    if affinity is not None:
        sides = tuple(side(upstream_name(*_service(one))) for one in backends)
        chosen = replace(chosen, affinity=affinity.cookie, sides=sides)
    return (chosen,)


def _service(backend: Backend) -> tuple[str, str, str]:
    return backend.namespace, backend.service, backend.port
