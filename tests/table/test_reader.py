"""Reading: if a file is damaged, the last good table stays in force."""

from __future__ import annotations

import os
import struct
import threading
from pathlib import Path

import msgspec
import pytest

from edge.table import layout
from edge.table.reader import SWEEP, TableReader, UnreadableError
from edge.table.records import Endpoint, Host, Owner, PathKind, Route, ServicePort
from edge.table.segment import Segment, head_crc
from edge.table.writer import TableWriter


def host(name: str, ingress: str = "web") -> Host:
    return Host(name, (Route(PathKind.PREFIX, "/", Owner("Ingress", "a", ingress)),))


@pytest.fixture
def writer(tmp_path: Path) -> TableWriter:
    return TableWriter(tmp_path)


def segment(directory: Path, part: str = "routes") -> Path:
    (found,) = directory.glob(part + ".*")
    return found


def overwrite(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


def set_head(path: Path, **fields: int) -> None:
    """Change fields of a segment's head, and make its checksum right again."""
    names = ("magic", "version", "part", "serial", "size", "slots", "crc")
    values = dict(zip(names, layout.SEGMENT_HEAD.unpack_from(path.read_bytes()), strict=True)) | fields
    head = bytearray(layout.SEGMENT_HEAD.pack(*values.values()))
    struct.pack_into("<I", head, layout.SEGMENT_HEAD.size - 4, head_crc(head))
    overwrite(path, 0, bytes(head))


def test_before_there_is_a_directory_there_is_no_table(tmp_path: Path) -> None:
    reader = TableReader(tmp_path / "later")
    assert reader.generation == 0
    assert not reader.changed()
    assert reader.routes.get("web.example", Host) is None
    TableWriter(tmp_path / "later").publish(routes={"web.example": host("web.example")})
    assert reader.reopen()
    assert reader.generation == 1
    assert reader.routes.get("web.example", Host) == host("web.example")


def test_a_change_is_seen_by_one_look_at_the_generation(writer: TableWriter, tmp_path: Path) -> None:
    writer.publish(routes={"web.example": host("web.example")})
    reader = TableReader(tmp_path)
    assert not reader.changed()
    writer.publish(routes={"web.example": host("web.example", "next")})
    assert reader.changed()
    reader.refresh()
    assert not reader.changed()
    assert reader.routes.get("web.example", Host) == host("web.example", "next")


def test_a_record_is_the_same_object_until_its_content_changes(writer: TableWriter, tmp_path: Path) -> None:
    writer.publish(routes={"a": host("a"), "b": host("b")})
    reader = TableReader(tmp_path)
    a, b = reader.routes.get("a", Host), reader.routes.get("b", Host)
    writer.publish(routes={"b": host("b", "next")})
    reader.refresh()
    assert reader.routes.get("a", Host) is a
    assert reader.routes.get("b", Host) is not b


def test_nothing_is_remembered_of_hosts_that_are_not_served(writer: TableWriter, tmp_path: Path) -> None:
    writer.publish(routes={f"h{number}": host(f"h{number}") for number in range(100)})
    reader = TableReader(tmp_path)
    assert reader.routes.get("h5", Host) is not None
    for number in range(1000):
        assert reader.routes.get(f"unknown{number}", Host) is None
    assert len(reader.routes._cache) == 1


def test_what_is_no_longer_in_the_table_is_forgotten_without_being_asked_for(
    writer: TableWriter, tmp_path: Path
) -> None:
    names = [f"h{number}" for number in range(3 * SWEEP)]
    writer.publish(routes={name: host(name) for name in names})
    reader = TableReader(tmp_path)
    for name in names:
        reader.routes.get(name, Host)
    gone: list[str] = []
    reader.routes.on_gone = gone.append
    writer.publish(routes=dict.fromkeys(names[1:]))
    reader.refresh()
    for _ in range(4):
        reader.reopen()
    assert list(reader.routes._cache) == names[:1]
    assert sorted(gone) == sorted(names[1:])
    assert reader.routes.get(names[0], Host) == host(names[0])


@pytest.mark.parametrize(
    "fields",
    [
        {"version": layout.VERSION + 1},
        {"part": 2},
        {"serial": 9},
        {"size": 1 << 40},
        {"slots": 3},
        {"slots": 0},
        {"slots": 1 << 40},
    ],
    ids=str,
)
def test_a_segment_that_is_not_what_it_should_be_is_refused(
    writer: TableWriter, tmp_path: Path, fields: dict[str, int]
) -> None:
    writer.publish(routes={"web.example": host("web.example")})
    set_head(segment(tmp_path), **fields)
    reader = TableReader(tmp_path)
    for name in ("web.example", "other.example"):
        with pytest.raises(UnreadableError, match="the part routes of the table cannot be read"):
            reader.routes.get(name, Host)
    assert reader.endpoints.get("web.example", ServicePort) is None
    assert reader.generation == 0
    assert reader.refusals > 0
    assert str(segment(tmp_path)) in str(reader.fault)


@pytest.mark.parametrize("damage", ["magic", "torn", "truncated", "empty"])
def test_a_damaged_new_segment_leaves_the_old_one_in_force(writer: TableWriter, tmp_path: Path, damage: str) -> None:
    writer.publish(routes={"web.example": host("web.example")})
    reader = TableReader(tmp_path)
    writer.close()
    successor = TableWriter(tmp_path)
    successor.publish(routes={"web.example": host("web.example", "next")})
    path = segment(tmp_path)
    size = path.stat().st_size
    if damage == "magic":
        overwrite(path, 0, b"NOTHING!")
    elif damage == "torn":
        overwrite(path, 20, b"\xff\xff")
    else:
        os.truncate(path, {"truncated": size - 4096, "empty": 0}[damage])
    reader.refresh()
    assert reader.refusals > 0
    assert reader.generation == 1
    assert not reader.changed()  # not looked at again with each request
    assert reader.routes.get("web.example", Host) == host("web.example")
    seen = reader.refusals
    reader.reopen()
    assert reader.refusals > seen  # but once a second


def test_a_reader_takes_the_table_once_it_is_good(writer: TableWriter, tmp_path: Path) -> None:
    writer.publish(routes={"web.example": host("web.example")})
    set_head(segment(tmp_path), version=layout.VERSION + 1)
    reader = TableReader(tmp_path)
    assert reader.generation == 0
    set_head(segment(tmp_path), version=layout.VERSION)
    reader.reopen()
    assert reader.generation == 1
    assert reader.fault is None
    assert reader.routes.get("web.example", Host) == host("web.example")


def test_of_a_corrupt_record_the_last_good_version_stays_and_others_are_served(
    writer: TableWriter, tmp_path: Path
) -> None:
    writer.publish(routes={"a": host("a"), "b": host("b")})
    reader = TableReader(tmp_path)
    a = reader.routes.get("a", Host)
    writer.publish(routes={"a": host("a", "corrupted"), "b": host("b", "next")})
    path = segment(tmp_path)
    overwrite(path, path.read_bytes().index(b"corrupted"), b"CORRUPTED")
    reader.refresh()
    assert reader.routes.get("a", Host) is a
    assert reader.refusals == 1
    assert "wrong checksum" in str(reader.fault)
    assert reader.routes.get("b", Host) == host("b", "next")
    writer.publish(routes={"a": host("a", "mended")})
    reader.refresh()
    assert reader.routes.get("a", Host) == host("a", "mended")


@pytest.mark.parametrize("lengths", [(1 << 31, 1), (1, 1 << 31), (8, 1 << 20)])
def test_a_record_of_impossible_length_is_refused(
    writer: TableWriter, tmp_path: Path, lengths: tuple[int, int]
) -> None:
    writer.publish(routes={"a": host("a")})
    path = segment(tmp_path)
    reader = TableReader(tmp_path)
    assert reader.routes.segment is not None
    found = reader.routes.segment.find(b"a")
    assert found is not None
    overwrite(path, (found[1] & layout.SLOT_OFFSET_MASK) + 8, struct.pack("<II", *lengths))
    with pytest.raises(UnreadableError, match=r'record "a" of routes cannot be read: .*impossible length'):
        reader.routes.get("a", Host)
    assert "impossible length" in str(reader.fault)


def test_a_slot_that_points_nowhere_is_refused(writer: TableWriter, tmp_path: Path) -> None:
    writer.publish(routes={"a": host("a")})
    reader = TableReader(tmp_path)
    assert reader.routes.segment is not None
    found = reader.routes.segment.find(b"a")
    assert found is not None
    position, slot = found
    for offset in (0, 8, (1 << 40)):
        overwrite(segment(tmp_path), position * 8, struct.pack("<Q", slot & ~layout.SLOT_OFFSET_MASK | offset))
        with pytest.raises(UnreadableError, match='record "a" of routes cannot be read'):
            reader.routes.get("a", Host)
        assert reader.fault is not None


def test_a_record_of_another_kind_is_refused(writer: TableWriter, tmp_path: Path) -> None:
    writer.publish(routes={"a": ServicePort("a", "web", "80", (Endpoint("10.0.0.1", 80),))})
    reader = TableReader(tmp_path)
    with pytest.raises(UnreadableError):
        reader.routes.get("a", Host)
    assert "not a Host record" in str(reader.fault)


@pytest.mark.parametrize("spoilt", ["key", "value", "hash and key"])
def test_a_record_that_is_spoilt_anywhere_is_not_absent(writer: TableWriter, tmp_path: Path, spoilt: str) -> None:
    writer.publish(routes={"shop.example": host("shop.example", "ingress-of-shop"), "b": host("b")})
    path = segment(tmp_path)
    data = path.read_bytes()
    key = data.index(b"shop.example")
    if spoilt == "value":
        overwrite(path, data.index(b"ingress-of-shop"), b"X")
    else:
        overwrite(path, key, b"X")
    if spoilt == "hash and key":
        overwrite(path, key - layout.RECORD_HEAD.size, bytes(8))
    reader = TableReader(tmp_path)
    with pytest.raises(UnreadableError, match=r'record "shop.example" of routes cannot be read: .*checksum'):
        reader.routes.get("shop.example", Host)
    assert reader.routes.get("b", Host) == host("b")
    assert reader.routes.get("absent.example", Host) is None


def test_a_refusal_is_counted_and_reported_once_for_each_version_and_tried_again(
    writer: TableWriter, tmp_path: Path
) -> None:
    def ask() -> Host | None:
        with pytest.raises(UnreadableError):
            reader.routes.get("a", Host)
        return None

    wrong = ServicePort("a", "web", "80")
    writer.publish(routes={"a": wrong})
    reader = TableReader(tmp_path)
    ask()
    ask()
    assert reader.refusals == 1
    assert [report.partition(": ")[0] for report in reader.take_reports()] == ['record "a" of routes cannot be read']
    before = reader.routes.generation
    reader.reopen()
    assert reader.routes.generation > before  # so that caches of this part are refreshed
    ask()
    assert (reader.refusals, reader.take_reports()) == (1, [])
    assert reader.fault is not None
    writer.publish(routes={"a": msgspec.structs.replace(wrong, port="81")})
    reader.refresh()
    ask()
    assert (reader.refusals, len(reader.take_reports())) == (2, 1)
    writer.publish(routes={"a": host("a")})
    reader.refresh()
    assert reader.routes.get("a", Host) == host("a")
    before = reader.routes.generation
    reader.reopen()
    reader.reopen()
    assert reader.routes.generation <= before + 1  # that it was tried again is over
    assert reader.fault is None


def test_a_record_that_is_mended_in_its_place_is_read(writer: TableWriter, tmp_path: Path) -> None:
    writer.publish(routes={"a": host("a", "good")})
    path = segment(tmp_path)
    at = path.read_bytes().index(b"good")
    overwrite(path, at, b"evil")
    reader = TableReader(tmp_path)
    with pytest.raises(UnreadableError):
        reader.routes.get("a", Host)
    overwrite(path, at, b"good")
    assert reader.routes.get("a", Host) == host("a", "good")


def test_a_head_without_a_segment_of_a_part_is_not_a_part_without_records(writer: TableWriter, tmp_path: Path) -> None:
    writer.publish(routes={"a": host("a")})
    overwrite(tmp_path / "table", layout.part_words(0)[0] * layout.WORD, bytes(8))
    with pytest.raises(UnreadableError):
        TableReader(tmp_path).routes.get("a", Host)


@pytest.mark.parametrize("content", [b"", b"x" * 100, b"EDGETBL\x00" + b"\x09" * 4088])
def test_a_head_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "table").write_bytes(content)
    reader = TableReader(tmp_path)
    assert reader.generation == 0
    assert reader.refusals == 1


def test_a_head_of_another_version_is_replaced_and_its_readers_keep_their_table(
    writer: TableWriter, tmp_path: Path
) -> None:
    writer.publish(routes={"web.example": host("web.example")})
    writer.close()
    reader = TableReader(tmp_path)
    overwrite(tmp_path / "table", 8, struct.pack("<I", layout.VERSION + 1))  # as if a later release had taken over
    reader.reopen()
    assert reader.generation == 1
    successor = TableWriter(tmp_path)
    reader.reopen()
    assert reader.routes.get("web.example", Host) == host("web.example")
    assert successor.publish(routes={"web.example": host("web.example", "next")}) == 1
    reader.reopen()
    assert reader.routes.get("web.example", Host) == host("web.example", "next")


def test_serials_that_come_again_under_a_new_head_are_other_segments(writer: TableWriter, tmp_path: Path) -> None:
    writer.publish(routes={"web.example": host("web.example")})
    writer.close()
    reader = TableReader(tmp_path)
    assert reader.routes.get("web.example", Host) is not None
    for path in tmp_path.iterdir():
        path.unlink()
    TableWriter(tmp_path).publish(routes={"web.example": host("web.example", "next")})
    reader.reopen()
    assert reader.routes.get("web.example", Host) == host("web.example", "next")


def test_a_segment_that_vanishes_between_head_and_file_is_looked_up_again(
    writer: TableWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer.publish(routes={"web.example": host("web.example")})
    reader = TableReader(tmp_path)
    writer.close()
    second = TableWriter(tmp_path)
    second.publish(routes={"web.example": host("web.example", "second")})

    def late(path: Path, part: int, serial: int) -> Segment:
        if not third:
            second.close()
            third.append(TableWriter(tmp_path))
            third[0].publish(routes={"web.example": host("web.example", "third")})
        return Segment(path, part, serial)

    third: list[TableWriter] = []
    monkeypatch.setattr("edge.table.reader.Segment", late)
    reader.refresh()
    assert reader.refusals == 0
    assert reader.routes.get("web.example", Host) == host("web.example", "third")


def test_readers_never_see_half_a_change_while_the_writer_writes(writer: TableWriter, tmp_path: Path) -> None:
    """Both hosts of a change name the same Ingress; so they do in every generation that a reader has taken up."""
    writer.publish(routes={"a": host("a", "0"), "b": host("b", "0")})
    done = threading.Event()

    def write() -> None:
        for number in range(1, 3000):
            writer.publish(
                endpoints={f"a/s{number % 50}:80": ServicePort("a", "s", str(number))},
                routes={"a": host("a", str(number))},
            )
        done.set()

    thread = threading.Thread(target=write)
    thread.start()
    reader = TableReader(tmp_path)
    last = 0
    while not done.is_set():
        if reader.changed():
            reader.refresh()
        record = reader.routes.get("a", Host)
        assert record is not None
        number = int(record.routes[0].owner.name)
        assert number >= last
        service = reader.endpoints.get(f"a/s{number % 50}:80", ServicePort) if number else None
        assert number == 0 or (service is not None and int(service.port) >= number)  # the service was there first
        last = number
    thread.join()
    reader.refresh()
    record = reader.routes.get("a", Host)
    assert record is not None
    assert record.routes[0].owner.name == "2999"
    assert reader.refusals == 0
