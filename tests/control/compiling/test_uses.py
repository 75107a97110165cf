"""Which records are in use, when the others go, and for which names the DNS is asked."""

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


def test_names_are_those_of_records() -> None:
    uses: Uses[int] = Uses()
    for key in ("a", "b"):
        uses.add(ONE, key, 1)
        uses.stands_for(key, "name.example")
    version = uses.version
    uses.stands_for("a", "name.example")
    assert (uses.names, uses.version) == ({"name.example"}, version), "nothing has changed"
    uses.changed.clear()
    uses.name_changed("name.example")
    assert uses.changed == {"a", "b"}
    uses.stands_for("a", "")
    assert (uses.names, uses.version > version) == ({"name.example"}, True)
    uses.remove(ONE, "b")
    settled(uses, 100)
    settled(uses, 100 + LINGER)
    assert uses.names == frozenset()
