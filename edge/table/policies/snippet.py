"""Statements of a piece of nginx's configuration, in the few forms that Edge supports (ingress-nginx,
configuration-snippet and server-snippet).

Rules of this file:
- A statement is data. Nothing in it is evaluated but the variables in its texts (`edge.table.variables`, and those that
  earlier statements of the same snippet set), and the pattern of a test.
- `If` holds no other `If`, as in nginx.
"""

from __future__ import annotations

from typing import Final

from edge.table.policies.policy import Policy, count
from edge.table.record import Record

REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
"""Statuses for which the text of `return` is a URL (nginx docs, ngx_http_rewrite_module, return)."""
CLOSE: Final = 444
"""nginx's status for closing the connection without an answer."""


class SetVariable(Record, frozen=True, tag=True):
    """`set $name value`."""

    name: str
    """Without the dollar, in lower case."""
    value: str


class Answer(Record, frozen=True, tag=True):
    """`return status text`: nothing after it runs."""

    status: int
    """444: the connection is closed without an answer."""
    text: str = ""
    """The body, or the value of Location where STATUS is a redirect's."""
    content_type: str = "text/html"


class RequestField(Record, frozen=True, tag=True):
    """`proxy_set_header name value` and `more_set_input_headers "name: value"`."""

    name: str
    value: str
    """Empty: the endpoint gets no such field."""


class AddField(Record, frozen=True, tag=True):
    """`add_header name value`: a further field of responses whose status is a usual one, or ALWAYS."""

    name: str
    value: str
    always: bool = False


class SetField(Record, frozen=True, tag=True):
    """`more_set_headers "name: value"`: the only field of that name, whatever the status."""

    name: str
    value: str
    """Empty: the response gets no such field."""


class HideField(Record, frozen=True, tag=True):
    """`proxy_hide_header name`: the endpoint's field is not passed on. It never stands in an `If`."""

    name: str


Statement = SetVariable | Answer | RequestField | AddField | SetField | HideField


class If(Record, frozen=True, tag=True):
    """`if (value operator operand) { ... }`."""

    value: str
    operator: str
    """`=`, `!=`, `~`, `~*`, `!~`, `!~*`; empty: VALUE is neither empty nor `0`."""
    operand: str
    statements: tuple[Statement, ...]


class Snippet(Policy, frozen=True, tag=True):
    """Variables, answers and header fields of statements in nginx's language."""

    statements: tuple[Statement | If, ...]

    def summary(self) -> str:
        """As `Policy`."""
        return _fields(self.statements) or f"a snippet of {count(self.statements, 'statement')}"


class ServerSnippet(Policy, frozen=True, tag=True):
    """As `Snippet`, for all requests to a host, and before its statements."""

    statements: tuple[Statement | If, ...]

    def summary(self) -> str:
        """As `Policy`."""
        return f"a snippet of {count(self.statements, 'statement')} for the host"


class LocationSnippet(Policy, frozen=True, tag=True):
    """As `Snippet`, for all routes, and after the statements of each."""

    statements: tuple[Statement | If, ...]

    def summary(self) -> str:
        """As `Policy`."""
        return _fields(self.statements) or f"a snippet of {count(self.statements, 'statement')} for all routes"


def _fields(statements: tuple[Statement | If, ...]) -> str:
    """What STATEMENTS do, where all of them are about fields, as those of the ConfigMap's keys are; otherwise empty."""
    requests: list[str] = []
    responses: list[str] = []
    for one in statements:
        if isinstance(one, RequestField):
            requests.append(_changed(one.name, one.value))
        elif isinstance(one, SetField):
            responses.append(_changed(one.name, one.value))
        elif isinstance(one, HideField):
            responses.append(f"{one.name} hidden")
        else:
            return ""
    parts = {"request fields": requests, "response fields": responses}
    return "; ".join(f"{title}: {', '.join(changes)}" for title, changes in parts.items() if changes)


def _changed(name: str, value: str) -> str:
    return f"{name} set" if value else f"{name} removed"
