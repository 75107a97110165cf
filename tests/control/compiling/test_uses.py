"""Which records are in use, and when the others go."""

from __future__ import annotations

from edge.control.compiling.uses import LINGER, Uses
from edge.control.kinds.objects import ObjectId

ONE, OTHER = ObjectId("Ingress", "demo", "one"), ObjectId("Ingress", "demo", "other")


def settled(uses: Uses[int], now: float) -> list[str]:
    """What goes at NOW."""
    uses.settle(now)
    uses.changed.clear()
    return uses.expired(now)


def test_a_record_goes_a_while_after_its_last_use() -> None:
    uses: Uses[int] = Uses()
    uses.add(ONE, "a", 1)
    uses.add(OTHER, "a", 2)
    uses.remove(ONE, "a")
    assert (uses.of("a"), settled(uses, 100), uses.next_removal) == ({OTHER: 2}, [], None)
    uses.remove(OTHER, "a")
    assert (settled(uses, 100), uses.next_removal) == ([], 100 + LINGER)
    assert settled(uses, 100 + LINGER - 1) == []
    assert (settled(uses, 100 + LINGER), uses.next_removal) == (["a"], None)


def test_a_use_in_time_keeps_it() -> None:
    uses: Uses[int] = Uses()
    uses.add(ONE, "a", 1)
    uses.remove(ONE, "a")
    settled(uses, 100)
    uses.add(ONE, "a", 1)
    assert (settled(uses, 200), uses.next_removal) == ([], None)


def test_who_uses_nothing_leaves_nothing() -> None:
    uses: Uses[int] = Uses()
    uses.remove(ONE, "a")
    assert (uses.changed, uses.next_removal) == (set(), None)
