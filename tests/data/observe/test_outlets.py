"""Where lines of the access log go: files that can be moved away, and syslog servers that may be slow or gone."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest

from edge.data.observe import syslog
from edge.data.observe.access_log import AccessLog
from edge.data.observe.outlets import reopened
from edge.table.access_logging import AccessLogging
from edge.table.counters import WorkerWord
from tests.support.play import Request, Scene

LINE = re.compile(rb"<190>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \S+ edge (\d+) access - (.*)")
FORMAT = "$request_uri"


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Scene]:
    (tmp_path / "scene").mkdir(mode=0o700)
    with Scene(tmp_path / "scene", ("memory", "memory")) as made:
        yield made


def ask(one: Scene, *targets: str) -> None:
    for target in targets:
        one.play(Request("GET", target))


def flushed(one: Scene, until) -> None:
    """Flush the log, as its timer does, until something has come."""
    with gevent.Timeout(20):
        while not until():
            one._access_log.flush()
            gevent.sleep(0.01)


# --- files ------------------------------------------------------------------------------------------------------------


def test_lines_are_appended_to_a_file(one: Scene, tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_text("before\n")
    one.log_by(FORMAT, path=str(path))
    ask(one, "/a", "/b")
    assert path.read_text() == "before\n/a\n/b\n"


def test_lines_stand_between_those_that_others_write_to_the_same_output(tmp_path: Path) -> None:
    """As with `edge run >FILE`, where all processes share the position in the file."""
    path = tmp_path / "output"
    with path.open("wb", buffering=0) as output:
        access_log = reopened(output.fileno())
        for line in (b"a", b"b"):
            output.write(line + b" of another\n")
            os.write(access_log, line + b" of the log\n")
        output.write(b"end\n")
        os.close(access_log)
    assert path.read_bytes() == b"a of another\na of the log\nb of another\nb of the log\nend\n"


def test_a_file_that_has_been_moved_away_is_made_again_when_it_is_reopened(one: Scene, tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    one.log_by(FORMAT, path=str(path))
    ask(one, "/a")
    path.rename(tmp_path / "access.log.1")
    ask(one, "/b")
    one._access_log.reopen()
    ask(one, "/c")
    assert (tmp_path / "access.log.1").read_text() == "/a\n/b\n"
    assert path.read_text() == "/c\n"


def test_lines_wait_for_a_file_that_cannot_be_opened_and_the_log_says_why(one: Scene, tmp_path: Path, caplog) -> None:
    path = tmp_path / "missing" / "access.log"
    one.log_by(FORMAT, path=str(path))
    ask(one, "/a", "/b")
    assert [record.getMessage() for record in caplog.records] == [
        f"the access log {path} (access-log-path) cannot be written: No such file or directory"
    ]
    path.parent.mkdir()
    one._access_log.reopen()
    ask(one, "/c")
    assert path.read_text() == "/a\n/b\n/c\n"


def test_back_on_standard_output(one: Scene, tmp_path: Path) -> None:
    one.log_by(FORMAT, path=str(tmp_path / "access.log"))
    ask(one, "/a")
    one.log_by(FORMAT)
    assert one.play(Request("GET", "/b")).logged == ["/b"]


# --- syslog -----------------------------------------------------------------------------------------------------------


def received(server: socket.socket, count: int) -> list[tuple[bytes, bytes]]:
    found = []
    for _ in range(count):
        match = LINE.fullmatch(server.recv(70_000))
        assert match is not None
        found.append((match[1], match[2]))
    return found


@pytest.fixture(params=["udp", "unix"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """A syslog server, and its address."""
    unix = request.param == "unix"
    with socket.socket(socket.AF_UNIX if unix else socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind(str(tmp_path / "log") if unix else ("127.0.0.1", 0))
        made.settimeout(20)
        yield made, f"unix:{tmp_path / 'log'}" if unix else f"127.0.0.1:{made.getsockname()[1]}"


def test_each_line_is_a_datagram(one: Scene, server: tuple[socket.socket, str]) -> None:
    sock, address = server
    one.log_by(FORMAT, syslog=address)
    ask(one, "/a", "/b")
    flushed(one, lambda: not len(one._access_log.lines))
    pid = str(os.getpid()).encode()
    assert received(sock, 2) == [(pid, b"/a"), (pid, b"/b")]


def test_a_server_is_found_by_name(one: Scene) -> None:
    family, *_, address = socket.getaddrinfo("localhost", 0, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.bind(address)
        sock.settimeout(20)
        one.log_by(FORMAT, syslog=f"localhost:{sock.getsockname()[1]}")
        ask(one, "/a")
        flushed(one, lambda: not len(one._access_log.lines))
        assert [text for _, text in received(sock, 1)] == [b"/a"]


def test_a_server_that_does_not_read_loses_lines_and_stops_no_request(one: Scene, tmp_path: Path) -> None:
    """The queue of a Unix socket is short."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "log"))
        one.log_by(FORMAT, syslog=f"unix:{tmp_path / 'log'}")
        ask(one, "/first")
        flushed(one, lambda: not len(one._access_log.lines))
        ask(one, *(f"/{number}" for number in range(1000)))
        assert one.count(WorkerWord.ACCESS_LOG_DROPPED) > 0
        sock.setblocking(False)
        read = 0
        while True:
            try:
                sock.recv(70_000)
            except BlockingIOError:
                break
            read += 1
        assert read + one.count(WorkerWord.ACCESS_LOG_DROPPED) == 1001


def test_lines_wait_for_a_server_that_comes_later(one: Scene, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(syslog, "AGAIN", 0.05)
    one.log_by(FORMAT, syslog=f"unix:{tmp_path / 'log'}")
    ask(one, "/a")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "log"))
        sock.settimeout(20)
        flushed(one, lambda: not len(one._access_log.lines))
        assert [text for _, text in received(sock, 1)] == [b"/a"]


def test_a_fault_is_logged_once(one: Scene, tmp_path: Path, monkeypatch, caplog) -> None:
    monkeypatch.setattr(syslog, "AGAIN", 0.0)
    one.log_by(FORMAT, syslog=f"unix:{tmp_path / 'none'}")
    for _ in range(5):
        one._access_log.flush()
        gevent.sleep(0.01)
    assert len([record for record in caplog.records if "syslog" in record.getMessage()]) == 1


def test_a_long_line_is_shortened(one: Scene) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(20)
        log = AccessLog(one.counters)
        log.use(AccessLogging(format="$http_x" * 20 + "$request_uri" * 20, syslog=f"127.0.0.1:{sock.getsockname()[1]}"))
        one._access_log.use(log._terms)
        ask(one, "/" + "x" * 7000)
        flushed(one, lambda: not len(one._access_log.lines))
        assert len(sock.recv(70_000)) == syslog.MOST
