"""The redirect of a host's root (app-root), as a route of its own.

Rules of this file:
- As in ingress-nginx it acts on the whole host, also where the Ingress that asks for it has no path `/`, and before
  anything else. Of several the oldest Ingress's counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from edge.control.translate.parts import HostPart
from edge.table.policies import AppRoot, BodyLimit, Closed, HttpsRedirect, NoAccessLog
from edge.table.records import PathKind

if TYPE_CHECKING:
    from edge.control.translate.parts import RoutePart
    from edge.table.policies import AnyPolicy


def with_app_root(host: HostPart) -> HostPart:
    """HOST, whose routes are in the order of their objects' age, with the redirect that one of them asks for."""
    default = host.default
    every = host.routes if default is None else (*host.routes, default)
    asking = [one for one in every if any(isinstance(policy, AppRoot) for policy in one.route.policies)]
    if not asking:
        return host
    root = _only(asking[0], (AppRoot, Closed, NoAccessLog))
    policies = (*root.route.policies, BodyLimit("", 0))  # it is not read
    root = replace(root, route=replace(root.route, kind=PathKind.EXACT, path="/", policies=policies, conditions=None))
    others = [one for one in host.routes if (one.route.kind, one.route.path) != (PathKind.EXACT, "/")]
    return HostPart(
        (root, *map(_without_app_root, others)), _without_app_root(default) if default is not None else None
    )


def _only(part: RoutePart, kinds: tuple[type[AnyPolicy], ...]) -> RoutePart:
    """PART with policies of these KINDS, and with those of TLS hosts that are no redirect."""
    kept = tuple(one for one in part.route.policies if isinstance(one, kinds))
    with_tls = tuple(one for one in part.with_tls if not isinstance(one, HttpsRedirect))
    return replace(part, route=replace(part.route, policies=kept), with_tls=with_tls)


def _without_app_root(part: RoutePart) -> RoutePart:
    policies = part.route.policies
    kept = tuple(one for one in policies if not isinstance(one, AppRoot))
    return part if len(kept) == len(policies) else replace(part, route=replace(part.route, policies=kept))
