"""Reading all files once, without following them."""

from __future__ import annotations

import codecs
import json
from pathlib import Path

import pytest
import yaml

from edge.control.kinds.changes import Change, Invalid, Upsert
from edge.control.sources.files import reading
from tests.control.sources.files.conftest import documents, ingress


def test_all_objects_and_all_faults_are_told_in_the_order_of_the_files(folder: Path) -> None:
    (folder / "b.yaml").write_text(documents(ingress("b"), "? ["))
    (folder / "a.yaml").write_text(ingress("a"))
    (folder / "c.yaml").write_bytes(b"\xff")
    changes: list[Change] = []
    reading.once([str(folder), str(folder / "missing")], changes.append)
    assert [change.object.metadata.name for change in changes if isinstance(change, Upsert)] == ["a", "b"]
    faults = {change.where: change.message for change in changes if isinstance(change, Invalid)}
    assert set(faults) == {str(folder / "missing"), f"{folder / 'b.yaml'}, document 2", str(folder / "c.yaml")}
    assert faults[str(folder / "c.yaml")] == "is neither UTF-8 nor UTF-16 with a byte order mark"


ENCODINGS = {
    "utf-8": b"",
    "utf-8 with a mark": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
}


def encoded(text: str, encoding: str) -> bytes:
    return ENCODINGS[encoding] + text.encode(encoding.partition(" ")[0])


def told(path: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Hosts by the names of the Ingresses in the file at PATH, and what is wrong, by place."""
    changes: list[Change] = []
    reading.once([str(path)], changes.append)
    objects = [change.object for change in changes if isinstance(change, Upsert)]
    hosts = {one.metadata.name: one.spec.rules[0].host for one in objects}  # type: ignore[union-attr]
    return hosts, {change.where: change.message for change in changes if isinstance(change, Invalid)}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_file_may_be_utf_8_or_utf_16_with_any_line_end(folder: Path, encoding: str, end: str) -> None:
    text = documents("# Grüße, 你好, 😀\n" + ingress("a"), ingress("b", "b.example"))
    (folder / "a.yaml").write_bytes(encoded(text.replace("\n", end), encoding))
    assert told(folder) == ({"a": "a.example", "b": "b.example"}, {})


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_so_may_json_of_several_documents_and_a_list(folder: Path, encoding: str, end: str) -> None:
    values = [yaml.safe_load(ingress(name)) for name in "abc"]
    texts = [json.dumps(one, indent=2) for one in values[:2]]
    items = json.dumps({"kind": "List", "apiVersion": "v1", "items": values[2:]}, indent=1)
    (folder / "a.json").write_bytes(encoded("\n".join([*texts, items, ""]).replace("\n", end), encoding))
    assert told(folder) == ({name: f"{name}.example" for name in "abc"}, {})


@pytest.mark.parametrize("encoding", [name for name, mark in ENCODINGS.items() if mark])
@pytest.mark.parametrize("between", ["", "---\n"])
def test_files_with_marks_may_be_joined(folder: Path, encoding: str, between: str) -> None:
    first, second = ingress("a"), ("" if between else "---\n") + ingress("b")
    (folder / "a.yaml").write_bytes(encoded(first + between, encoding) + encoded(second, encoding))
    assert told(folder) == ({"a": "a.example", "b": "b.example"}, {})


def test_a_mark_within_a_text_is_part_of_it() -> None:
    assert reading.text_of("a: \ufeffb\n".encode()) == "a: \ufeffb\n"


@pytest.mark.parametrize("name", ["a.yaml", "a.json"])
@pytest.mark.parametrize(
    "data",
    [
        b"\xff",
        b"\xff\xfea",
        b"\xfe\xff\xd8\x00",
        "kind: Ingress # é\n".encode("latin-1"),
        '{"kind": "Ingress"}'.encode("utf-16-le"),
        '{"kind": "Ingress"}'.encode("utf-16-be"),
        "kind: Ingress\n".encode("utf-32"),
        codecs.BOM_UTF32_BE + "kind: Ingress\n".encode("utf-32-be"),
    ],
)
def test_what_is_neither_is_reported_by_the_name_of_the_file(folder: Path, name: str, data: bytes) -> None:
    (folder / name).write_bytes(data)
    (folder / "good.yaml").write_text(ingress("good"))
    hosts, faults = told(folder)
    assert hosts == {"good": "good.example"}
    assert faults == {str(folder / name): "is neither UTF-8 nor UTF-16 with a byte order mark"}
