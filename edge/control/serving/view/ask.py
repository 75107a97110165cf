"""`/api/ask`: which route takes a request, its policies, and why the other routes do not take it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from edge.control.serving.view import lists
from edge.control.serving.view.lists import QuestionError
from edge.control.serving.view.route import details
from edge.control.serving.view.routes import owner
from edge.table import describing, explaining
from edge.table.content import Content
from edge.table.explaining import TAKEN, Head
from edge.table.records import GLOBALS, scoped

if TYPE_CHECKING:
    from edge.control.publishing.state import State
    from edge.control.serving.view.index import Row
    from edge.control.serving.view.lists import Question
    from edge.control.serving.view.routes import Routes
    from edge.table.explaining import Candidate
    from edge.table.records import Host, Route

_PARTS: Final = ("routes", "endpoints", "tls")
_MOST_URL: Final = 8192


class Ask:
    """Answers by the table of STATE."""

    def __init__(self, state: State, routes: Routes) -> None:
        self._state = state
        self._routes = routes
        self._lock = threading.Lock()
        self._versions: tuple[int, ...] = ()
        self._content = Content()

    def answered(self, question: Question) -> dict[str, Any]:
        """The answer to QUESTION.

        Raises:
            QuestionError: there is no URL, or it is malformed.
        """
        lists.known(question, "url", "method", "header")
        scheme, host, target = _parted(lists.one(question, "url"))
        fields = [_field(text) for text in question.get("header", [])]
        method = (lists.one(question, "method") or "GET").upper()
        named = {name.lower(): value for name, value in reversed(fields)}
        content = self._table()
        found = explaining.explained(content, host, target, Head(method, scheme, named))
        taken = self._row(found.winner.host, found.winner.route) if found.winner is not None else None
        if taken is None:
            taken = self._default(content)
        return {
            "request": {
                "method": method,
                "scheme": scheme,
                "host": found.name,
                "path": found.path,
                "query": found.query,
                "headers": fields,
            },
            "host": found.hosts[0].name if found.hosts else None,
            "taken_by": self._routes.entry(taken) if taken is not None else None,
            "answer": 404 if taken is None else None,
            "details": details(taken, self._routes.index.shared) if taken is not None else [],
            "candidates": [self._candidate(one) for one in found.candidates],
            "text": list(explaining.described(content, found)),
        }

    def _table(self) -> Content:
        with self._lock:
            versions = tuple(map(self._state.version, _PARTS))
            if versions != self._versions:
                self._content = Content.of(*map(self._state.records, _PARTS))
                self._versions = versions
            return self._content

    def _row(self, host: Host, route: Route) -> Row | None:
        """The row of ROUTE of HOST; None: the table has just changed."""
        rows = self._routes.index.under(scoped(host.scope, host.name))
        return next((row for row in rows if row.record is route), None)

    def _default(self, content: Content) -> Row | None:
        """The route of requests that no host takes."""
        default = content.shared.default
        rows = self._routes.index.under(GLOBALS)
        return rows[0] if rows and default is not None else None

    def _candidate(self, one: Candidate) -> dict[str, Any]:
        row = self._row(one.host, one.route)
        return {
            "id": row.id if row is not None else None,
            "host": one.host.name,
            "path": row.path if row is not None else one.route.path,
            "type": row.type if row is not None else describing.PATHS[one.route.kind],
            "conditions": describing.conditions(one.route.conditions),
            "does": describing.route(one.route)[1],
            "owner": owner(one.route),
            "takes": one.verdict == TAKEN,
            "verdict": one.verdict,
        }


def _parted(url: str) -> tuple[str, str, str]:
    """Scheme, host and target of URL."""
    if not url or len(url) > _MOST_URL:
        raise QuestionError("url: must be a URL such as https://www.example.com/path")
    whole = url if "://" in url else f"http://{url}"
    try:
        parts = urlsplit(whole)
        host = parts.hostname or ""
    except ValueError as error:
        raise QuestionError(f"url: {error}") from None
    if parts.scheme not in ("http", "https") or not host:
        raise QuestionError("url: must be a URL such as https://www.example.com/path")
    return parts.scheme, host, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _field(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise QuestionError("header: must be Name:value")
    return name.strip(), value.strip()
