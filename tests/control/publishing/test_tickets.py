"""Ticket keys: one a day, the last three kept, never lost with a control plane."""

from __future__ import annotations

from edge.control.publishing.tickets import DAY, rotated
from edge.table.records import TicketKeys


def test_the_first_key_is_made_at_once() -> None:
    keys = rotated(None, 1000.0)
    assert [len(key) for key in keys.keys] == [80]
    assert keys.rotated == 1000.0


def test_keys_stay_for_a_day() -> None:
    keys = rotated(None, 1000.0)
    assert rotated(keys, 1000.0 + DAY - 1) is keys


def test_then_a_new_one_goes_before_them_and_three_are_kept() -> None:
    keys = TicketKeys()
    seen: list[bytes] = []
    for day in range(5):
        keys = rotated(keys, day * DAY)
        seen.insert(0, keys.keys[0])
    assert len(set(seen)) == 5
    assert keys.keys == tuple(seen[:3])


def test_keys_from_the_future_are_replaced() -> None:
    keys = rotated(None, 10 * DAY)
    assert rotated(keys, DAY) is not keys
