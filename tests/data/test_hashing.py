"""Keys on rings: one key goes to one endpoint, and few keys move."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.data.upstream.hashing import Ring, digest, place

TEN = [f"10.0.0.{number}:8080" for number in range(10)]
KEYS = [f"/path/{number}".encode() for number in range(5000)]


def ring_of(names: list[str]) -> Ring[str]:
    ring: Ring[str] = Ring()
    ring.update({name: name for name in names})
    return ring


def test_the_order_of_endpoints_is_of_no_matter() -> None:
    """Workers that learnt of them in other orders agree."""
    one, two = ring_of(TEN), ring_of([*reversed(TEN), TEN[3]])
    assert len(two) == 10
    assert [one.find(key) for key in KEYS] == [two.find(key) for key in KEYS]


def test_nor_is_what_there_was_before() -> None:
    """A worker that has seen endpoints come and go agrees with one that has just been started."""
    chance = random.Random(1)
    ring = ring_of(TEN)
    for _ in range(20):
        names = chance.sample(TEN, chance.randrange(1, 11))
        ring.update({name: name for name in names})
        fresh = ring_of(names)
        assert len(ring) == len(names)
        assert [ring.find(key) for key in KEYS[:300]] == [fresh.find(key) for key in KEYS[:300]]


def test_the_ring_is_the_same_in_each_version() -> None:
    """Pods of two versions serve one client side by side, and ingress-nginx did before: these answers never change."""
    assert place(b"/path/1") == 0xEAB25033
    assert [TEN.index(str(ring_of(TEN).find(key))) for key in KEYS[:8]] == [0, 4, 6, 2, 5, 6, 0, 2]
    assert digest("demo-web-80", "10.0.0.1:8080") == b"b873f094e3ec3b1a54196451325e9daa"


def test_shares_are_even() -> None:
    """To about a quarter."""
    ring = ring_of(TEN)
    shares = Counter(ring.find(key) for key in KEYS)
    assert set(shares) == set(TEN)
    assert max(shares.values()) < 1.4 * len(KEYS) / 10
    assert min(shares.values()) > 0.6 * len(KEYS) / 10


@pytest.mark.parametrize("gone", TEN)
def test_only_the_keys_of_an_endpoint_that_goes_move(gone: str) -> None:
    """To the next in their order; the others stay where they are."""
    before, after = ring_of(TEN), ring_of([name for name in TEN if name != gone])
    for key in KEYS[:1000]:
        if before.find(key) != gone:
            assert after.find(key) == before.find(key)
        else:
            assert after.find(key) == list(before.order(key))[1]


def test_keys_move_only_to_an_endpoint_that_comes() -> None:
    """And about as many as its share."""
    before, after = ring_of(TEN[1:]), ring_of(TEN)
    moved = [key for key in KEYS if before.find(key) != after.find(key)]
    assert {after.find(key) for key in moved} == {TEN[0]}
    assert 0.05 < len(moved) / len(KEYS) < 0.15


@given(st.binary())
def test_order(key: bytes) -> None:
    """Each endpoint once, that of the key first."""
    ring = ring_of(TEN)
    order = list(ring.order(key))
    assert order[0] == ring.find(key)
    assert sorted(order) == sorted(TEN)


def test_an_endpoint_that_comes_again_is_another() -> None:
    """Under the same name: what is found is what is there now."""
    ring: Ring[int] = Ring()
    ring.update({"a": 1})
    ring.update({"a": 2})
    assert ring.find(b"x") == 2


def test_no_endpoints() -> None:
    """Then nothing is found."""
    assert ring_of([]).find(b"x") is None
    assert list(ring_of([]).order(b"x")) == []
    ring = ring_of(TEN)
    ring.update({})
    assert ring.find(b"x") is None


def test_a_digest_does_not_show_the_address() -> None:
    assert b"10.0" not in digest("demo-web-80", TEN[0])
    assert len({digest(upstream, name) for upstream in ("demo-web-80", "demo-api-80") for name in TEN}) == 20
