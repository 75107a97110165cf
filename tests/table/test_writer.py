"""Publishing: all of a change or nothing, in an order in which nothing is named before it is there."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.table.reader import TableReader
from edge.table.record import Record
from edge.table.records import Backend, Certificate, Endpoint, Host, Owner, PathKind, Route, ServerName, ServicePort
from edge.table.writer import TableError, TableWriter


def host(name: str, service: str = "a/web:80") -> Host:
    return Host(
        name, (Route(PathKind.PREFIX, "/", Owner("Ingress", "a", "web"), (Backend("a", "web", "80", service),)),)
    )


def service_port(port: int = 8080, name: str = "web", count: int = 1) -> ServicePort:
    return ServicePort("a", name, "80", tuple(Endpoint(f"10.0.0.{number}", port) for number in range(count)))


@pytest.fixture
def writer(tmp_path: Path) -> TableWriter:
    return TableWriter(tmp_path)


def segments(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.glob("*.[0-9]*"))


def test_the_first_publication_is_generation_1(writer: TableWriter, tmp_path: Path) -> None:
    assert writer.generation == 0
    assert writer.publish(routes={"web.example": host("web.example")}) == 1
    assert TableReader(tmp_path).routes.get("web.example", Host) == host("web.example")


def test_an_empty_first_table_is_a_table(writer: TableWriter, tmp_path: Path) -> None:
    assert writer.publish() == 1
    assert TableReader(tmp_path).generation == 1


def test_a_publication_without_differences_is_none(writer: TableWriter) -> None:
    writer.publish(endpoints={"a/web:80": service_port()})
    assert writer.publish(endpoints={"a/web:80": service_port(), "a/never:80": None}) == 1


def test_a_change_leaves_the_other_parts_alone(writer: TableWriter, tmp_path: Path) -> None:
    writer.publish(routes={"web.example": host("web.example")}, endpoints={"a/web:80": service_port()})
    reader = TableReader(tmp_path)
    before = reader.routes.generation, reader.tls.generation, reader.endpoints.generation
    writer.publish(endpoints={"a/web:80": service_port(9090)})
    reader.refresh()
    assert (reader.routes.generation, reader.tls.generation) == before[:2]
    assert reader.endpoints.generation > before[2]


def test_a_second_writer_is_refused_while_the_first_lives(writer: TableWriter, tmp_path: Path) -> None:
    with pytest.raises(TableError, match="another control plane publishes here"):
        TableWriter(tmp_path)
    writer.close()
    TableWriter(tmp_path).close()


def test_a_directory_that_cannot_be_made_is_told_by_the_flag(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TableError, match=r"--shm-dir .*file/x: Not a directory"):
        TableWriter(tmp_path / "file" / "x")


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    writer = TableWriter(tmp_path / "table")
    writer.publish(tls={"c:": Certificate("", "", b"chain", b"key")})
    assert (tmp_path / "table").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "table").iterdir()} == {0}


def test_a_new_writer_replaces_the_whole_table_with_its_first_publication(writer: TableWriter, tmp_path: Path) -> None:
    writer.publish(routes={"old.example": host("old.example"), "both.example": host("both.example")})
    writer.close()
    reader = TableReader(tmp_path)
    successor = TableWriter(tmp_path)
    assert reader.routes.get("old.example", Host) is not None
    assert not reader.changed()
    both = reader.routes.get("both.example", Host)
    assert successor.publish(routes={"both.example": host("both.example")}) == 2
    reader.refresh()
    assert reader.routes.get("old.example", Host) is None
    assert reader.routes.get("both.example", Host) is both
    assert len(segments(tmp_path)) == 3


def test_a_writer_that_dies_before_its_first_publication_has_disturbed_nothing(tmp_path: Path) -> None:
    first = TableWriter(tmp_path)
    first.publish(routes={"web.example": host("web.example")})
    first.close()
    program = (
        "import os, sys, pathlib; from edge.table.writer import TableWriter\n"
        "writer = TableWriter(pathlib.Path(sys.argv[1])); writer._prepare({0: {b'x': b'y'}, 1: {}, 2: {}})\n"
        "os.kill(os.getpid(), 9)"
    )
    ended = subprocess.run([sys.executable, "-c", program, tmp_path], check=False, timeout=40)
    assert ended.returncode == -9
    assert len(segments(tmp_path)) == 6
    reader = TableReader(tmp_path)
    assert reader.routes.get("web.example", Host) is not None
    TableWriter(tmp_path).publish(routes={"web.example": host("web.example", "a/next:80")})
    reader.refresh()
    record = reader.routes.get("web.example", Host)
    assert record is not None
    assert record.routes[0].backends[0].key == "a/next:80"
    assert len(segments(tmp_path)) == 3


def test_a_full_log_moves_to_a_larger_segment_and_the_old_one_is_freed(writer: TableWriter, tmp_path: Path) -> None:
    writer.publish(endpoints={"a/other:80": service_port(name="other")})
    reader = TableReader(tmp_path)
    other = reader.endpoints.get("a/other:80", ServicePort)
    before = segments(tmp_path)
    for port in range(1, 2000):
        writer.publish(endpoints={"a/web:80": service_port(port, count=3)})
        if port % 100 == 0:
            reader.refresh()
            assert reader.endpoints.get("a/web:80", ServicePort) == service_port(port, count=3)
    reader.refresh()
    assert segments(tmp_path) != before
    assert len(segments(tmp_path)) == 3
    assert reader.endpoints.get("a/other:80", ServicePort) is other


def test_the_size_of_the_files_follows_what_is_in_use_not_what_was_published(
    writer: TableWriter, tmp_path: Path
) -> None:
    for port in range(1, 5000):
        writer.publish(endpoints={"a/web:80": service_port(port)})
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 400_000


class Full:
    """`os.posix_fallocate` on a file system without room for files of more than LIMIT bytes."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.real = os.posix_fallocate

    def __call__(self, fd: int, offset: int, size: int) -> None:
        if size > self.limit:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.real(fd, offset, size)


def test_without_room_the_table_stays_and_the_next_try_publishes_all(
    writer: TableWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer.publish(routes={"web.example": host("web.example")}, endpoints={"a/web:80": service_port()})
    reader = TableReader(tmp_path)
    before = segments(tmp_path)
    full = Full(200_000)
    monkeypatch.setattr(os, "posix_fallocate", full)
    many: dict[str, Record | None] = {f"h{number}.example": host(f"h{number}.example") for number in range(3000)}
    changes: dict[str, Any] = {"routes": {**many, "web.example": None}, "endpoints": {"a/web:80": service_port(9090)}}
    for _ in range(2):
        with pytest.raises(TableError, match="no space left; give the shared memory more room"):
            writer.publish(**changes)
        assert not reader.changed()
        reader.refresh()
        assert reader.endpoints.get("a/web:80", ServicePort) == service_port()
        assert reader.routes.get("web.example", Host) is not None
        assert segments(tmp_path) == before
    writer.publish(endpoints={"a/web:80": service_port(7070)})  # what has room is published
    full.limit = 1 << 30
    writer.publish(**changes)
    reader.refresh()
    assert reader.endpoints.get("a/web:80", ServicePort) == service_port(9090)
    assert reader.routes.get("web.example", Host) is None
    assert reader.routes.get("h2999.example", Host) == many["h2999.example"]
    assert reader.refusals == 0


def test_no_room_at_the_first_publication_leaves_the_table_of_the_last_writer(
    writer: TableWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer.publish(routes={"web.example": host("web.example")})
    writer.close()
    before = segments(tmp_path)
    successor = TableWriter(tmp_path)
    monkeypatch.setattr(os, "posix_fallocate", Full(70_000))
    with pytest.raises(TableError, match="no space left"):
        successor.publish(routes={f"h{number}": host(f"h{number}") for number in range(1000)})
    assert segments(tmp_path) == before
    monkeypatch.undo()
    assert successor.publish(routes={"h": host("h")}) == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a file system takes root")
def test_a_full_file_system_is_an_error_and_no_signal(tmp_path: Path) -> None:
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", tmp_path], check=False).returncode:
        pytest.skip("mounting is not permitted here")
    try:
        writer = TableWriter(tmp_path)
        writer.publish(routes={"web.example": host("web.example")})
        with pytest.raises(TableError, match="no space left"):
            writer.publish(routes={f"h{number}": host(f"h{number}") for number in range(5000)})
        writer.publish(routes={"other.example": host("other.example")})
        reader = TableReader(tmp_path)
        assert reader.routes.get("web.example", Host) is not None
        assert reader.routes.get("other.example", Host) is not None
    finally:
        subprocess.run(["umount", "-l", tmp_path], check=True)


def test_certificates_are_there_before_the_names_that_show_them(
    writer: TableWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer.publish(tls={"c:": Certificate("", "", b"", b"")})
    order: list[bytes] = []
    segment = writer._segments[2]
    for name in ("put", "remove"):
        real = getattr(segment, name)
        monkeypatch.setattr(segment, name, lambda key, *rest, real=real: (order.append(key), real(key, *rest)))
    new: dict[str, Record | None] = {"h:x": ServerName("x", "c:a/x"), "c:a/x": Certificate("a", "x", b"", b"")}
    writer.publish(tls=new)
    writer.publish(tls=dict.fromkeys(new))
    assert order == [b"c:a/x", b"h:x", b"h:x", b"c:a/x"]


def _cut_off(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _scribble(path: Path) -> None:
    path.write_bytes(os.urandom(path.stat().st_size))


@pytest.mark.parametrize("name", ["table", "routes.1", "endpoints.1", "tls.1"])
@pytest.mark.parametrize(
    ("harm", "thorough", "told"),
    [
        (Path.unlink, False, "No such file or directory"),
        (_cut_off, False, " bytes instead of "),
        (_scribble, False, ""),
        (_scribble, True, "not a "),
    ],
)
def test_what_others_do_to_the_files_is_seen(
    writer: TableWriter, tmp_path: Path, name: str, harm: Callable[[Path], None], thorough: bool, told: str
) -> None:
    writer.publish(routes={"web.example": host("web.example")}, endpoints={"a/web:80": service_port()})
    assert writer.damage(thorough=True) == ""
    harm(tmp_path / name)
    damage = writer.damage(thorough=thorough)
    assert (told in damage, f"{tmp_path / name}: " in damage) == (True, bool(told))


def test_a_spoilt_record_is_seen(writer: TableWriter, tmp_path: Path) -> None:
    writer.publish(endpoints={"a/web:80": service_port()})
    path = tmp_path / "endpoints.1"
    path.write_bytes(path.read_bytes().replace(b"10.0.0.0", b"10.0.0.9"))
    assert writer.damage(thorough=False) == ""
    assert "wrong checksum" in writer.damage(thorough=True)


keys = st.sampled_from([f"a/s{number}:80" for number in range(40)])
batches = st.lists(st.dictionaries(keys, st.one_of(st.none(), st.integers(1, 60)), max_size=8), max_size=60)


@settings(max_examples=60, deadline=None)
@given(batches)
def test_a_reader_always_finds_what_was_published_last(
    tmp_path_factory: pytest.TempPathFactory, batches: list[Any]
) -> None:
    directory = tmp_path_factory.mktemp("table")
    writer, early = TableWriter(directory), TableReader(directory)
    expected: dict[str, ServicePort] = {}
    for number, batch in enumerate(batches):
        records = {key: service_port(number + 1, key, count) if count else None for key, count in batch.items()}
        writer.publish(endpoints=records)
        for key, record in records.items():
            expected.pop(key, None)
            if record is not None:
                expected[key] = record
        if early.changed() or early.generation == 0:
            early.reopen()
            early.refresh()
        for key in batch:
            assert early.endpoints.get(key, ServicePort) == expected.get(key)
    late = TableReader(directory)
    assert {key: late.endpoints.get(key, ServicePort) for key, _ in late.endpoints.items()} == expected
    assert early.refusals == late.refusals == 0
    writer.close()
