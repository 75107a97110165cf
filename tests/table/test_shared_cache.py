"""What the workers of a pod keep together for a while."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from edge.table import shared_cache
from edge.table.shared_cache import HEAD, LONGEST, NAME, SLOT, WAYS, CacheError, SharedCache

HOUR = 3600.0


@pytest.fixture
def cache(tmp_path: Path) -> SharedCache:
    return SharedCache(tmp_path)


def test_what_one_worker_keeps_another_finds(tmp_path: Path, cache: SharedCache) -> None:
    cache.put(cache.key(b"a"), b"value", HOUR)
    other = SharedCache(tmp_path)
    assert other.get(other.key(b"a")) == b"value"
    assert other.get(other.key(b"b")) is None


def test_a_key_is_made_of_its_parts(cache: SharedCache) -> None:
    keys = [cache.key(*parts) for parts in ((b"ab", b"c"), (b"a", b"bc"), (b"abc",), (b"abc", b""), (b"", b"abc"), ())]
    assert len(set(keys)) == len(keys)
    assert cache.key(b"a", b"b") == cache.key(b"a", b"b")


def test_a_value_takes_the_place_of_the_one_before(cache: SharedCache) -> None:
    key = cache.key(b"a")
    for value in (b"first", b"", b"a longer one"):
        cache.put(key, value, HOUR)
        assert cache.get(key) == value


def test_it_is_kept_for_its_time(cache: SharedCache, monkeypatch: pytest.MonkeyPatch) -> None:
    key, now = cache.key(b"a"), 1000.0
    monkeypatch.setattr(shared_cache, "monotonic", lambda: now)
    cache.put(key, b"value", 10.0)
    now += 9.0
    assert cache.get(key) == b"value"
    now += 1.0
    assert cache.get(key) is None


def test_one_that_is_too_long_is_not_kept(cache: SharedCache) -> None:
    key = cache.key(b"a")
    cache.put(key, b"x" * LONGEST, HOUR)
    assert cache.get(key) == b"x" * LONGEST
    cache.put(key, b"x" * (LONGEST + 1), HOUR)
    assert cache.get(key) == b"x" * LONGEST


def test_of_those_that_share_a_place_the_one_goes_that_would_go_first(tmp_path: Path) -> None:
    cache = SharedCache(tmp_path, sets=1)
    keys = [cache.key(b"%d" % number) for number in range(WAYS + 1)]
    for number, key in enumerate(keys):
        cache.put(key, b"%d" % number, HOUR + (number - 1) % 3)
    assert [cache.get(key) is not None for key in keys] == [True, False, True, True, True]


def test_the_file_has_its_size_from_the_beginning(tmp_path: Path) -> None:
    cache = SharedCache(tmp_path, sets=2)
    for number in range(100):
        cache.put(cache.key(b"%d" % number), b"x", HOUR)
    assert (tmp_path / NAME).stat().st_size == HEAD + 2 * WAYS * SLOT
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == [NAME]


def test_what_is_broken_is_not_there(tmp_path: Path) -> None:
    """Whatever a writer that dies half-way, or two at once, leave behind."""
    cache, source = SharedCache(tmp_path, sets=1), random.Random(1)
    key = cache.key(b"a")
    for _ in range(300):
        cache.put(key, b"value", HOUR)
        with (tmp_path / NAME).open("r+b") as file:
            file.seek(HEAD + source.randrange(WAYS * 60))
            file.write(source.randbytes(source.randrange(1, 60)))
        assert cache.get(key) in (b"value", None)


def test_two_writers_at_once_spoil_nothing(tmp_path: Path) -> None:
    caches = [SharedCache(tmp_path, sets=1) for _ in range(4)]
    keys = [caches[0].key(b"%d" % number) for number in range(WAYS)]

    def work(cache: SharedCache) -> bool:
        for number in range(2000):
            key = keys[number % WAYS]
            cache.put(key, key * (number % 50), HOUR)
            found = cache.get(key)
            if found is not None and found.replace(key, b""):
                return False
        return True

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(work, caches)) == [True] * 4


def test_a_file_of_another_version_is_replaced(tmp_path: Path) -> None:
    for content in (b"", b"x" * HEAD, b"EDGECAC1" + bytes(HEAD)):
        (tmp_path / NAME).write_bytes(content)
        cache = SharedCache(tmp_path, sets=1)
        cache.put(cache.key(b"a"), b"value", HOUR)
        assert SharedCache(tmp_path, sets=1).get(cache.key(b"a")) == b"value"


def test_without_a_place_for_it_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CacheError, match="--shm-dir"):
        SharedCache(tmp_path / "missing")
