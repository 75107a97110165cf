"""What one HTTPRoute asks for, given the Gateways that it attaches to: routes under hosts, and Services.

Rules of this file:
- A route with a match that is not supported is not served at all: a rule that is left out would leave its requests to
  wider rules.
- Requests that come by one scheme only (all listeners of a host are HTTP, or all are HTTPS) are distinguished by a
  condition; where both take a host there is none.

Source: Gateway API v1.6, HTTPRoute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from edge.control.kinds.gateway import RouteMatch
from edge.control.kinds.problems import Problem, warning
from edge.control.translate.gateway import bodies, filters, matches
from edge.control.translate.gateway.attaching import Attachment
from edge.control.translate.gateway.backends import BackendReader
from edge.control.translate.parts import HostPart, RoutePart, Translation
from edge.table.records import Backend, Owner, Route

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.kinds.gateway import HTTPRoute, RouteRule
    from edge.control.translate.gateway.view import View

NOT_READ: Final = ("timeouts", "retry", "session_persistence")
"""Fields of rules that are ignored."""
REFUSED: Final = (Backend(status=500),)
"""Of a rule whose requests nothing can serve."""


def translate(route: HTTPRoute, view: View) -> Translation | None:
    """What ROUTE asks for; None: it concerns no Gateway that is ours."""
    attachment = Attachment(route, view)
    if not attachment.schemes and not attachment.problems:
        return None
    problems: list[Problem] = list(attachment.problems)
    metadata = route.metadata
    order = (metadata.creation_timestamp or "", metadata.namespace, metadata.name)
    refused = [problem for match, field in _matches(route) for problem in matches.unsupported(match, field)]
    if refused or not attachment.schemes:
        return Translation(order, {}, None, (), (), (*problems, *refused))
    backends = BackendReader(route.id, view)
    owner = Owner("HTTPRoute", metadata.namespace, metadata.name)
    parts: list[tuple[RouteMatch, RoutePart]] = []
    for number, rule in enumerate(route.spec.rules):
        field = f"spec.rules[{number}]"
        problems += _ignored(rule, field)
        found = list(filters.faults(rule.filters, f"{field}.filters", of_backend=False))
        problems += found
        parts += _rule(rule, field, owner, backends, refused=bool(found))
    hosts = {host: HostPart(tuple(_under(schemes, parts))) for host, schemes in attachment.schemes.items()}
    return Translation(order, hosts, None, tuple(backends.uses), (), (*problems, *backends.problems))


def _under(schemes: set[str], parts: list[tuple[RouteMatch, RoutePart]]) -> Iterator[RoutePart]:
    """PARTS as they are under a host whose requests come by SCHEMES."""
    scheme = next(iter(schemes)) if len(schemes) == 1 else ""
    for match, part in parts:
        yield replace(part, route=replace(part.route, conditions=matches.conditions(match, scheme)))


def _rule(
    rule: RouteRule, field: str, owner: Owner, reader: BackendReader, *, refused: bool
) -> Iterator[tuple[RouteMatch, RoutePart]]:
    """The routes of RULE, one for each match; REFUSED: all are answered 500."""
    read = [reader.read(one, f"{field}.backendRefs[{number}]") for number, one in enumerate(rule.backend_refs)]
    for number, match in enumerate(rule.matches or (RouteMatch(),)):
        kind, path = matches.path(match)
        own = filters.policies(rule.filters, f"{field}.filters", path) if not refused else ()
        answered = any(one.type == "RequestRedirect" for one in rule.filters)
        backends: tuple[Backend, ...] = REFUSED
        if not refused and read:
            backends = tuple(_with_policies(rule, field, read, path))
        elif not refused and answered:
            backends = ()
        made = Route(kind, path, owner, backends, (*bodies.POLICIES, *own))
        yield match, RoutePart(made, (), f"{field}.matches[{number}]")


def _with_policies(rule: RouteRule, field: str, read: list[Backend], path: str) -> Iterator[Backend]:
    for number, (reference, backend) in enumerate(zip(rule.backend_refs, read, strict=True)):
        if backend.key and reference.filters:
            own = filters.policies(reference.filters, f"{field}.backendRefs[{number}].filters", path)
            yield replace(backend, policies=own)
        else:
            yield backend


def _matches(route: HTTPRoute) -> Iterator[tuple[RouteMatch, str]]:
    for number, rule in enumerate(route.spec.rules):
        for index, match in enumerate(rule.matches):
            yield match, f"spec.rules[{number}].matches[{index}]"


def _ignored(rule: RouteRule, field: str) -> Iterator[Problem]:
    for name in NOT_READ:
        if getattr(rule, name) is not None:
            camel = name.partition("_")[0] + "".join(part.title() for part in name.split("_")[1:])
            yield warning("UnsupportedField", f"{field}.{camel}", "not supported; the field is ignored")
