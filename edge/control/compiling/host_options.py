"""Options of Ingresses that apply to a whole host: certificates of clients (auth-tls-*), ciphers, snippets.

Rules of this file:
- Of each option that of the oldest Ingress counts, and the others are reported, as in ingress-nginx.
- If certificates of clients cannot be verified for one Ingress of a host, all requests to it are answered 403: which of
  its routes that Ingress is meant to protect is not known.
- If the snippet that counts cannot be applied, the host is closed (503).
- The options also apply to requests that none of its paths takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from edge.control.kinds.problems import Problem, warning
from edge.control.translate.annotations.exempt_paths import ACME
from edge.control.translate.annotations.values import field
from edge.control.translate.parts import ClientTrust, HostOptions
from edge.table.policies import Closed, HttpsRedirect, ServerSnippet, Snippet
from edge.table.policies.snippet import AddField, SetField
from edge.table.records import Backend, PathKind, Route, TlsOptions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edge.control.kinds.objects import ObjectId
    from edge.control.translate.parts import HostPart, Order
    from edge.table.policies.snippet import If, Statement

    Parts = Sequence[tuple[ObjectId, Order, HostPart]]
    """What objects say about a host, in the order in which they win."""

CLIENTS: Final = field("auth-tls-secret")
CIPHERS: Final = field("ssl-ciphers")
SERVER_ORDER: Final = field("ssl-prefer-server-ciphers")
SNIPPET: Final = field("server-snippet")
NOTHING: Final = HostOptions()
UNMATCHED: Final = Route(PathKind.PREFIX, "/", backends=(Backend(status=404),))


def merged(parts: Parts) -> HostOptions:
    """The options of the host of PARTS."""
    found = [part.options for _, _, part in parts if part.options is not None]
    if not found:
        return NOTHING
    clients = [one.clients for one in found if one.clients is not None]
    closed = [one for one in clients if isinstance(one, Closed)]
    return HostOptions(
        clients=next(iter((*closed, *clients)), None),
        ciphers=next((one.ciphers for one in found if one.ciphers), ""),
        server_order=next((one.server_order for one in found if one.server_order is not None), None),
        snippet=next((one.snippet for one in found if one.snippet is not None), None),
    )


def overruled(parts: Parts, name: str) -> Iterator[tuple[ObjectId, Problem]]:
    """What is reported of PARTS, those of the host NAME, whose options do not count."""
    winner = merged(parts)
    if winner is NOTHING:
        return
    for owner, _, part in parts:
        asked = part.options or NOTHING
        lost = [CLIENTS] if asked.clients is not None and asked.clients != winner.clients else []
        lost += [CIPHERS] if asked.ciphers and asked.ciphers != winner.ciphers else []
        order = asked.server_order
        lost += [SERVER_ORDER] if order is not None and order != winner.server_order else []
        lost += [SNIPPET] if asked.snippet is not None and asked.snippet != winner.snippet else []
        for one in lost:
            where = f'host "{name}"' if name else "any host"
            message = f"{where} has another value by an older Ingress, which counts for the whole host"
            if one == CLIENTS and isinstance(winner.clients, Closed):
                message = f"{where} is closed (403) because of another Ingress: {winner.clients.reason}"
            yield owner, warning("HostConflict", one, message)


def tls_options(options: HostOptions) -> TlsOptions | None:
    """What TLS handshakes need of OPTIONS; None: nothing."""
    clients = options.clients
    made = clients.options if isinstance(clients, ClientTrust) else TlsOptions()
    order = options.server_order if options.server_order is not None else True
    made = replace(made, ciphers=options.ciphers, server_order=order)
    return made if made != TlsOptions() else None


def acts(options: HostOptions) -> bool:
    """Whether OPTIONS act on requests of the host."""
    return options.clients is not None or options.snippet is not None


def applied(route: Route, options: HostOptions) -> Route:
    """ROUTE of a host with OPTIONS."""
    return _guarded(_scripted(route, options.snippet), options)


def _scripted(route: Route, snippet: ServerSnippet | Closed | None) -> Route:
    """ROUTE with the SNIPPET of its host."""
    policies = route.policies
    if isinstance(snippet, Closed):
        closed = any(isinstance(one, Closed) for one in policies)
        return route if closed else replace(route, policies=(*policies, snippet))
    if snippet is None:
        return route
    own = next((one for one in policies if isinstance(one, Snippet)), None)
    snippet = _inherited(snippet, own) if own is not None else snippet
    return replace(route, policies=(*policies, snippet)) if snippet.statements else route


def _inherited(snippet: ServerSnippet, own: Snippet) -> ServerSnippet:
    """SNIPPET without the fields of responses that OWN, the one of a route, takes the place of: those that it sets,
    and all of `add_header` where it has some of its own."""
    adds = any(isinstance(one, AddField) for one in own.statements)
    names = {one.name.lower() for one in own.statements if isinstance(one, SetField)}

    def stays(one: Statement | If) -> bool:
        return not isinstance(one, AddField | SetField) or not (
            one.name.lower() in names or (adds and isinstance(one, AddField))
        )

    return replace(snippet, statements=tuple(one for one in snippet.statements if stays(one)))


def _guarded(route: Route, options: HostOptions) -> Route:
    clients = options.clients
    if clients is None:
        return route
    if isinstance(clients, Closed):
        others = tuple(one for one in route.policies if not isinstance(one, Closed))
        return replace(route, policies=(*others, clients))
    plain = any(isinstance(one, HttpsRedirect) for one in route.policies) or route.path.startswith(ACME)
    return replace(route, policies=(*route.policies, replace(clients.policy, plain=plain)))
