"""The views of the page as plain HTML, for browsers without scripts: tables, forms and links.

Rules of this file:
- They show the same answers as the JSON. Every value is escaped, without exception: only `_cell` and `_text` write
  values into the markup.
- Addresses are relative, as everywhere on the page.
"""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlencode

from edge.control.serving.view.lists import QuestionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from edge.control.serving.view.lists import Question

_MOST_FIELDS: Final = 50


class Plain:
    """Writes the views, from the answers of `ask`."""

    def __init__(self, ask: Callable[[str, Question], dict[str, Any] | None]) -> None:
        """ASK gives the JSON for a name below `/api/` and a question; None: there is none."""
        self._ask = ask
        self._views: dict[str, Callable[[Question], Iterator[str]]] = {
            "/": self._overview,
            "/index.html": self._overview,
            "/routes": self._routes,
            "/route": self._route,
            "/ask": self._question,
            "/problems": self._problems,
            "/certificates": self._certificates,
            "/workers": self._workers,
            "/changes": self._changes,
        }

    def view(self, path: str, query: str) -> str:
        """The view at PATH with its QUERY."""
        try:
            question = parse_qs(query, max_num_fields=_MOST_FIELDS)
            return "".join(self._views[path](question))
        except (QuestionError, ValueError) as error:
            return f"<p>{escape(str(error))}</p>"

    def _overview(self, _: Question) -> Iterator[str]:
        found = self._ask("overview", {}) or {}
        requests, table = found["requests"], found["table"]
        yield "<h1>Overview</h1>"
        yield _table(
            ("what", "how much"),
            [
                ("ready", "yes" if found["ready"] else "; ".join(found["notes"])),
                ("requests per second", _number(requests["rate"])),
                ("errors", _percent(requests["error_ratio"])),
                *((name, _seconds(requests[name])) for name in ("p50", "p95", "p99")),
                ("connections", found["connections"]["active"]),
                ("workers", found["workers"]["alive"]),
                ("table", f"{table['generation']}, changed {_moment(table['last_change'])}"),
                ("hosts, routes", f"{table['hosts']}, {table['routes']}"),
                ("errors and warnings of objects", f"{found['problems']['errors']}, {found['problems']['warnings']}"),
                ("certificates that end soon", found["certificates"]["ending"]),
                ("certificates that have expired", found["certificates"]["expired"]),
            ],
        )

    def _routes(self, question: Question) -> Iterator[str]:
        found = self._ask("routes", question) or {}
        yield "<h1>Routes</h1>" + _search("routes", question)
        rows = [
            (
                _Link("route", {"id": one["id"]}, one["host"] + one["path"] or "any other host"),
                one["type"],
                _object(one["owner"]),
                ", ".join(one["policies"]),
                ", ".join(f"{back['service']}:{back['port']} ({back['endpoints']})" for back in one["backends"]),
                _number(one["rate"]),
            )
            for one in found["routes"]
        ]
        yield _table(("route", "type", "owner", "policies", "backends (endpoints)", "requests/s"), rows)
        yield _pages("routes", question, found)

    def _route(self, question: Question) -> Iterator[str]:
        found = self._ask(f"routes/{(question.get('id') or [''])[0]}", {})
        if found is None:
            yield "<p>There is no such route.</p>"
            return
        yield f"<h1>{_text(found['host'] + found['path'])}</h1><p>{_text(_object(found['owner']))}</p>"
        yield "<h2>Policies</h2>"
        yield _table(
            ("policy", "what it does", "asked for by"),
            [(one["name"], one["summary"], one["source"]) for one in found["details"]],
        )
        yield "<h2>Endpoints</h2>"
        yield _table(
            ("Service", "weight", "endpoint", "left out", "in flight"),
            [
                (
                    f"{back['service']}:{back['port']}",
                    back["weight"],
                    one["address"],
                    _yes(one["ejected"]),
                    one["in_flight"],
                )
                for back in found["backends"]
                for one in back["addresses"]
            ],
        )
        if found["reports"]:
            yield "<h2>Problems</h2>" + _table(*_of_problems(found["reports"]))
        yield f"<h2>Object</h2><pre>{_text(found['yaml'])}</pre>"

    def _question(self, question: Question) -> Iterator[str]:
        url = (question.get("url") or [""])[0]
        yield "<h1>Ask</h1>"
        yield (
            f'<form action="ask"><label>URL <input name="url" value="{_text(url)}" required></label> '
            "<button>Ask</button></form>"
        )
        if url:
            found = self._ask("ask", question) or {}
            lines = "\n".join(found["text"])
            yield f"<pre>{_text(lines)}</pre>"

    def _problems(self, question: Question) -> Iterator[str]:
        found = self._ask("problems", question) or {}
        yield "<h1>Problems</h1>" + _search("problems", question)
        yield _table(*_of_problems(found["problems"])) + _pages("problems", question, found)

    def _certificates(self, question: Question) -> Iterator[str]:
        found = self._ask("certificates", question) or {}
        yield "<h1>Certificates</h1>" + _search("certificates", question)
        rows = [
            (
                f"{one['secret']['namespace']}/{one['secret']['name']}" if one["secret"] else "made by Edge",
                ", ".join(one["names"]),
                one["issuer"],
                _moment(one["not_after"]),
                one["state"],
                ", ".join(one["hosts"]),
                "; ".join(one["warnings"]),
            )
            for one in found["certificates"]
        ]
        yield _table(("Secret", "names", "issuer", "ends", "state", "shown by", "warnings"), rows)
        yield _pages("certificates", question, found)

    def _workers(self, _: Question) -> Iterator[str]:
        found = self._ask("workers", {}) or {}
        yield "<h1>Workers</h1>"
        yield _table(
            ("worker", "pid", "CPU", "memory", "connections", "requests", "restarts"),
            [
                (
                    one["worker"],
                    one["pid"],
                    _percent(one["cpu"]),
                    f"{one['resident_bytes'] >> 20} MiB",
                    one["connections"]["active"],
                    one["requests_total"],
                    one["restarts"],
                )
                for one in found["workers"]
            ],
        )

    def _changes(self, question: Question) -> Iterator[str]:
        found = self._ask("changes", question) or {}
        yield "<h1>Changes</h1>"
        rows = [
            (
                _moment(one["time"]),
                one["generation"],
                ", ".join(f"{each['action']} {_object(each)}" for each in one["objects"]["first"]),
                ", ".join(name for names in one["touched"].values() for name in names["first"]),
                _seconds(one["seconds"]),
            )
            for one in found["changes"]
        ]
        yield _table(("when", "table", "objects", "touched", "time"), rows) + _pages("changes", question, found)


class _Link:
    """A link to another view."""

    def __init__(self, view: str, parameters: dict[str, str], text: str) -> None:
        self.markup = f'<a href="{view}?{escape(urlencode(parameters))}">{escape(text)}</a>'


def _of_problems(reports: Iterable[dict[str, Any]]) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    rows = [(one["severity"], _object(one["object"]), one["reason"], one["field"], one["message"]) for one in reports]
    return ("severity", "object", "reason", "field", "message"), rows


def _table(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    head = "".join(f'<th scope="col">{_text(name)}</th>' for name in names)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: Any) -> str:
    return f"<td>{value.markup if isinstance(value, _Link) else _text(value)}</td>"


def _text(value: Any) -> str:
    return escape("-" if value is None else str(value))


def _search(view: str, question: Question) -> str:
    words = (question.get("search") or [""])[0]
    return (
        f'<form action="{view}"><label>Search <input type="search" name="search" value="{_text(words)}"></label> '
        "<button>Search</button></form>"
    )


def _pages(view: str, question: Question, found: dict[str, Any]) -> str:
    """Links to the parts of a list before and after the one that was found."""
    links = []
    for text, offset in (("Before", found["offset"] - found["limit"]), ("After", found["offset"] + found["limit"])):
        if -found["limit"] < offset < found["total"] and offset != found["offset"]:
            given = {name: values[0] for name, values in question.items()}
            links.append(_Link(view, {**given, "offset": str(max(offset, 0))}, text).markup)
    return f"<p>{found['total']} in all. {' '.join(links)}</p>"


def _object(name: dict[str, str]) -> str:
    if not name["kind"]:
        return "no Ingress"
    return (
        f"{name['kind']} {name['namespace']}/{name['name']}" if name["namespace"] else f"{name['kind']} {name['name']}"
    )


def _moment(seconds: float | None) -> str | None:
    if not seconds:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:.1f}"


def _percent(value: float | None) -> str | None:
    return None if value is None else f"{value * 100:.2f} %"


def _seconds(value: float | None) -> str | None:
    return None if value is None else f"{value * 1000:.1f} ms"


def _yes(value: bool | None) -> str | None:
    return None if value is None else "yes" if value else "no"
