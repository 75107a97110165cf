"""One file: an index of slots over a log of records."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.table import layout
from edge.table._words import Words
from edge.table.segment import Segment, SegmentError, SegmentWriter


@pytest.fixture
def writer(tmp_path: Path) -> SegmentWriter:
    return SegmentWriter.create(tmp_path / "routes.1", 0, 1, records=10, log=1000)


def fill(segment: SegmentWriter, count: int) -> None:
    for number in range(count):
        segment.put(f"key {number}".encode(), f"value {number}".encode())


def test_a_reader_finds_what_was_put(writer: SegmentWriter) -> None:
    fill(writer, 20)
    reader = Segment(writer.path, 0, 1)
    found = reader.find(b"key 7")
    assert found is not None
    assert reader.read(found[1]) == b"value 7"
    assert reader.slot_at(found[0]) == found[1]
    assert reader.find(b"key 20") is None
    assert len(dict(reader.items())) == 20


def test_a_record_that_was_found_stays_readable_after_its_replacement_and_removal(writer: SegmentWriter) -> None:
    writer.put(b"k", b"old")
    reader = Segment(writer.path, 0, 1)
    old = reader.find(b"k")
    assert old is not None
    writer.put(b"k", b"new")
    new = reader.find(b"k")
    assert new is not None
    assert new[0] == old[0]
    assert new[1] != old[1]
    writer.remove(b"k")
    assert reader.find(b"k") is None
    assert (reader.read(old[1]), reader.read(new[1])) == (b"old", b"new")


def test_room_is_known_before_it_is_used(writer: SegmentWriter) -> None:
    free = writer.size - writer.log_start(writer.slots)
    assert writer.has_room(48, free)
    assert not writer.has_room(49, 0)
    assert not writer.has_room(1, free + 1)
    with pytest.raises(SegmentError, match="no room"):
        writer.put(b"k", b"x" * free)
    assert list(writer.items()) == []


def test_the_slot_of_a_removed_record_is_used_again(writer: SegmentWriter) -> None:
    for number in range(500):
        writer.put(f"k{number}".encode(), b"v")
        writer.remove(f"k{number}".encode())
    assert writer.records == writer.live == 0
    assert writer.has_room(1, 0)


def test_what_is_live_is_counted(writer: SegmentWriter) -> None:
    writer.put(b"a", b"x" * 100)
    writer.put(b"a", b"x" * 50)
    writer.put(b"b", b"")
    assert writer.records == 2
    assert writer.live == layout.record_size(b"a", b"x" * 50) + layout.record_size(b"b", b"")


def test_a_copy_has_all_that_is_live_and_nothing_else(writer: SegmentWriter, tmp_path: Path) -> None:
    fill(writer, 30)
    for number in range(0, 30, 3):
        writer.remove(f"key {number}".encode())
    writer.put(b"key 1", b"another")
    other = SegmentWriter.create(tmp_path / "routes.2", 0, 2, records=writer.records, log=writer.live)
    writer.copy_to(other)
    assert dict(Segment(other.path, 0, 2).items()) == dict(writer.items())
    assert (other.records, other.live) == (writer.records, writer.live)
    other.put(b"key 1", b"once more")
    assert other.value_of(b"key 1") == b"once more"


def test_a_copy_that_does_not_fit_is_refused(writer: SegmentWriter, tmp_path: Path) -> None:
    for number in range(40):
        writer.put(f"{number}".encode(), b"x" * 1500)
    small = SegmentWriter.create(tmp_path / "routes.2", 0, 2, records=10, log=0)
    big = SegmentWriter.create(tmp_path / "routes.3", 0, 3, records=100, log=1 << 20)
    big.put(b"k", b"x" * 70_000)
    with pytest.raises(ValueError, match="no room in the target"):
        big.copy_to(small)


def test_a_file_that_cannot_be_made_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space left"):
        SegmentWriter.create(tmp_path / "routes.1", 0, 1, records=1, log=1)
    assert list(tmp_path.iterdir()) == []


def test_another_segment_than_was_asked_for_is_refused(writer: SegmentWriter) -> None:
    for part, serial in ((1, 1), (0, 2)):
        with pytest.raises(SegmentError, match="another segment than its name says"):
            Segment(writer.path, part, serial)


def test_words_are_within_the_mapping() -> None:
    words = Words(bytearray(64), writable=True)
    for index in (-1, 8):
        with pytest.raises(IndexError):
            words.load(index)
        with pytest.raises(IndexError):
            words.store(index, 1)
    with pytest.raises(IndexError):
        words.find(4, 8, 1)
    with pytest.raises(TypeError, match="read-only"):
        Words(bytes(64)).store(0, 1)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.one_of(st.none(), st.binary(max_size=40))), max_size=150))
def test_it_is_a_dictionary(tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, bytes | None]]) -> None:
    path = tmp_path_factory.mktemp("segment") / "tls.1"
    writer = SegmentWriter.create(path, 2, 1, records=40, log=20_000)
    reader = Segment(path, 2, 1)
    expected: dict[bytes, bytes] = {}
    for number, value in steps:
        key = b"%d" % number
        if value is None:
            writer.remove(key)
            expected.pop(key, None)
        else:
            writer.put(key, value)
            expected[key] = value
        assert writer.value_of(key) == expected.get(key)
    assert dict(reader.items()) == expected
    assert writer.records == len(expected)
    assert writer.live == sum(layout.record_size(*item) for item in expected.items())
