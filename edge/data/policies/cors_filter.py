"""Answers preflight requests, and adds the CORS fields to responses (Gateway API, HTTPCORSFilter).

Rules of this file:
- `*` never goes to a client where credentials are allowed: browsers would take it by the letter. What the client asks
  for is allowed by name instead, which is right without credentials too.
- An origin that is not allowed gets no field, and its preflight request goes no further.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from edge.data.http.replies import Reply

if TYPE_CHECKING:
    from edge.data.exchange.exchange import Exchange
    from edge.data.http._message import Message
    from edge.data.policies.phases import Phases
    from edge.table.policies import CorsFilter

PREFLIGHT: Final = Reply(204, b"")
REPLACED: Final = (
    b"access-control-allow-origin",
    b"access-control-allow-credentials",
    b"access-control-expose-headers",
)
"""Fields of endpoints that these take the place of."""
LONGEST: Final = 4096
"""Bytes of requested names that are repeated."""
_NAMES: Final = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~, -]*")


def add(policy: CorsFilter, phases: Phases) -> None:
    """A gate for preflight requests, and an edit of every response."""
    allowed = _pattern(policy.origins)
    always = (b"Access-Control-Allow-Credentials: true\r\n" if policy.credentials else b"") + _line(
        "Access-Control-Expose-Headers", policy.expose
    )

    def edit(exchange: Exchange, response: Message | None) -> None:
        request = exchange.client.request
        origin = request.get(b"origin")
        if response is not None:
            for name in REPLACED:
                response.hide(name)
        if not origin or allowed is None or allowed.fullmatch(origin.lower()) is None:
            return
        lines = b"Access-Control-Allow-Origin: " + origin + b"\r\n" + always + b"Vary: Origin\r\n"
        if _is_preflight(request):
            lines += _asked("Access-Control-Allow-Methods", policy.methods, request, b"access-control-request-method")
            lines += _asked("Access-Control-Allow-Headers", policy.headers, request, b"access-control-request-headers")
            lines += b"Access-Control-Max-Age: %d\r\n" % policy.max_age
        exchange.fields += lines

    def gate(exchange: Exchange) -> Reply | None:
        return PREFLIGHT if _is_preflight(exchange.client.request) else None

    phases.gates.append(gate)
    phases.answers.append(edit)


def _is_preflight(request: Message) -> bool:
    return (
        request.method == b"OPTIONS"
        and bool(request.get(b"origin"))
        and bool(request.get(b"access-control-request-method"))
    )


def _pattern(origins: tuple[str, ...]) -> re.Pattern[bytes] | None:
    if "*" in origins:
        return re.compile(rb"[!-~]+")
    texts = [re.escape(one).replace(r"\*", r"[a-z0-9-]+(?:\.[a-z0-9-]+)*", 1) for one in origins]
    return re.compile("|".join(texts).encode()) if texts else None


def _line(name: str, values: tuple[str, ...]) -> bytes:
    return f"{name}: {', '.join(values)}\r\n".encode() if values else b""


def _asked(name: str, values: tuple[str, ...], request: Message, asked: bytes) -> bytes:
    """The field NAME with VALUES, or with what the field ASKED of the request has where all is allowed."""
    if "*" not in values:
        return _line(name, values)
    names = request.get(asked) or b""
    if not names or len(names) > LONGEST or _NAMES.fullmatch(names) is None:
        return b""
    return name.encode() + b": " + names + b"\r\n"
