"""The access log at a real data plane: a slow or missing reader stops no request, and lost lines are counted."""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.table.access_logging import AccessLogging, Escape
from edge.table.counters import CountersReader, WorkerWord
from tests.support.backends import Backend
from tests.support.certificates import trusting_all
from tests.support.edge import Edge
from tests.support.stage import Stage
from tests.support.waiting import eventually

REQUESTS = 4500
LINE = re.compile(rb'127\.0\.0\.1 - - \[[^]]+\] "GET /\d+/x{1000} HTTP/1\.1" 503 .*')


@contextmanager
def logging_to(fifo: Path) -> Iterator[tuple[Edge, int]]:
    """A proxy without a table whose output goes to FIFO, and a descriptor to read that; nobody does so far."""
    os.mkfifo(fifo)
    reading = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with Edge(command="proxy", prefix=("sh", "-c", f'exec "$@" >{fifo}', "sh")) as edge:
            yield edge, reading
    finally:
        os.close(reading)


def ask(edge: Edge) -> None:
    """Have REQUESTS answered, each with a line of more than 1000 bytes."""
    with edge.connect() as client:
        for number in range(REQUESTS):
            assert client.request(f"/{number}/{'x' * 1000}").status == 503


def dropped(edge: Edge) -> int:
    """Lines that were dropped, by the worker's own count."""
    reader = CountersReader(edge.shm_dir)
    try:
        return sum(worker[WorkerWord.ACCESS_LOG_DROPPED] for worker in reader.workers())
    finally:
        reader.close()


def test_a_log_that_is_not_read_stops_no_request_and_loses_whole_lines_that_are_counted(tmp_path: Path) -> None:
    with logging_to(tmp_path / "log") as (edge, reading):
        ask(edge)
        eventually(lambda: dropped(edge) > 0)
        fcntl.fcntl(reading, fcntl.F_SETPIPE_SZ, 1 << 20)
        text = b""

        def everything_is_accounted_for() -> bool:
            nonlocal text
            try:
                while piece := os.read(reading, 1 << 16):
                    text += piece
            except BlockingIOError:
                pass
            return text.count(b"\n") + dropped(edge) == REQUESTS

        eventually(everything_is_accounted_for)
        assert all(LINE.fullmatch(line) for line in text.splitlines())


def test_lines_that_nobody_can_read_any_more_are_counted_one_by_one(tmp_path: Path) -> None:
    with logging_to(tmp_path / "log") as (edge, reading):
        os.dup2(os.open(os.devnull, os.O_RDONLY), reading)  # the last reader is gone
        ask(edge)
        eventually(lambda: dropped(edge) == REQUESTS)


# --- as the table says ------------------------------------------------------------------------------------------------


def test_a_format_in_the_table_is_in_force_without_a_restart(stage: Stage, backend: Backend) -> None:
    host = stage.serve(backend)
    stage.log_by(
        AccessLogging(format='{"path": "$request_uri", "ssl": "$ssl_protocol $ssl_cipher"}', escape=Escape.JSON)
    )

    def logged(mark: str) -> list[dict[str, str]]:
        return [json.loads(line) for line in stage.edge.output.splitlines() if mark in line and line.startswith("{")]

    def first() -> list[dict[str, str]]:
        stage.get(host, "/plain")
        return logged("/plain")

    assert eventually(first)[0] == {"path": "/plain", "ssl": " "}
    with stage.connect(tls=trusting_all()) as client:
        client.request("/secure", host=host)
    assert eventually(lambda: logged("/secure"))[0]["ssl"].startswith("TLSv1.3 TLS_")
    stage.log_by(AccessLogging())

    def last() -> list[str]:
        stage.get(host, "/text")
        return [line for line in stage.edge.output.splitlines() if '"GET /text HTTP/1.1" 200' in line]

    eventually(last)


def test_sigusr1_has_a_file_opened_again(stage: Stage, backend: Backend, tmp_path: Path) -> None:
    """As nginx's does, so logrotate goes on as it is."""
    host, path, old = stage.serve(backend), tmp_path / "access.log", tmp_path / "access.log.1"
    stage.log_by(AccessLogging(format="$request_uri", path=str(path)))
    try:

        def logged() -> bool:
            stage.get(host, "/before")
            return path.exists() and "/before" in path.read_text()

        eventually(logged)
        path.rename(old)
        stage.edge.signal(signal.SIGUSR1)
        stage.get(host, "/after")

        def opened() -> bool:
            stage.get(host, "/after")
            return path.exists() and "/after" in path.read_text()

        eventually(opened)
    finally:
        stage.log_by(AccessLogging())
