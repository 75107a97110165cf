"""Compiles the text of a log format (`edge.data.observe._format`).

Rules of this file:
- A text is compiled once. Variables of the route, and the text between them, are one run, which is made once for each
  route.
- A line break in a text becomes a blank, so that one request is one line.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, NamedTuple

from edge.data.observe._format import CALL, FIELD, KEPT, NOTHING, OPS, RUN, Format, JsonFormat, LogName
from edge.data.observe.variables import VALUES, of_family
from edge.table import templates, variables
from edge.table.access_logging import UPSTREAM_FORMAT, Escape
from edge.table.records import Backend, Owner, upstream_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.table.templates import Variable

TIMED: Final = frozenset({"upstream_connect_time", "upstream_header_time"})
"""Variables for which more must be measured (`edge.data.exchange._outcome.keep_details`)."""
_KEPT: Final = {"sent_http_": False, "upstream_http_": True}
"""Families of fields of responses: whether they are those of the endpoint's response."""


class Named(NamedTuple):
    """The values of a route in a line."""

    owner: Owner
    backend: Backend
    main: Backend | None
    """The backend beside which `backend` is a canary."""
    host: str
    path: str


def named(owner: Owner, backend: Backend, main: Backend | None = None, *, host: str = "", path: str = "") -> LogName:
    """The route for HOST and PATH of OWNER to BACKEND, for lines; see `Named`."""
    return LogName(Named(owner, backend, main, host, path), unowned=not owner.kind)


def compiled(text: str, escape: Escape) -> tuple[Format, bool]:
    """The format TEXT, and whether it has one of the variables `TIMED`.

    Raises:
        TemplateError: TEXT has a variable that is not in `edge.table.variables.LOG`.
    """
    template = templates.parse(" ".join(text.splitlines()), variables.LOG)
    making = _Making(escape)
    for part in template.parts:
        making.add(part)
    return making.format(), not TIMED.isdisjoint(template.variables)


def upstream() -> Format:
    """ingress-nginx's default format."""
    return compiled(UPSTREAM_FORMAT, Escape.DEFAULT)[0]


def as_json() -> Format:
    """One object a line, with members of Edge's own choice."""
    return JsonFormat((), escape=Escape.JSON, runs=(_members,))


class _Making:
    """The parts of a format, as they are made."""

    def __init__(self, escape: Escape) -> None:
        self._escape = escape
        self._parts: list[tuple[bytes, int, object]] = []
        self._runs: list[list[str | Variable]] = []
        self._kept: list[tuple[bool, bytes]] = []
        self._text = ""
        """Text that no part has yet."""
        self._in_run = False
        """Whether the last variable is one of the route."""

    def add(self, part: str | Variable) -> None:
        """Go on with PART."""
        if isinstance(part, str):
            self._text += part
        elif part.name in variables.ROUTE:
            self._add_to_run(part)
        else:
            self._put(*self._operation(part))

    def format(self) -> Format:
        """All of it."""
        if self._text:
            self._put(NOTHING, None)
        runs = tuple(_run(run, self._escape) for run in self._runs)
        return Format(self._parts, escape=self._escape, runs=runs, kept=tuple(self._kept) or None)

    def _put(self, op: int, argument: object) -> None:
        self._parts.append((self._text.encode(), op, argument))
        self._text = ""
        self._in_run = op == RUN

    def _add_to_run(self, part: Variable) -> None:
        if self._in_run:
            if self._text:
                self._runs[-1].append(self._text)
                self._text = ""
            self._runs[-1].append(part)
        else:
            self._put(RUN, len(self._runs))
            self._runs.append([part])

    def _operation(self, part: Variable) -> tuple[int, object]:
        """The operation that writes the variable PART, and its argument."""
        name = part.name
        if name in OPS:
            return OPS[name], None
        value = VALUES.get(name)
        if value is not None:
            return CALL, value
        family, member = part.family or ("", "")
        if family == "http_":
            return FIELD, member.replace("_", "-").encode()
        if family in _KEPT:
            self._kept.append((_KEPT[family], member.replace("_", "-").encode()))
            return KEPT, len(self._kept) - 1
        if name in variables.ABSENT or family in variables.ABSENT:
            return CALL, _absent
        return CALL, of_family(family, member)


def _absent(_: object) -> None:
    return None


# --- what a route is --------------------------------------------------------------------------------------------------


def _run(parts: list[str | Variable], escape: Escape) -> Callable[[LogName], bytes]:
    """What makes the text of PARTS for a route."""

    def make(name: LogName) -> bytes:
        route = name.route
        assert isinstance(route, Named)  # noqa: S101 - `named` has made it
        texts = (part if isinstance(part, str) else _escaped(ROUTE[part.name](route), escape) for part in parts)
        return "".join(texts).encode()

    return make


def _escaped(value: str, escape: Escape) -> str:
    """VALUE, which comes from an object of the cluster."""
    if escape is Escape.JSON:
        return json.dumps(value)[1:-1]
    if escape is Escape.NONE:
        return value
    return "".join(c if " " <= c <= "~" and c not in '"\\' else _hexadecimal(c) for c in value)


def _hexadecimal(character: str) -> str:
    return "".join(f"\\x{byte:02X}" for byte in character.encode())


def _upstream_name(backend: Backend) -> str:
    named = upstream_name(backend.namespace, backend.service, backend.port)
    return named if backend.namespace else ""


def _members(name: LogName) -> bytes:
    """The members that name a route."""
    route = name.route
    assert isinstance(route, Named)  # noqa: S101 - `named` has made it
    members = {variable: ROUTE[of](route) for variable, of in _MEMBERS.items()}
    return b"," + json.dumps(members, separators=(",", ":")).encode()[1:-1]


_MEMBERS: Final = {
    "namespace": "namespace",
    "ingress": "ingress_name",
    "service": "service_name",
    "service_port": "service_port",
}
"""Members of an object to their variables."""
ROUTE: Final[dict[str, Callable[[Named], str]]] = {
    "ingress_name": lambda route: route.owner.name,
    "location_path": lambda route: route.path,
    "namespace": lambda route: route.backend.namespace or route.owner.namespace,
    "proxy_alternative_upstream_name": lambda route: _upstream_name(route.backend) if route.main is not None else "",
    "proxy_host": lambda route: _upstream_name(route.main or route.backend),
    "proxy_upstream_name": lambda route: _upstream_name(route.main or route.backend),
    "server_name": lambda route: route.host or "_",
    "service_name": lambda route: route.backend.service,
    "service_port": lambda route: route.backend.port,
}
"""The value of each variable of the route."""
