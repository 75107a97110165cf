"""docs/table.md is true: its reader reads, and its records have the fields that it lists."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge.table import layout, policies, records, streams
from edge.table.codec import decode, encode
from edge.table.policies.compression import Coding
from edge.table.policies.path_change import PathChange
from edge.table.record import Record
from edge.table.records import Backend, Endpoint, Host, Owner, PathKind, Route, ServicePort
from edge.table.writer import TableWriter

TEXT = (Path(__file__).parents[2] / "docs" / "table.md").read_text()
KINDS = {
    name: kind
    for name, kind in {
        **vars(records),
        **vars(streams),
        **vars(policies),
        "PathChange": PathChange,
        "Coding": Coding,
    }.items()
    if isinstance(kind, type) and issubclass(kind, Record)
}
OWNER = Owner("Ingress", "a", "b")


@pytest.fixture
def look_up() -> Callable[[Path, str, str], Any]:
    (program,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    names: dict[str, Any] = {}
    exec(program, names)
    return names["look_up"]  # type: ignore[no-any-return]


def test_the_reader_of_the_documentation_reads(tmp_path: Path, look_up: Callable[[Path, str, str], Any]) -> None:
    writer = TableWriter(tmp_path)
    assert look_up(tmp_path, "routes", "web.example") is None
    hosts = {
        f"h{number}.example": Host(f"h{number}.example", (Route(PathKind.EXACT, "/", OWNER, (Backend("a", "b"),)),))
        for number in range(500)
    }
    port = ServicePort("a", "b", "80", (Endpoint("10.0.0.1", 80),))
    writer.publish(routes=hosts, endpoints={"a/b:80": port})
    writer.publish(routes={f"h{number}.example": None for number in range(0, 500, 2)})
    for name, host in hosts.items():
        found = look_up(tmp_path, "routes", name)
        assert (found and msgspec.convert(found, Host)) == (None if int(name[1:-8]) % 2 == 0 else host)
    assert decode(encode(port), ServicePort) == msgspec.convert(look_up(tmp_path, "endpoints", "a/b:80"), ServicePort)
    path = tmp_path / "endpoints.1"
    content = path.read_bytes()
    path.write_bytes(content.replace(b"10.0.0.1", b"10.0.0.2"))
    with pytest.raises(ValueError, match="wrong checksum"):
        look_up(tmp_path, "endpoints", "a/b:80")


@pytest.mark.parametrize("name", sorted(KINDS.keys() - {"Record"}))
def test_every_field_is_listed_in_order(name: str) -> None:
    (table,) = re.findall(rf"^\| {name} \|.*\n\|---\|---\|\n((?:\|.*\n)+)", TEXT, re.MULTILINE)
    listed = tuple(row.split("|")[1].strip() for row in table.splitlines())
    assert listed == KINDS[name].__struct_fields__


def test_the_version_is_named() -> None:
    assert f"format version, {layout.VERSION} |" in TEXT
