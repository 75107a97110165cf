"""Which route takes a request for a host and a path, and why the others do not: for `edge check` and `edge routes`.

Rules of this file:
- It goes by the records alone, as workers do (`edge.data.routing`): the most specific host, then the routes of that
  host in the order in which they are tried.
- What no record can say is left open: a route with conditions takes the request if they are met.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.table import describing
from edge.table.paths import normalise
from edge.table.patterns.matching import PatternError, PatternLimitError, compile_pattern
from edge.table.policies.order import ordered
from edge.table.records import PathKind, hosts_over

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.table.content import Content
    from edge.table.records import Backend, Host, Route

TAKEN: Final = "takes it"
_MOST_ENDPOINTS: Final = 16


def lines(content: Content, host: str, target: str) -> Iterator[str]:
    """What becomes of a request for TARGET at HOST, by CONTENT."""
    name = host.lower().partition(":")[0].rstrip(".")
    path = normalise(target.partition("?")[0] or "/")
    yield f"{name}{path}"
    found = _host(content, name)
    if found is None:
        yield "  no Ingress or route names this host, and none takes any host"
        yield from _rest(content, content.shared.default)
        return
    tls = f" (TLS: {describing.certificate(content, found)})" if found.tls else ""
    yield f"  host {describing.host_name(found)}{tls}{_why(found, name)}"
    winner, rows = _judged(found, path)
    yield from describing.columns(rows, "    ")
    yield from _rest(content, winner or found.default or content.shared.default)


def _host(content: Content, name: str) -> Host | None:
    """The most specific record for NAME."""
    for candidate in hosts_over(name):
        if name and not candidate:
            for pattern in sorted(key for key in content.hosts if key.startswith("~")):
                if _finds(pattern.removeprefix("~"), name, anchored=False):
                    return content.hosts[pattern]
        if candidate in content.hosts:
            return content.hosts[candidate]
    return None


def _why(host: Host, name: str) -> str:
    return "" if host.name == name else f", because there is none for {name} itself"


def _judged(host: Host, path: str) -> tuple[Route | None, list[tuple[str, ...]]]:
    """The route of HOST that takes PATH, and a row for each with the verdict on it."""
    winner: Route | None = None
    rows: list[tuple[str, ...]] = []
    for one in describing.routes(host):
        if not matches(one, path):
            verdict = "no: another path"
        elif winner is not None:
            verdict = "no: the route above goes before it"
        elif one.conditions is not None:
            verdict = "if its conditions are met"
        else:
            winner, verdict = one, TAKEN
        rows.append((*_row(one), verdict))
    if host.default is not None:
        verdict = "no: a route above goes before it" if winner is not None else TAKEN
        rows.append((*_row(host.default, default=True), verdict))
    return winner, rows


def _row(one: Route, *, default: bool = False) -> tuple[str, ...]:
    taken, done = describing.route(one, default=default)
    return taken, f"-> {done}", str(one.owner) if one.owner.kind else "--default-backend-service"


def matches(one: Route, path: str) -> bool:
    """Whether ONE is for PATH, which is in its normal form."""
    if one.kind is PathKind.EXACT:
        return path == one.path
    if one.kind is PathKind.PREFIX:
        return path == one.path or path.startswith(one.path.rstrip("/") + "/")
    if one.kind is PathKind.STRING:
        return path.startswith(one.path)
    whole = one.kind is PathKind.REGEX
    return _finds(one.path, path, ignore_case=not whole, whole=whole)


def _finds(pattern: str, text: str, **how: bool) -> bool:
    try:
        return compile_pattern(pattern, **how).match(text.encode()) is not None
    except (PatternError, PatternLimitError):
        return False


def _rest(content: Content, route: Route | None) -> Iterator[str]:
    """What ROUTE does with the request."""
    if route is None:
        yield "  answered 404 by Edge"
        return
    policies = [one for one in ordered((*content.policies.policies, *route.policies)) if one.source]
    yield "  policies, in the order in which they act:" if policies else "  no policy"
    yield from describing.columns([(policy.summary(), policy.source) for policy in policies], "    ")
    for backend in route.backends:
        yield f"  {_backend(content, backend)}"
        for policy in ordered(backend.policies):
            yield f"    {policy.summary()}"


def _backend(content: Content, one: Backend) -> str:
    if not one.key:
        return f"answered {one.status}"
    port = content.ports.get(one.key)
    balance = f", {describing.BALANCES[port.balance]}" if port is not None else ""
    where = f"Service {one.namespace}/{one.service}:{one.port}" if one.namespace else one.key
    return f"{where}{balance}: {describing.endpoints(port, most=_MOST_ENDPOINTS)}"
