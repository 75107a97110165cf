"""A policy that this reader does not know closes its route, and no other."""

from __future__ import annotations

from typing import Any

import msgpack
import pytest

from edge.table.codec import encode
from edge.table.policies import BodyLimit
from edge.table.record import Record
from edge.table.records import (
    Backend,
    Condition,
    Conditions,
    Globals,
    Host,
    Owner,
    PathKind,
    Route,
    ServerName,
    ServicePort,
)
from edge.table.salvage import UNREADABLE, salvage

OWNER = Owner("Ingress", "demo", "web")
CONDITIONS = Conditions("GET", (Condition("x-a", "1"),))


def route(path: str, **rest: Any) -> Route:
    return Route(PathKind.PREFIX, path, OWNER, (Backend("demo", "web", "80", "demo/web:80"),), **rest)


HOST = Host(
    "web.example", (route("/a"), route("/b", policies=(BodyLimit("a", 1),), conditions=CONDITIONS)), route("/"), True
)


def salvaged(change: Any, record: Record = HOST) -> Host | None:
    """What is left of RECORD whose fields went through CHANGE."""
    fields = msgpack.unpackb(encode(record))
    change(fields)
    return salvage(msgpack.packb(fields), Host)


SPOILT = {
    "an unknown policy": lambda fields: fields[4].append(["Gate", "a", "deny"]),
    "a policy with a further field": lambda fields: fields[4][0].append("deny"),
    "a spoilt policy": lambda fields: fields[4][0].__setitem__(2, "much"),
    "a spoilt list of policies": lambda fields: fields.__setitem__(4, None),
    "an unknown policy of a backend": lambda fields: fields[3][0][6].append(["Gate", "a", "deny"]),
    "an unknown transport of a backend": lambda fields: fields[3][0][7].__setitem__(0, 9),
    "a backend with a further field": lambda fields: fields[3][0].append("deny"),
}


@pytest.mark.parametrize("spoil", SPOILT)
def test_the_route_is_closed_and_the_others_stay_as_they_are(spoil: str) -> None:
    found = salvaged(lambda fields: SPOILT[spoil](fields[1][1]))
    assert found is not None
    closed = Route(PathKind.PREFIX, "/b", OWNER, policies=(UNREADABLE,), conditions=CONDITIONS)
    assert found == Host("web.example", (HOST.routes[0], closed), HOST.default, True)


UNBOUNDED = {
    "a further field": lambda fields: fields.append("deny"),
    "conditions with a further field": lambda fields: fields[5].append("deny"),
}


@pytest.mark.parametrize("spoil", UNBOUNDED)
def test_where_its_conditions_are_not_certain_it_is_closed_to_all_requests_for_its_path(spoil: str) -> None:
    found = salvaged(lambda fields: UNBOUNDED[spoil](fields[1][1]))
    assert found is not None
    assert found.routes == (HOST.routes[0], Route(PathKind.PREFIX, "/b", OWNER, policies=(UNREADABLE,)))


def test_an_owner_that_cannot_be_read_is_none() -> None:
    found = salvaged(lambda fields: fields[1][0][2].append("more"))
    assert found is not None
    assert found.routes == (Route(PathKind.PREFIX, "/a", policies=(UNREADABLE,)), HOST.routes[1])


def test_the_default_is_closed_for_itself() -> None:
    found = salvaged(lambda fields: fields[2].append("deny"))
    assert found == Host("web.example", HOST.routes, Route(PathKind.PREFIX, "/", OWNER, policies=(UNREADABLE,)), True)


def test_a_further_field_of_the_host_closes_all_of_it() -> None:
    found = salvaged(lambda fields: fields.append("deny"))
    assert found == Host("web.example", default=Route(PathKind.PREFIX, "/", policies=(UNREADABLE,)), tls=True)


@pytest.mark.parametrize(
    "change",
    [
        lambda fields: fields.__setitem__(0, 1),
        lambda fields: fields[1][0].__setitem__(0, 9),
        lambda fields: fields[1][0].__setitem__(1, None),
        lambda fields: fields.__setitem__(1, 5),
        lambda fields: fields[1].append([]),
        lambda fields: fields.clear(),
        lambda fields: fields.__setitem__(3, "yes"),
    ],
)
def test_where_not_even_the_paths_can_be_read_nothing_is_left(change: Any) -> None:
    assert salvaged(change) is None


@pytest.mark.parametrize(
    "data", [b"", b"\xc1", b"\xff" * 20, msgpack.packb("h"), msgpack.packb({}), msgpack.packb(None)]
)
def test_nor_of_what_is_no_record(data: bytes) -> None:
    assert salvage(data, Host) is None


def test_another_record_is_not_taken_for_a_host() -> None:
    assert salvage(encode(ServicePort("a", "web", "80")), Host) is None


@pytest.mark.parametrize("kind", [Globals, ServicePort, ServerName])
def test_records_of_other_kinds_are_whole_or_not_read(kind: type[Record]) -> None:
    assert salvage(encode(HOST), kind) is None
