"""`/api/routes`: the routes that match a search, with their traffic."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from edge.control.kinds.objects import ObjectId
from edge.control.serving.view import lists
from edge.control.serving.view.index import Index, Row, policies_of
from edge.control.serving.view.quantiles import ERRORS
from edge.table import describing
from edge.table.records import Route, ServicePort

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.control.publishing.state import State
    from edge.control.serving.view.lists import Question
    from edge.control.serving.view.quantiles import Measured
    from edge.control.serving.view.traffic import Span, Traffic
    from edge.table.records import Backend
    from edge.table.streams import StreamRoute

SORTS: Final = ("host", "rate", "error_ratio", "p99")


class Routes:
    """The routes of the table of STATE, and their TRAFFIC."""

    def __init__(self, state: State, index: Index, traffic: Traffic) -> None:
        self._state = state
        self.index = index
        self.traffic = traffic

    def listed(self, question: Question) -> dict[str, Any]:
        """The rows that QUESTION asks for."""
        lists.known(question, "search", "limit", "offset", "sort")
        sort = lists.choice(question, "sort", SORTS, "host")
        found: Sequence[Row] = self.index.search(lists.words(question))
        span = self.traffic.span()
        if sort != "host":
            found = _sorted(found, _ranks(self.index, span, sort))
        shown, about = lists.part(question, found)
        return {
            "generation": self._state.generation,
            "all": len(self.index.rows()),
            **about,
            "window": span.seconds,
            "routes": [self.entry(row, span) for row in shown],
        }

    def entry(self, row: Row, span: Span | None = None) -> dict[str, Any]:
        """ROW as lists show it; without SPAN: without its traffic."""
        place, record = row.place, row.record
        conditions = describing.conditions(record.conditions) if isinstance(record, Route) else []
        return {
            "id": row.id,
            "host": row.host,
            "path": row.path,
            "type": row.type,
            "conditions": conditions,
            "scope": place.scope if place is not None else "",
            "tls": place.tls if place is not None else False,
            "owner": owner(record),
            "policies": [type(one).__name__ for one in policies_of(row, self.index.shared)],
            "backends": [self.backend(one) for one in row.backends],
            "problems": len(self._state.problems(object_of(record))[1]),
            **(_traffic(span.measured(row.labels())) if span is not None else {}),
        }

    def backend(self, one: Backend) -> dict[str, Any]:
        """The backend ONE as JSON."""
        port = self._state.record("endpoints", one.key) if one.key else None
        return {
            "namespace": one.namespace,
            "service": one.service,
            "port": one.port,
            "weight": one.weight,
            "canary": one.canary,
            "endpoints": len(port.endpoints) if isinstance(port, ServicePort) else 0,
            "status": one.status if not one.key else None,
        }


def owner(record: Route | StreamRoute) -> dict[str, str]:
    """Kind, namespace and name of the owner of RECORD."""
    return {"kind": record.owner.kind, "namespace": record.owner.namespace, "name": record.owner.name}


def object_of(record: Route | StreamRoute) -> ObjectId:
    """The object that asked for RECORD."""
    return ObjectId(record.owner.kind, record.owner.namespace, record.owner.name)


def _traffic(measured: Measured) -> dict[str, float | None]:
    return {name: getattr(measured, name) for name in ("rate", "error_ratio", "p50", "p99")}


def _ranks(index: Index, span: Span, by: str) -> dict[str, float]:
    """The value of BY of each route that had requests, by its id; of several Services the highest p99 counts."""
    requests: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    p99: dict[str, float] = {}
    known = index.by_labels()
    for key, number, time in span.busy():
        failed = number if key.status // 100 == ERRORS else 0
        for name in known.get(key.labels, ()):
            requests[name] += number
            errors[name] += failed
            p99[name] = max(p99.get(name, 0.0), time)
    if by == "p99":
        return p99
    return {name: errors[name] / number if by == "error_ratio" else number for name, number in requests.items()}


def _sorted(rows: Sequence[Row], ranks: dict[str, float]) -> list[Row]:
    """ROWS, those with the highest of RANKS first; those without stay behind in their order."""
    busy = [row for row in rows if row.id in ranks]
    busy.sort(key=lambda row: -ranks[row.id])
    return [*busy, *(row for row in rows if row.id not in ranks)]
