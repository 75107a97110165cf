"""Records as bytes, within a release and across releases."""

from __future__ import annotations

import msgpack
import pytest

from edge.table.codec import DecodeError, decode, encode
from edge.table.policies import BodyLimit, HttpsRedirect, Retry, Timeouts
from edge.table.policies.policy import Policy
from edge.table.record import Record
from edge.table.records import (
    Backend,
    Balance,
    Certificate,
    Condition,
    Conditions,
    Endpoint,
    Globals,
    Host,
    Owner,
    PathKind,
    Protocol,
    Route,
    ServerName,
    ServicePort,
    TicketKeys,
    Transport,
)
from tests.table.examples import POLICIES

BACKEND = Backend("a", "svc", "http", "a/svc:http", 404, 7, (BodyLimit("a", 1),), Transport(Protocol.HTTP1))
ROUTE = Route(
    PathKind.STRING,
    "/ä%2F",
    Owner("HTTPRoute", "a", "web"),
    (BACKEND, Backend("a", status=500, weight=0)),
    (HttpsRedirect("a", 301, True), Timeouts("b", 0.5, 1.5, 2.5), Retry("c", 0, 1.25, True), BodyLimit("d", 1 << 40)),
    Conditions("GET", (Condition("x-a", "1"),), (Condition("Q", ""),)),
)
RECORDS: list[Record] = [
    Host("*.example", (ROUTE, Route(PathKind.EXACT, "/", Owner("Ingress", "a", "b"))), ROUTE, True),
    Globals(ROUTE),
    Globals(),
    ServicePort("a", "svc", "80", (Endpoint("10.0.0.1", 1), Endpoint("fd00::1", 65535)), Balance.LEAST_CONNECTIONS),
    Certificate("a", "tls", bytes(range(256)), b"", 1.5e9, "123", "cn", "ca"),
    ServerName("web.example", "c:a/tls"),
    TicketKeys((b"x" * 80,), 1.5),
]


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: type(policy).__name__)
def test_every_policy_is_decoded_as_what_it_was(policy: Policy) -> None:
    route = Route(PathKind.PREFIX, "/", policies=(policy,), backends=(Backend(policies=(policy,)),))  # type: ignore[arg-type]
    assert decode(encode(route), Route) == route


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_what_is_encoded_is_decoded(record: Record) -> None:
    assert decode(encode(record), type(record)) == record


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_record_is_a_msgpack_array_of_its_fields(record: Record) -> None:
    fields = msgpack.unpackb(encode(record))
    assert isinstance(fields, list)
    assert len(fields) == len(record.__struct_fields__)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
@pytest.mark.parametrize("field", [None, False, "", 0, "deny", [1, 2]], ids=repr)
def test_a_record_with_a_field_of_a_later_release_is_refused_for_it_may_keep_requests_out(
    record: Record, field: object
) -> None:
    with pytest.raises(DecodeError, match=f"not a {type(record).__name__} record"):
        decode(msgpack.packb([*msgpack.unpackb(encode(record)), field]), type(record))


@pytest.mark.parametrize(
    ("record", "way"),
    [
        (Host("h", (ROUTE,)), (1, 0)),
        (Host("h", (ROUTE,)), (1, 0, 2)),
        (Host("h", (ROUTE,)), (1, 0, 3, 0)),
        (Host("h", (ROUTE,)), (1, 0, 3, 0, 6, 0)),
        (Host("h", (ROUTE,)), (1, 0, 3, 0, 7)),
        (Host("h", (ROUTE,)), (1, 0, 4, 0)),
        (Host("h", (ROUTE,)), (1, 0, 5)),
        (Host("h", (), ROUTE), (2,)),
        (Host("h", (), ROUTE), (2, 4, 1)),
        (Globals(ROUTE), (0,)),
        (ServicePort("a", "svc", "80", (Endpoint("10.0.0.1", 1),)), (3, 0)),
    ],
)
def test_so_is_one_with_such_a_field_in_a_record_within_it(record: Record, way: tuple[int, ...]) -> None:
    fields = msgpack.unpackb(encode(record))
    inner = fields
    for step in way:
        inner = inner[step]
    inner.append("deny")
    with pytest.raises(DecodeError, match=f"not a {type(record).__name__} record"):
        decode(msgpack.packb(fields), type(record))


def test_an_earlier_release_may_lack_them() -> None:
    shorter = msgpack.packb(["a", "svc", "80"])
    assert decode(shorter, ServicePort) == ServicePort("a", "svc", "80")


@pytest.mark.parametrize(
    "policy", [["Gate", "a", "deny"], ["HttpsRedirect"], ["BodyLimit", "a", "much"], [], None, "Hsts"], ids=repr
)
def test_a_policy_that_is_not_known_or_not_one_is_never_skipped(policy: object) -> None:
    fields = msgpack.unpackb(encode(ROUTE))
    fields[4].append(policy)
    with pytest.raises(DecodeError, match="not a Route record"):
        decode(msgpack.packb(fields), Route)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\xff" * 20,
        msgpack.packb({"host": "h"}),
        msgpack.packb(["h"]),
        msgpack.packb([1, 2]),
        msgpack.packb("h"),
    ],
)
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(DecodeError, match="not a ServerName record"):
        decode(data, ServerName)


def test_a_number_that_stands_for_nothing_is_refused() -> None:
    fields = msgpack.unpackb(encode(ROUTE))
    with pytest.raises(DecodeError):
        decode(msgpack.packb([9, *fields[1:]]), Route)
