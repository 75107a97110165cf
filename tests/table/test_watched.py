"""How workers are asked about endpoints, and what they say."""

import os
import time

import pytest

from edge.table import watched
from edge.table.watched import Health, Watch, Watched

ONE, TWO = "10.0.0.1:80", "10.0.0.2:80"


@pytest.fixture
def watch(tmp_path):
    return Watch(tmp_path)


@pytest.fixture
def workers(tmp_path):
    return Watched(tmp_path, 0), Watched(tmp_path, 1)


def test_workers_see_what_is_asked_by_all_who_look(watch, workers):
    assert workers[0].wanted() == frozenset()
    watch.ask([ONE])
    watch.ask([TWO])
    assert workers[0].wanted() == workers[1].wanted() == {ONE, TWO}


def test_what_all_workers_say_is_summed_up(watch, workers):
    assert watch.health() == {}
    workers[0].say({ONE: Health(2, 0.0), TWO: Health(0, 3.0)})
    workers[1].say({ONE: Health(1, 5.0)})
    assert watch.health() == {ONE: Health(3, 5.0), TWO: Health(0, 3.0)}


def test_nothing_is_left_when_nobody_looks(watch, workers, tmp_path, monkeypatch):
    watch.ask([ONE])
    workers[0].say({ONE: Health(0, 0.0)})
    later = time.monotonic() + watched.KEPT + 1
    monkeypatch.setattr(watched.time, "monotonic", lambda: later)
    watch.expire()
    workers[0].say({})
    assert list(tmp_path.iterdir()) == []
    assert workers[0].wanted() == frozenset()


def test_what_is_old_says_nothing(watch, workers, tmp_path):
    watch.ask([ONE])
    workers[0].say({ONE: Health(1, 0.0)})
    for path in tmp_path.iterdir():
        os.utime(path, (0, 0))
    assert watch.health() == {}
    assert workers[0].wanted() == frozenset()


@pytest.mark.parametrize("content", [b"", b"{", b'{"a": 1}', b"[1]", b"\xff"])
def test_what_cannot_be_read_says_nothing(watch, workers, tmp_path, content):
    (tmp_path / watched.NAME).write_bytes(content)
    (tmp_path / f"{watched.NAME}.0").write_bytes(content)
    assert watch.health() == {}
    assert workers[0].wanted() == frozenset()


def test_there_is_a_limit(watch, workers):
    watch.ask(f"10.0.0.1:{port}" for port in range(watched.MOST + 10))
    assert len(workers[0].wanted()) == watched.MOST


def test_a_directory_that_is_gone_is_no_fault(tmp_path):
    watch, worker = Watch(tmp_path / "none"), Watched(tmp_path / "none", 0)
    watch.ask([ONE])
    worker.say({ONE: Health(0, 0.0)})
    assert watch.health() == {}
