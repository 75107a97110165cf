"""Adds the CORS fields to responses, and answers preflight requests (the Fetch standard, "CORS protocol")."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from edge.data.http._fields import Names, joined
from edge.data.http.replies import Reply
from edge.data.policies.steps import AnswerStep, GateStep

if TYPE_CHECKING:
    from edge.data.exchange.exchange import Exchange
    from edge.data.http._message import Message
    from edge.data.policies.phases import Phases
    from edge.table.policies import Cors

PREFLIGHT: Final = Reply(204, b"", content_type=b"text/plain charset=UTF-8")
"""As ingress-nginx has it."""
MOST_KNOWN: Final = 256
"""Origins remembered for a route."""
ALLOW_ORIGIN: Final = b"access-control-allow-origin"


def add(policy: Cors, phases: Phases) -> None:
    """A gate for OPTIONS. The fields are constant where every origin is allowed, else an edit of the response.

    Where the origin is not allowed, the endpoint gets OPTIONS too, and its own CORS fields are passed on.
    """
    fields = _fields(policy)
    names = (ALLOW_ORIGIN, *fields)
    constant = b"".join(b"%s: %s\r\n" % (_title(name), value) for name, value in fields.items())
    if "*" in policy.origins:
        allowed = Allowed(None, b"*", constant, names)
        phases.fields += allowed.lines
        phases.replaced.extend(names)
    else:
        allowed = Allowed(_pattern(policy.origins), b"", constant, names)
        phases.answers.append(allowed)
    phases.written.update(names)
    phases.gates.append(Preflight(allowed))


class Allowed(AnswerStep):
    """The field lines for each origin that is allowed.

    - `lines`: those of every response, where any origin is allowed.
    """

    def __init__(
        self, pattern: re.Pattern[bytes] | None, anyone: bytes, constant: bytes, names: tuple[bytes, ...]
    ) -> None:
        self._pattern = pattern
        self._constant = constant
        self._names = Names(names)
        self._known: dict[bytes, bytes] = {}
        self._last = b""
        self._last_lines = b""
        """What was asked for last: the pages of an application have one origin."""
        self.lines = self._lines(anyone) if anyone else b""

    def answer(self, exchange: Exchange, response: Message | None) -> None:
        """Add the lines to the response, in place of an endpoint's own."""
        lines = self.lines_for(exchange)
        if lines:
            if response is not None:
                response.hide_all(self._names)
            exchange.fields = joined(exchange.fields, lines)

    def lines_for(self, exchange: Exchange) -> bytes:
        """The lines for the origin of the request; empty: it is not allowed."""
        if self.lines:
            return self.lines
        request = exchange.client.request
        if self._last and request.says(b"origin", self._last):
            return self._last_lines
        origin = request.get(b"origin")
        if not origin:
            return b""
        lines = self._known.get(origin)
        if lines is None:
            is_allowed = self._pattern is not None and self._pattern.fullmatch(origin.lower()) is not None
            lines = self._lines(origin) if is_allowed else b""
            if len(self._known) < MOST_KNOWN:
                self._known[origin] = lines
        self._last, self._last_lines = origin, lines
        return lines

    def _lines(self, origin: bytes) -> bytes:
        return b"Access-Control-Allow-Origin: " + origin + b"\r\n" + self._constant


class Preflight(GateStep):
    """Answers preflight requests of origins that are ALLOWED."""

    def __init__(self, allowed: Allowed) -> None:
        self._allowed = allowed

    def stop(self, exchange: Exchange) -> Reply | None:
        """As `GateStep`."""
        if exchange.client.request.method != b"OPTIONS" or not self._allowed.lines_for(exchange):
            return None
        return PREFLIGHT


def _pattern(origins: tuple[str, ...]) -> re.Pattern[bytes] | None:
    """Matches ORIGINS: case does not count, and `*` stands for one label. None: there are none."""
    texts = [re.escape(one.lower()).replace(r"\*", "[a-z0-9-]+", 1) for one in origins]
    return re.compile("|".join(texts).encode()) if texts else None


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
