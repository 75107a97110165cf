"""All routes of the table as rows that can be searched.

Rules of this file:
- A row is made when the record of its host has changed. Records are compared by identity, so that a change of one host
  among thousands costs one pass over them.
- An id does not depend on the place of a route in the table: it is a digest of host, type, path and conditions.
"""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING, Final, NamedTuple

from edge.control.serving.pacing import paced
from edge.table import describing
from edge.table.codec import encode
from edge.table.counter_layout import backends_of, labels_of, stream_labels
from edge.table.policies.order import ordered
from edge.table.records import GLOBALS, SHARED_POLICIES, Globals, Host, SharedPolicies
from edge.table.streams import StreamRoute

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from edge.control.publishing.state import State
    from edge.table.counter_layout import RouteLabels
    from edge.table.policies.policy import Policy
    from edge.table.record import Record
    from edge.table.records import Backend, Owner, Route

DEFAULT: Final = "Default"
STREAM: Final = "Stream"
"""Types of rows that no pathType names."""


class Row(NamedTuple):
    """One route."""

    id: str
    host: str
    """The name of the record; for a stream what it listens for."""
    type: str
    record: Route | StreamRoute
    place: Host | None
    """The record that has the route; None: it is a stream, or belongs to no host."""
    key: str
    """The key of the record that has it."""
    text: str
    """The text that a search looks at, in lower case."""

    @property
    def path(self) -> str:
        """As the record has it; empty where there is none."""
        return "" if isinstance(self.record, StreamRoute) or self.type == DEFAULT else self.record.path

    @property
    def owner(self) -> Owner:
        """The object that asked for it."""
        return self.record.owner

    @property
    def backends(self) -> tuple[Backend, ...]:
        """Where requests go."""
        return self.record.backends

    def labels(self) -> set[RouteLabels]:
        """Those under which its requests are counted."""
        if isinstance(self.record, StreamRoute):
            return {stream_labels(self.key, self.record, one) for one in self.record.backends}
        name = self.place.name if self.place is not None else ""
        return {labels_of(name, self.record, one) for one in backends_of(self.record)}


class Index:
    """The rows of what STATE has in the table; any thread may ask."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._lock = threading.Lock()
        self._version = -1
        self._made: dict[str, tuple[Record, list[Row]]] = {}
        self._rows: list[Row] = []
        self._by_id: dict[str, Row] = {}
        self._labelled: list[Row] | None = None
        """The rows that `_by_labels` is made of."""
        self._by_labels: dict[RouteLabels, list[str]] = {}
        self.shared: tuple[Policy, ...] = ()
        """Policies of all routes."""

    def rows(self) -> list[Row]:
        """Every route, by host and in the order in which the routes of a host are tried."""
        with self._lock:
            version = self._state.version("routes")
            if version != self._version:
                self._renew()
                self._version = version
            return self._rows

    def get(self, name: str) -> Row | None:
        """The route with the id NAME."""
        self.rows()
        return self._by_id.get(name)

    def under(self, key: str) -> list[Row]:
        """The rows of the record under KEY."""
        self.rows()
        made = self._made.get(key)  # one look: another thread may replace the rows meanwhile
        return made[1] if made is not None else []

    def by_labels(self) -> dict[RouteLabels, list[str]]:
        """The ids of routes by the labels that their requests are counted under."""
        rows = self.rows()
        with self._lock:
            if self._labelled is not rows:
                self._by_labels = {}
                for row in paced(rows):
                    for labels in row.labels():
                        self._by_labels.setdefault(labels, []).append(row.id)
                self._labelled = rows
            return self._by_labels

    def search(self, words: Iterable[str]) -> list[Row]:
        """The rows that contain all WORDS."""
        rows = self.rows()
        for word in words:
            rows = [row for row in rows if word in row.text]
        return rows

    def _renew(self) -> None:
        records = self._state.records("routes")
        policies = records.get(SHARED_POLICIES)
        shared = policies.policies if isinstance(policies, SharedPolicies) else ()
        known = self._made if shared == self.shared else {}
        self.shared = shared
        made: dict[str, tuple[Record, list[Row]]] = {}
        for key, record in records.items():
            old = known.get(key)
            if old is not None and old[0] is record:
                made[key] = old
        fresh = [one for one in records.items() if one[0] not in made]
        for key, record in paced(fresh):
            made[key] = (record, list(_rows(key, record, shared)))
        self._made = made
        ordered_keys = sorted(made, key=lambda key: _place(key, made[key][0]))
        self._rows = [row for key in ordered_keys for row in made[key][1]]
        self._by_id = {row.id: row for row in self._rows}


def policies_of(row: Row, shared: Iterable[Policy]) -> list[Policy]:
    """The policies of ROW in the order in which they act, those of all routes SHARED among them."""
    if isinstance(row.record, StreamRoute):
        return []
    return [one for one in ordered((*shared, *row.record.policies)) if one.source]


def _place(key: str, record: Record) -> tuple[int, str, str]:
    """Hosts by name, then what takes any other host, then streams."""
    if isinstance(record, Host):
        return int(not record.name), record.name, record.scope
    return (2 if isinstance(record, StreamRoute) else 1), key, ""


def _rows(key: str, record: Record, shared: tuple[Policy, ...]) -> Iterator[Row]:
    """The rows of RECORD."""
    if isinstance(record, Host):
        made = [_row(key, record, one, describing.PATHS[one.kind]) for one in describing.routes(record)]
        if record.default is not None:
            made.append(_row(key, record, record.default, DEFAULT))
    elif isinstance(record, Globals) and record.default is not None:
        made = [_row(GLOBALS, None, record.default, DEFAULT)]
    elif isinstance(record, StreamRoute):
        made = [Row(_id(key, STREAM), describing.stream_name(key, record), STREAM, record, None, key, "")]
    else:
        made = []
    seen: set[str] = set()
    for row in made:
        # Of two routes with the same conditions the second takes no requests, but is shown too.
        name = row.id if row.id not in seen else _id(row.id, str(len(seen)))
        seen.add(name)
        yield row._replace(id=name, text=_text(row, shared))


def _row(key: str, host: Host | None, route: Route, kind: str) -> Row:
    conditions = encode(route.conditions).hex() if route.conditions is not None else ""
    path = "" if kind == DEFAULT else route.path
    name = _id(key, kind, path, conditions)
    return Row(name, host.name if host is not None else "", kind, route, host, key, "")


def _text(row: Row, shared: tuple[Policy, ...]) -> str:
    """What is searched of ROW."""
    services = " ".join(f"{one.namespace}/{one.service}:{one.port}" for one in row.backends)
    policies = " ".join(type(one).__name__ for one in policies_of(row, shared))
    return f"{row.host}{row.path} {row.path} {row.type} {row.owner} {services} {policies}".lower()


def _id(*parts: str) -> str:
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=8).hexdigest()
