"""Explains which route takes a request, and why the others do not: for `edge check`, `edge routes` and the admin port.

Rules of this file:
- It uses the records alone, as workers do (`edge.data.routing`): the most specific host, then the routes of that
  host in the order in which they are tried, then those of wider hosts if the host lets requests go on to them.
- If a part of the request is not given, a route with conditions on it takes the request "if they are met".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import parse_qsl

from edge.table import describing
from edge.table.paths import normalise
from edge.table.patterns.matching import PatternError, PatternLimitError, compile_pattern
from edge.table.policies.order import ordered
from edge.table.records import PathKind, hosts_over

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from edge.table.content import Content
    from edge.table.records import Backend, Condition, Conditions, Host, Route

TAKEN: Final = "takes it"
_MOST_ENDPOINTS: Final = 16


class Head(NamedTuple):
    """The parts of a request for conditions."""

    method: str
    scheme: str
    fields: Mapping[str, str]
    """By name in lower case."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A route that was tried, and the result."""

    host: Host
    route: Route
    default: bool
    """Whether it is the default route of the host."""
    verdict: str


@dataclass(slots=True)
class Explanation:
    """The explanation for a request."""

    name: str
    """Its host, as hosts are compared."""
    path: str
    """In normal form."""
    query: str
    hosts: list[Host] = field(default_factory=list)
    """The records that were tried, the most specific first."""
    candidates: list[Candidate] = field(default_factory=list)
    winner: Candidate | None = None
    """The one that takes it; None: the default of all hosts, or none."""


def explained(content: Content, host: str, target: str, head: Head | None = None) -> Explanation:
    """The explanation for a request for TARGET at HOST, by CONTENT; HEAD: its other parts."""
    path, _, query = target.partition("?")
    found = Explanation(host.lower().partition(":")[0].rstrip("."), normalise(path or "/"), query)
    for record in _hosts(content, found.name):
        found.hosts.append(record)
        _judge(found, record, head)
        if found.winner is not None:
            break
    return found


def lines(content: Content, host: str, target: str) -> Iterator[str]:
    """The explanation for a request for TARGET at HOST, by CONTENT, as text."""
    yield from described(content, explained(content, host, target))


def described(content: Content, found: Explanation) -> Iterator[str]:
    """FOUND as text."""
    yield f"{found.name}{found.path}"
    if not found.hosts:
        yield "  no Ingress or route names this host, and none takes any host"
    for host in found.hosts:
        tls = f" (TLS: {describing.certificate(content, host)})" if host.tls else ""
        yield f"  host {describing.host_name(host)}{tls}{_why(host, found.name)}"
        rows = [_row(one) for one in found.candidates if one.host is host]
        yield from describing.columns(rows, "    ")
    yield from _rest(content, found.winner.route if found.winner is not None else content.shared.default)


def _hosts(content: Content, name: str) -> Iterator[Host]:
    """The records that may take a request for NAME: the most specific, and as far as they allow it, wider ones."""
    passed = False
    for candidate in hosts_over(name):
        record = None
        if name and not candidate:
            record = _by_pattern(content, name)
        record = record or content.hosts.get(candidate)
        if record is None:
            continue
        if passed and not record.wider:
            return
        yield record
        if not record.wider:
            return
        passed = True


def _by_pattern(content: Content, name: str) -> Host | None:
    for pattern in sorted(key for key in content.hosts if key.startswith("~")):
        if _finds(pattern.removeprefix("~"), name, anchored=False):
            return content.hosts[pattern]
    return None


def _why(host: Host, name: str) -> str:
    return "" if host.name == name else f", because there is none for {name} itself"


def _judge(found: Explanation, host: Host, head: Head | None) -> None:
    """Add to FOUND the routes of HOST, each with the verdict on it."""
    for one in describing.routes(host):
        if not matches(one, found.path):
            verdict = "no: another path"
        elif found.winner is not None:
            verdict = "no: the route above goes before it"
        elif one.conditions is not None and head is None:
            verdict = "if its conditions are met"
        elif one.conditions is not None and head is not None and (unmet := _unmet(one.conditions, head, found.query)):
            verdict = f"no: {unmet}"
        else:
            verdict = TAKEN
        _add(found, Candidate(host, one, False, verdict))
    if host.default is not None:
        verdict = "no: a route above goes before it" if found.winner is not None else TAKEN
        _add(found, Candidate(host, host.default, True, verdict))


def _add(found: Explanation, candidate: Candidate) -> None:
    found.candidates.append(candidate)
    if candidate.verdict == TAKEN:
        found.winner = candidate


def _row(one: Candidate) -> tuple[str, ...]:
    taken, done = describing.route(one.route, default=one.default)
    owner = str(one.route.owner) if one.route.owner.kind else "--default-backend-service"
    return taken, f"-> {done}", owner, one.verdict


def _unmet(conditions: Conditions, head: Head, query: str) -> str:
    """The first of CONDITIONS that is not met; empty: all are."""
    if conditions.method and head.method != conditions.method:
        return f"the method is not {conditions.method}"
    if conditions.scheme and head.scheme != conditions.scheme:
        return f"the scheme is not {conditions.scheme}"
    for name in _different(conditions.headers, head.fields):
        return f"the field {name} does not match"
    if conditions.query:
        given: dict[str, str] = {}
        for name, value in parse_qsl(query, keep_blank_values=True):
            given.setdefault(name, value)
        for name in _different(conditions.query, given):
            return f"the query parameter {name} does not match"
    return ""


def _different(conditions: Iterable[Condition], given: Mapping[str, str]) -> Iterator[str]:
    """The names of those CONDITIONS that the GIVEN values do not meet."""
    for one in conditions:
        value = given.get(one.name)
        if value is None:
            yield one.name
        elif one.regex:
            if not _finds(one.value, value, ignore_case=False, whole=True):
                yield one.name
        elif value != one.value:
            yield one.name


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
