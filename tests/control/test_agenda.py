"""When keys are due."""

from edge.control import agenda
from edge.control.agenda import Agenda


def taken(due: Agenda[str], now: float) -> list[str]:
    """All that is due at NOW, in order."""
    found = []
    while (key := due.take(now)) is not None:
        found.append(key)
    return found


def made(**times: float) -> Agenda[str]:
    due: Agenda[str] = Agenda()
    for key, when in times.items():
        due.put(key, when)
    return due


def test_what_is_due_comes_by_time_and_once() -> None:
    due = made(later=3, first=1, second=2)
    assert taken(due, 2) == ["first", "second"]
    assert taken(due, 2) == []
    assert due.next == 3


def test_nothing_is_due_where_there_is_nothing() -> None:
    due = made()
    assert due.next is None
    assert due.take(1e9) is None


def test_the_last_time_counts() -> None:
    due = made(one=1, other=2)
    due.put("one", 5)
    assert due.next == 2
    assert taken(due, 4) == ["other"]
    due.put("one", 3)
    assert taken(due, 4) == ["one"]
    assert taken(due, 9) == []


def test_a_key_is_advanced_and_not_delayed() -> None:
    due = made(one=5)
    due.advance("one", 7)
    assert due.next == 5
    due.advance("one", 2)
    assert due.next == 2
    due.advance("new", 1)
    assert taken(due, 9) == ["new", "one"]


def test_a_key_that_is_dropped_is_not_due_until_it_is_put_again() -> None:
    due = made(one=1, other=2)
    due.drop("one")
    due.drop("unknown")
    assert len(due) == 1
    assert due.next == 2
    due.put("one", 1)
    assert taken(due, 9) == ["one", "other"]


def test_a_key_that_is_dropped_and_put_at_the_same_time_comes_once() -> None:
    due = made(one=1)
    due.drop("one")
    due.put("one", 1)
    assert taken(due, 9) == ["one"]


def test_nothing_is_due_after_clear() -> None:
    due = made(one=1)
    due.clear()
    assert due.next is None
    assert taken(due, 9) == []


def test_old_entries_do_not_pile_up() -> None:
    due = made(**{f"key{number}": 1e6 for number in range(10)})
    for when in range(100_000):
        due.put("key0", when)
    assert len(due._heap) <= 2 * 10 + agenda.SPARE + 1
    assert taken(due, 2e6) == ["key0", *(f"key{number}" for number in range(1, 10))]


def test_entries_of_one_time_do_not_pile_up() -> None:
    due = made(other=1)
    for _ in range(1000):
        due.drop("one")
        due.put("one", 2)
    assert len(due._heap) <= 2 * 2 + agenda.SPARE + 1
    assert taken(due, 3) == ["other", "one"]
