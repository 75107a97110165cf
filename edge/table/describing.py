"""Records as text for people: one line for a route, a service, a certificate."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from edge.system.addresses import Address
from edge.table.records import Balance, PathKind, Protocol, Transport
from edge.table.streams import SERVER_STREAM, STREAM

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edge.table.content import Content
    from edge.table.records import Backend, Certificate, Condition, Conditions, Endpoint, Host, Route, ServicePort
    from edge.table.streams import StreamRoute

KINDS: Final = {PathKind.EXACT: "Exact", PathKind.PREFIX: "Prefix", PathKind.STRING: "ImplementationSpecific"}
"""As the Kubernetes API names them (`pathType`)."""
PATHS: Final = {**KINDS, PathKind.PATTERN: "Pattern", PathKind.REGEX: "RegularExpression"}
"""All kinds; the APIs have no name for a pattern."""
EXPRESSIONS: Final = frozenset((PathKind.PATTERN, PathKind.REGEX))
"""Kinds that are tried in the order of the record."""
BALANCES: Final = {
    Balance.ROUND_ROBIN: "round robin",
    Balance.LEAST_CONNECTIONS: "least connections",
    Balance.EWMA: "EWMA",
}
PROTOCOLS: Final = {
    Protocol.HTTP1: "HTTP/1.1",
    Protocol.HTTP2: "HTTP/2",
    Protocol.FASTCGI: "FastCGI",
    Protocol.BYTES: "bytes",
}
_ORDER: Final = {PathKind.EXACT: 0, PathKind.PREFIX: 1, PathKind.STRING: 1}


def host_name(host: Host) -> str:
    """The name of HOST, and its scope if it is served at the address of a Gateway."""
    name = host.name or "any other host"
    return f"{name} at Gateway {host.scope}" if host.scope else name


def routes(host: Host) -> list[Route]:
    """The routes of HOST in the order in which they are tried, the default one not among them."""
    patterns = [route for route in host.routes if route.kind in EXPRESSIONS]
    others = [route for route in host.routes if route.kind not in EXPRESSIONS]
    others.sort(key=lambda route: (_ORDER[route.kind], -len(route.path), route.path, route.kind))
    exact = sum(route.kind is PathKind.EXACT for route in others)
    return [*others[:exact], *patterns, *others[exact:]]


def route(one: Route, *, default: bool = False) -> tuple[str, str]:
    """The matches of ONE, and what it does with them; DEFAULT: it matches what no other route does."""
    taken = "otherwise" if default else f"{PATHS[one.kind]} {one.path}{_bracketed(one.conditions)}"
    done = ", ".join(_backend(backend, shared=len(one.backends) > 1) for backend in one.backends)
    return taken, done or "answer by policy"


def _backend(one: Backend, *, shared: bool) -> str:
    named = f"{one.service}:{one.port}{_transport(one)}" if one.service else f"answer {one.status}"
    return f"{named} ({'canary, ' if one.canary else ''}weight {one.weight})" if shared else named


def _transport(one: Backend) -> str:
    """The protocol of the endpoints of ONE; empty: HTTP/1.1 without TLS."""
    if one.secure_transport is not None:
        return f" by {protocol(one.transport)}, or {protocol(one.secure_transport)} for clients that do"
    return f" by {protocol(one.transport)}" if one.transport != Transport() else ""


def protocol(transport: Transport) -> str:
    """The protocol of TRANSPORT."""
    name = PROTOCOLS[transport.protocol]
    if transport.tls is None:
        return name
    return f"{name} over TLS, {'verified' if transport.tls.verify else 'not verified'}"


def conditions(several: Conditions | None) -> list[str]:
    """Each of SEVERAL conditions."""
    if several is None:
        return []
    parts = [f"{several.scheme} only"] if several.scheme else []
    parts += [several.method] if several.method else []
    parts += [f"{one.name}: {_wanted(one)}" for one in several.headers]
    parts += [f"?{one.name}={_wanted(one)}" for one in several.query]
    return parts


def _bracketed(several: Conditions | None) -> str:
    return f" [{', '.join(conditions(several))}]" if several is not None else ""


def _wanted(one: Condition) -> str:
    return f"~{one.value}" if one.regex else one.value


def policies(one: Route) -> Iterator[str]:
    """The mirrors of ONE and the summaries of its policies, except default ones."""
    for mirror in one.mirrors:
        share = mirror.numerator / mirror.denominator
        yield f"{share:.4g} of the requests are copied to {mirror.backend.service}:{mirror.backend.port}"
    for policy in one.policies:
        if policy.source:
            yield policy.summary()
    for backend in one.backends:
        for policy in backend.policies:
            yield f"{backend.service}: {policy.summary()}"


def endpoint(one: Endpoint) -> str:
    """Address and port of ONE."""
    return str(Address(one.address, one.port))


def stream_name(key: str, stream: StreamRoute) -> str:
    """What the STREAM under KEY takes: a listener, or TLS with a server name."""
    if not key.startswith(SERVER_STREAM):
        return key.removeprefix(STREAM)
    scope, _, host = key.removeprefix(SERVER_STREAM).rpartition("|")
    place = f" at Gateway {scope}" if scope else ""
    return f"TLS {host or 'any server name'}{place}{' (terminated)' if stream.terminate else ''}"


def stream_backends(stream: StreamRoute) -> str:
    """The backends of STREAM, with their weights where there are several."""
    several = len(stream.backends) > 1
    named = [
        f"{one.namespace}/{one.service}:{one.port}" + (f" ({one.weight})" if several else "") for one in stream.backends
    ]
    return ", ".join(named) or "nowhere"


def endpoints(port: ServicePort | None, *, most: int = 0) -> str:
    """The endpoints of PORT, no more than MOST of them named (0: all)."""
    if port is None or not port.endpoints:
        return "no endpoint (503)"
    shown = [endpoint(one) for one in port.endpoints]
    if most and len(shown) > most:
        shown = [*shown[:most], f"and {len(shown) - most} more"]
    return ", ".join(shown)


def certificate(content: Content, host: Host) -> str:
    """Which certificate HOST shows."""
    key = content.certificate_for(host)
    found = content.certificates.get(key)
    if found is None or not found.name:
        return "the default certificate"
    return f"Secret {found.namespace}/{found.name}, until {date(found.not_after)}"


def secret(one: Certificate) -> str:
    """The Secret of ONE."""
    return f"Secret {one.namespace}/{one.name}" if one.name else "made by Edge"


def date(seconds: float) -> str:
    """The day of SECONDS (Unix time)."""
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()


def moment(seconds: float) -> str:
    """SECONDS (Unix time) by RFC 3339 in milliseconds; empty: never."""
    if not seconds:
        return ""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def columns(rows: Sequence[tuple[str, ...]], indent: str) -> Iterator[str]:
    """ROWS as lines with aligned columns; the last column is not padded."""
    if not rows:
        return
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
        yield indent + "  ".join([*cells, row[-1]]).rstrip()
