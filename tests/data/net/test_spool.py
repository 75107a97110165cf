"""Bytes that are too many for memory: in a file, that threads write."""

from __future__ import annotations

import errno
import os
import threading
from typing import Any

import gevent
import pytest

from edge.data.net import spool
from edge.data.net.spool import PIECE, Spool, SpoolError, Spools

TEXT = bytes(range(256)) * 1000


def filled(spools: Spools, memory: int, step: int) -> Spool:
    """TEXT, appended in pieces of STEP bytes."""
    made = Spool(spools, memory)
    for at in range(0, len(TEXT), step):
        made.append(TEXT[at : at + step])
    return made


def content(of: Spool) -> bytes:
    found = b""
    while piece := bytes(of.read(len(found))):
        assert len(piece) <= PIECE
        found += piece
    return found


def until_closed(spools: Spools) -> None:
    """Wait until no file is open."""
    with gevent.Timeout(40):
        while len(spools):
            gevent.sleep(0.01)


@pytest.mark.parametrize("memory", [0, 1, 10_000, 70_000, len(TEXT) - 1, len(TEXT)])
@pytest.mark.parametrize("step", [1000, 65536, 1 << 20])
def test_what_is_appended_is_read_as_often_as_wanted(memory: int, step: int) -> None:
    spools = Spools()
    one = filled(spools, memory, step)
    assert one.size == len(TEXT)
    assert [content(one), content(one)] == [TEXT, TEXT]
    assert len(spools) == (memory < len(TEXT))
    assert memory < len(TEXT) or one.tail() == TEXT


def test_it_may_be_read_while_it_grows() -> None:
    one = Spool(Spools(), 100)
    for number in range(50):
        one.append(b"%010d" % number)
        assert content(one) == b"".join(b"%010d" % before for before in range(number + 1))


def test_a_file_has_no_name_and_is_closed_with_its_spool(tmp_path) -> None:
    spools = Spools(str(tmp_path))
    one = filled(spools, 0, 1000)
    assert (len(spools), list(tmp_path.iterdir())) == (1, [])
    del one
    until_closed(spools)


def test_a_directory_that_is_missing_is_named(tmp_path, caplog) -> None:
    with pytest.raises(SpoolError) as raised:
        filled(Spools(str(tmp_path / "none")), 0, 1000)
    assert raised.value.status == 500
    assert str(tmp_path / "none") in caplog.text


@pytest.mark.parametrize(("code", "status"), [(errno.ENOSPC, 500), (errno.EIO, 500), (errno.EMFILE, 503)])
def test_the_status_says_what_failed(monkeypatch, code: int, status: int) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(spool.tempfile, "TemporaryFile", fail)
    with pytest.raises(SpoolError) as raised:
        filled(Spools(), 0, 1000)
    assert raised.value.status == status


def test_the_log_says_it_now_and_then_only(tmp_path, caplog) -> None:
    spools = Spools(str(tmp_path / "none"))
    for _ in range(5):
        with pytest.raises(SpoolError):
            filled(spools, 0, 1000)
    assert len(caplog.records) == 1


def test_their_number_is_bounded() -> None:
    spools = Spools(most=2)
    kept = [filled(spools, 0, 1000) for _ in range(2)]
    with pytest.raises(SpoolError) as raised:
        filled(spools, 0, 1000)
    assert raised.value.status == 503
    kept.clear()
    until_closed(spools)
    assert content(filled(spools, 0, 1000)) == TEXT


def test_so_are_their_bytes(caplog) -> None:
    spools = Spools(size=2 * len(TEXT))
    kept = [filled(spools, 0, 1000) for _ in range(2)]
    assert spools.held() == 2 * len(TEXT)
    with pytest.raises(SpoolError) as raised:
        filled(spools, 0, 1000)
    assert raised.value.status == 503
    assert "--max-temp-size" in caplog.text
    del raised
    kept.pop()
    with gevent.Timeout(40):
        while spools.held() > len(TEXT):
            gevent.sleep(0.01)
    assert content(filled(spools, 0, 1000)) == TEXT


def test_a_file_that_is_used_again_holds_no_more(tmp_path) -> None:
    spools = Spools(str(tmp_path))
    one = filled(spools, 0, 1000)
    one.clear()
    one.append(b"abc")
    assert (content(one), spools.held()) == (b"abc", len(TEXT))


def test_a_slow_disk_holds_up_nobody_else(monkeypatch) -> None:
    write, may_go_on = os.pwrite, threading.Event()

    def slow(*arguments: Any) -> int:
        assert may_go_on.wait(40)
        return write(*arguments)

    monkeypatch.setattr(spool.os, "pwrite", slow)
    one = Spool(Spools(), 0)
    writing = gevent.spawn(one.append, TEXT)
    gevent.sleep(0.05)
    assert not writing.ready(), "and yet this greenlet goes on"
    may_go_on.set()
    writing.get()
    assert content(one) == TEXT


def test_a_file_is_not_closed_while_a_thread_writes_to_it(monkeypatch) -> None:
    """Its descriptor may be another file's by then."""
    write, begun, may_go_on, written = os.pwrite, threading.Event(), threading.Event(), []

    def slow(*arguments: Any) -> int:
        begun.set()
        assert may_go_on.wait(40)
        written.append(write(*arguments))
        return int(written[-1])

    monkeypatch.setattr(spool.os, "pwrite", slow)
    spools = Spools()
    one = Spool(spools, 0)
    writing = gevent.spawn(one.append, b"12")
    while not begun.is_set():
        gevent.sleep(0.01)
    writing.kill()
    del one, writing
    assert len(spools) == 1
    may_go_on.set()
    until_closed(spools)
    assert written == [2]
