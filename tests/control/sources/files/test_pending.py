"""When the content of a changing file may be read."""

from __future__ import annotations

from math import inf

from edge.control.sources.files.pending import EMPTY, GRACE, QUIET, SETTLE, Motion, Pending


def test_a_closed_file_is_due_at_once_and_only_once() -> None:
    pending = Pending()
    pending.closed("f", 10)
    assert pending.next() == 10
    assert pending.due(10) == [("f", Motion.CLOSED)]
    assert pending.due(10) == []
    assert "f" not in pending


def test_each_write_puts_off_the_moment_to_look() -> None:
    pending = Pending()
    pending.written("f", 10)
    pending.written("f", 10.5)
    assert pending.due(10 + QUIET) == []
    assert pending.due(10.5 + QUIET) == [("f", Motion.WRITTEN)]


def test_a_missing_file_has_time_to_come_back() -> None:
    pending = Pending()
    pending.gone("f", 10)
    pending.created("f", 10 + GRACE / 2)
    assert pending.due(10 + GRACE) == []
    assert pending.due(10 + GRACE / 2 + SETTLE) == [("f", Motion.CREATED)]


def test_a_file_that_was_moved_is_gone_at_once() -> None:
    pending = Pending()
    pending.gone("f", 10, moved=True)
    assert pending.due(10) == [("f", Motion.GONE)]


def test_a_file_that_was_emptied_and_closed_is_looked_at_once_more() -> None:
    pending = Pending()
    pending.empty("f", Motion.CLOSED, 10)
    assert pending.next() == 10 + EMPTY
    assert pending.due(10 + EMPTY) == [("f", Motion.EMPTIED)]


def test_an_empty_file_that_is_open_waits_until_its_writer_closes_it() -> None:
    pending = Pending()
    pending.empty("f", Motion.CREATED, 10)
    assert "f" in pending
    assert pending.next() == inf


def test_after_lost_events_nothing_waits_for_ever() -> None:
    pending = Pending()
    pending.open("f")
    pending.lost(10)
    assert pending.due(10 + QUIET) == [("f", Motion.WRITTEN)]


def test_a_file_that_took_the_place_of_an_open_one_is_believed_when_it_is_quiet() -> None:
    pending = Pending()
    pending.open("f")
    assert pending.is_open("f")
    pending.replaced("f", 10)
    assert not pending.is_open("f")
    assert pending.due(10 + QUIET) == [("f", Motion.CLOSED)]


def test_a_file_that_was_only_found_must_be_unchanged_for_a_moment() -> None:
    pending = Pending()
    pending.found("old", modified=5, now=10)
    pending.found("fresh", modified=10 - SETTLE / 2, now=10)
    pending.found("from the future", modified=99, now=10)
    assert pending.due(10) == [("old", Motion.CLOSED)]
    assert pending.due(10 + SETTLE / 2) == [("fresh", Motion.CLOSED)]
    assert pending.due(10 + SETTLE) == [("from the future", Motion.CLOSED)]
