"""Hosts in URLs of annotations, and the meaning of `$host` in place of a name.

Rules of this file:
- Under a host that a rule names, `$host` is that host, and its addresses are followed as those of any other name.
- Under a wildcard, or any host, clients would choose the authentication server themselves: such routes are closed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from edge.control.kinds.problems import Problem, error
from edge.control.translate.annotations.policies import one_closed
from edge.control.translate.annotations.values import CLOSES
from edge.control.translate.parts import HostPart, RemoteUse
from edge.table.policies.closed import Closed
from edge.table.policies.external_auth import ExternalAuth
from edge.table.remotes import remote_key, remote_of

if TYPE_CHECKING:
    from edge.control.translate.parts import RoutePart
    from edge.table.policies import AnyPolicy

VARIABLE: Final = "$host"


def uses(hosts: dict[str, HostPart], default: RoutePart | None) -> tuple[RemoteUse, ...]:
    """The hosts that the policies of all routes ask."""
    parts = [part for host in hosts.values() for part in (*host.routes, host.default, host.unmatched)]
    policies = [policy for part in (*parts, default) if part is not None for policy in part.route.policies]
    return tuple(dict.fromkeys(RemoteUse(key, one.source) for one in policies for key in one.remotes()))


def is_open(policy: AnyPolicy) -> bool:
    """Whether the server of POLICY depends on the host of a route."""
    return isinstance(policy, ExternalAuth) and remote_of(policy.remote)[0] == VARIABLE


def under(host: str, part: HostPart, problems: list[Problem]) -> HostPart:
    """PART as it is under HOST, the name of a record; PROBLEMS gets why routes are closed."""
    default = _route(host, part.default, problems) if part.default is not None else None
    unmatched = _route(host, part.unmatched, problems) if part.unmatched is not None else None
    routes = tuple(_route(host, one, problems) for one in part.routes)
    return replace(part, routes=routes, default=default, unmatched=unmatched)


def _route(host: str, part: RoutePart, problems: list[Problem]) -> RoutePart:
    policies = one_closed(_policy(host, policy) if is_open(policy) else policy for policy in part.route.policies)
    for policy in policies:
        if isinstance(policy, Closed) and policy not in part.route.policies:
            problem = error("InvalidAnnotation", policy.source, f"{policy.reason}; {CLOSES}")
            if problem not in problems:
                problems.append(problem)
    return replace(part, route=replace(part.route, policies=policies))


def _policy(host: str, policy: AnyPolicy) -> AnyPolicy:
    assert isinstance(policy, ExternalAuth)  # noqa: S101 - the caller has looked
    if not host or host.startswith("*"):
        where = f'the wildcard "{host}"' if host else "any host"
        return Closed(policy.source, f"the URL's host is $host, which a client could choose under {where}")
    return replace(policy, remote=remote_key(host, remote_of(policy.remote)[1]))
