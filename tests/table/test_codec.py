"""Records as bytes, within a release and across releases."""

from __future__ import annotations

import msgpack
import pytest

from edge.table.codec import DecodeError, decode, encode
from edge.table.records import (
    Balance,
    Certificate,
    Endpoint,
    Host,
    PathKind,
    Record,
    Retry,
    Route,
    ServerName,
    Service,
    Settings,
    TicketKeys,
    Timeouts,
)

ROUTE = Route(
    PathKind.STRING, "/ä%2F", "a", "web", "svc", "http", "a/svc:http", 404, 308, "max-age=1", True, False, 1 << 40,
    Timeouts(0.5, 1.5, 2.5), Retry(0, 1.25, True),
)  # fmt: skip
RECORDS: list[Record] = [
    Host("*.example", (ROUTE, Route(PathKind.EXACT, "/", "a", "b")), ROUTE, True),
    Settings(ROUTE),
    Settings(),
    Service("a", "svc", "80", (Endpoint("10.0.0.1", 1), Endpoint("fd00::1", 65535)), Balance.LEAST_CONNECTIONS),
    Certificate("a", "tls", bytes(range(256)), b"", 1.5e9, "123", "cn", "ca"),
    ServerName("web.example", "c:a/tls"),
    TicketKeys((b"x" * 80,), 1.5),
]


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
        (Host("h", (ROUTE,)), (1, 0, 13)),
        (Host("h", (ROUTE,)), (1, 0, 14)),
        (Host("h", (), ROUTE), (2,)),
        (Host("h", (), ROUTE), (2, 14)),
        (Settings(ROUTE), (0,)),
        (Service("a", "svc", "80", (Endpoint("10.0.0.1", 1),)), (3, 0)),
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
    assert decode(shorter, Service) == Service("a", "svc", "80")


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
