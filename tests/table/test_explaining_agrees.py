"""What is explained of a request is what a worker's router does with it, for any table."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.data.routing.planner import Planner
from edge.data.routing.router import Router
from edge.table.content import Content
from edge.table.counters import WorkerCounters
from edge.table.explaining import Head, explained
from edge.table.reader import TableReader
from edge.table.records import (
    HOST_PATTERNS,
    Backend,
    Condition,
    Conditions,
    Host,
    HostPatterns,
    Owner,
    PathKind,
    Route,
)
from edge.table.writer import TableWriter
from tests.support.site import request

NAMES = ("a.test", "*.test", "b.a.test", "**.test", "", "~^b")
PATHS = ("/", "/x", "/x/y", "/xy")
CONDITIONS = (
    None,
    None,
    Conditions(method="POST"),
    Conditions(scheme="https"),
    Conditions(headers=(Condition("x-one", "1"),)),
    Conditions(headers=(Condition("x-one", "1|2", regex=True), Condition("x-two", "2"))),
    Conditions(query=(Condition("v", "1"),)),
    Conditions(query=(Condition("v", "[0-9]", regex=True),)),
)
ROUTES = st.tuples(
    st.sampled_from((PathKind.EXACT, PathKind.PREFIX, PathKind.STRING)),
    st.sampled_from(PATHS),
    st.sampled_from(CONDITIONS),
)
HOSTS = st.tuples(st.lists(ROUTES, max_size=4), st.booleans(), st.booleans())
"""Routes, whether there is a default, whether requests go on to wider hosts."""


def route(number: int, kind: PathKind, path: str, conditions: Conditions | None) -> Route:
    return Route(kind, path, Owner("Ingress", "demo", str(number)), (Backend(status=404),), conditions=conditions)


def made(plan: dict[str, tuple[list[tuple[PathKind, str, Conditions | None]], bool, bool]]) -> dict[str, Host]:
    """The records of PLAN, each route with an owner of its own."""
    number = 0
    hosts = {}
    for name, (routes, has_default, wider) in plan.items():
        records = []
        for one in routes:
            number += 1
            records.append(route(number, *one))
        number += 1
        default = route(number, PathKind.PREFIX, "/", None) if has_default else None
        hosts[name] = Host(name, tuple(records), default, wider=wider)
    return hosts


@settings(max_examples=150, deadline=None)
@given(
    plan=st.dictionaries(st.sampled_from(NAMES), HOSTS, max_size=5),
    host=st.sampled_from(("a.test", "b.test", "b.a.test", "c.b.a.test", "other")),
    path=st.sampled_from(("/", "/x", "/x/", "/x/y/z", "/xyz", "//x/./y", "/x?v=1", "/x?v=2&v=1", "/x/y?v=9")),
    method=st.sampled_from(("GET", "POST")),
    secure=st.booleans(),
    fields=st.dictionaries(st.sampled_from(("x_one", "x_two")), st.sampled_from(("1", "2", "3"))),
)
def test_the_same_route_takes_it(plan, host, path, method, secure, fields):
    hosts = made(plan)
    directory = Path(tempfile.mkdtemp(prefix="edge-explaining-"))
    try:
        writer, counters = TableWriter(directory), WorkerCounters(directory)
        patterns = HostPatterns(tuple(name for name in hosts if name.startswith("~")))
        writer.publish(routes={**hosts, HOST_PATTERNS: patterns})
        reader = TableReader(directory)
        router = Router(reader, Planner(reader, counters, logged=False))
        served = router.match(request(host, path, method=method, secure=secure, **fields))
        sent = {name.replace("_", "-"): value for name, value in fields.items()}
        found = explained(Content.of(hosts), host, path, Head(method, "https" if secure else "http", sent)).winner
        assert (found.route if found is not None else None) == (served.route if served is not None else None)
        counters.close()
        writer.close()
    finally:
        shutil.rmtree(directory)
