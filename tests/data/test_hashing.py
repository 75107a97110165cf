"""Keys on rings: one key goes to one endpoint, and few keys move."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.data.upstream.hashing import Balanced, Persistent, Ring, Subsets, digest, place

TEN = [f"10.0.0.{number}:8080" for number in range(10)]
KEYS = [f"/path/{number}".encode() for number in range(5000)]


def test_the_order_of_endpoints_is_of_no_matter() -> None:
    """Workers that learnt of them in other orders agree."""
    one, two = Ring(TEN), Ring([*reversed(TEN), TEN[3]])
    assert len(two) == 10
    assert [one.find(key) for key in KEYS] == [two.find(key) for key in KEYS]


def test_the_ring_is_the_same_in_each_version() -> None:
    """Pods of two versions serve one client side by side: these answers never change."""
    assert place(b"/path/1") == 3013292726
    assert [TEN.index(str(Ring(TEN).find(key))) for key in KEYS[:8]] == [3, 7, 6, 9, 1, 6, 5, 1]
    assert digest("10.0.0.1:8080") == "05ef642f508b1e5b76612ddbd5f89a4c"


def test_shares_are_even() -> None:
    """To about a quarter."""
    shares = Counter(Ring(TEN).find(key) for key in KEYS)
    assert set(shares) == set(TEN)
    assert max(shares.values()) < 1.4 * len(KEYS) / 10
    assert min(shares.values()) > 0.6 * len(KEYS) / 10


def test_only_the_keys_of_an_endpoint_that_goes_move() -> None:
    """The others stay where they are."""
    before, after = Ring(TEN), Ring(TEN[1:])
    for key in KEYS:
        if before.find(key) != TEN[0]:
            assert after.find(key) == before.find(key)
        else:
            assert after.find(key) == list(before.order(key))[1]


def test_keys_move_only_to_an_endpoint_that_comes() -> None:
    """And about as many as its share."""
    before, after = Ring(TEN[1:]), Ring(TEN)
    moved = [key for key in KEYS if before.find(key) != after.find(key)]
    assert {after.find(key) for key in moved} == {TEN[0]}
    assert 0.05 < len(moved) / len(KEYS) < 0.15


@given(st.binary())
def test_order(key: bytes) -> None:
    """Each endpoint once, that of the key first."""
    ring = Ring(TEN)
    order = list(ring.order(key))
    assert order[0] == ring.find(key)
    assert sorted(order) == sorted(TEN)


def test_no_endpoints() -> None:
    """Then nothing is found."""
    assert Ring([]).find(b"x") is None
    assert list(Ring([]).order(b"x")) == []
    assert Subsets([], 3).find(b"x") == []
    assert Persistent([]).find("x") is None
    assert Balanced([]).find("x") is None


def test_subsets() -> None:
    """A key has at most so many endpoints, all groups are as large, and each endpoint is in one."""
    subsets = Subsets(TEN, 3)
    groups = {tuple(subsets.find(key)) for key in KEYS}
    assert len(groups) == 4
    assert {len(set(group)) for group in groups} == {3}
    assert {name for group in groups for name in group} == set(TEN)
    assert all(subsets.find(key) == Subsets(reversed(TEN), 3).find(key) for key in KEYS[:50])


def test_a_subset_larger_than_all() -> None:
    """Is all."""
    assert sorted(Subsets(TEN[:2], 3).find(b"x")) == TEN[:2]
    with pytest.raises(ValueError, match="at least one"):
        Subsets(TEN, 0)


def test_a_persistent_cookie_keeps_its_endpoint() -> None:
    """Until that has gone, whoever else comes."""
    value = digest(TEN[4])
    assert TEN[4] not in value
    assert Persistent(TEN).find(value) == TEN[4]
    assert Persistent(TEN[4:5]).find(value) == TEN[4]
    assert Persistent(TEN[:4]).find(value) is None
    assert Persistent(TEN).find("made up") is None


def test_a_balanced_cookie_is_a_key() -> None:
    """Any value has an endpoint; one is looked for that has an endpoint that is wanted."""
    balanced, chance = Balanced(TEN), random.Random(1)
    candidates = (f"{chance.getrandbits(64):x}" for _ in range(1000))
    value = balanced.value_for(lambda name: name == TEN[7], candidates)
    assert value is not None
    assert balanced.find(value) == TEN[7]
    assert balanced.value_for(lambda _: False, ["a", "b"]) is None
    assert balanced.find("made\udcffup") in TEN
