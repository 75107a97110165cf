"""Adds the CORS fields to responses, and answers preflight requests (the Fetch standard, "CORS protocol")."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from edge.data.http.replies import Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.data.exchange.exchange import Exchange
    from edge.data.http._message import Message
    from edge.data.policies.phases import Phases
    from edge.table.policies import Cors

    Allowed = Callable[[Exchange], bytes]
    """The value of Access-Control-Allow-Origin for an exchange; empty: the origin is not allowed."""

PREFLIGHT: Final = Reply(204, b"", content_type=b"text/plain charset=UTF-8")
"""As ingress-nginx has it."""
ALLOW_ORIGIN: Final = b"access-control-allow-origin"


def add(policy: Cors, phases: Phases) -> None:
    """A gate for OPTIONS. The fields are constant where every origin is allowed, else an edit of the response.

    Where the origin is not allowed, the endpoint gets OPTIONS too, and its own CORS fields are passed on.
    """
    fields = _fields(policy)
    names = (ALLOW_ORIGIN, *fields)
    constant = b"".join(b"%s: %s\r\n" % (_title(name), value) for name, value in fields.items())
    allowed = _anyone if "*" in policy.origins else _checker(policy.origins)
    if "*" in policy.origins:
        phases.fields += b"Access-Control-Allow-Origin: *\r\n" + constant
        phases.replaced.extend(names)
        phases.written.update(names)
    else:

        def edit(exchange: Exchange, response: Message | None) -> None:
            origin = allowed(exchange)
            if origin:
                if response is not None:
                    for name in names:
                        response.hide(name)
                exchange.fields += b"Access-Control-Allow-Origin: " + origin + b"\r\n" + constant

        phases.answers.append(edit)
        phases.written.update(names)

    def gate(exchange: Exchange) -> Reply | None:
        return PREFLIGHT if exchange.client.request.method == b"OPTIONS" and allowed(exchange) else None

    phases.gates.append(gate)


def _anyone(exchange: Exchange) -> bytes:  # noqa: ARG001 - whatever origin it has
    return b"*"


def _checker(origins: tuple[str, ...]) -> Allowed:
    """Allows ORIGINS: case does not count, and `*` stands for one label."""
    texts = [re.escape(one.lower()).replace(r"\*", "[a-z0-9-]+", 1) for one in origins]
    allowed = re.compile("|".join(texts).encode()) if texts else None

    def check(exchange: Exchange) -> bytes:
        origin = exchange.client.request.get(b"origin")
        return origin if origin and allowed is not None and allowed.fullmatch(origin.lower()) else b""

    return check


def _fields(policy: Cors) -> dict[bytes, bytes]:
    """The fields beside Access-Control-Allow-Origin, by name in lower case."""
    fields = {
        "access-control-allow-credentials": "true" if policy.credentials else "",
        "access-control-allow-methods": policy.methods,
        "access-control-allow-headers": policy.headers,
        "access-control-expose-headers": policy.expose,
        "access-control-max-age": str(policy.max_age),
    }
    return {name.encode(): value.encode() for name, value in fields.items() if value}


def _title(name: bytes) -> bytes:
    return b"-".join(word.capitalize() for word in name.split(b"-"))
