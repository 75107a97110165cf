"""Limits that hold for all workers of a pod together."""

from __future__ import annotations

import mmap
import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.table._limits import COUNT_SET, MOST_EXCESS, RATE_SET, SHARES, WAYS, Counts, Rates, key
from edge.table.limits import HEAD, Limits, LimitsError

SPAWN = multiprocessing.get_context("spawn")
CLIENT = "192.0.2.1"
NOW = 1_000_000


@pytest.fixture
def rates() -> Rates:
    return Rates(mmap.mmap(-1, RATE_SET), 0, 1)


@pytest.fixture
def counts() -> Counts:
    return Counts(mmap.mmap(-1, COUNT_SET), 0, 1, 0)


# --- requests per time ------------------------------------------------------------------------------------------------


def test_a_burst_passes_at_once_and_then_the_rate(rates: Rates) -> None:
    """One request per second with a burst of 5: six at once, then one a second."""
    assert [rates.take(7, 1000, 5000, NOW) for _ in range(8)] == [0, 1000, 2000, 3000, 4000, 5000, -1, -1]
    assert rates.take(7, 1000, 5000, NOW + 999) == -1
    assert rates.take(7, 1000, 5000, NOW + 1000) == 5000
    assert rates.take(7, 1000, 5000, NOW + 1000) == -1
    assert rates.take(7, 1000, 5000, NOW + 60_000) == 0


def test_keys_are_apart(rates: Rates) -> None:
    """What one has used up, another still has."""
    assert rates.take(7, 1000, 0, NOW) == 0
    assert rates.take(7, 1000, 0, NOW) == -1
    assert rates.take(9, 1000, 0, NOW) == 0


def test_a_clock_that_is_behind(rates: Rates) -> None:
    """Of a worker that read it before another one: no time has passed, and none is given twice."""
    assert rates.take(7, 1000, 1000, NOW) == 0
    assert rates.take(7, 1000, 1000, NOW - 500) == 1000
    assert rates.take(7, 1000, 1000, NOW + 500) == -1
    assert rates.take(7, 1000, 1000, NOW + 1000) == 1000


def test_a_clock_that_wraps_round(rates: Rates) -> None:
    """After two years."""
    wrap = 1 << 36
    assert rates.take(7, 1000, 0, wrap - 500) == 0
    assert rates.take(7, 1000, 0, wrap + 499) == -1
    assert rates.take(7, 1000, 0, wrap + 500) == 0


def test_the_largest_burst(rates: Rates) -> None:
    """Is bounded by the room for the excess, and never runs over."""
    taken = 0
    while rates.take(7, 0, 1 << 40, NOW) >= 0:
        taken += 1
        assert taken <= MOST_EXCESS // 1000 + 1
    assert taken == MOST_EXCESS // 1000 + 1


@given(st.integers(1, 50_000), st.integers(0, 20), st.lists(st.integers(0, 3000), max_size=60))
def test_as_nginx_computes_it(rate: int, burst: int, waits: list[int]) -> None:
    """The formula of its documentation, in whole thousandths."""
    rates, excess, last, now = Rates(mmap.mmap(-1, RATE_SET), 0, 1), None, 0, NOW
    for wait in waits:
        now += wait
        wanted = 0 if excess is None else max(0, excess - rate * (now - last) // 1000 + 1000)
        passes = wanted <= 1000 * burst
        assert rates.take(7, rate, 1000 * burst, now) == (wanted if passes else -1)
        if passes:
            excess, last = wanted, now


def test_the_key_that_was_quiet_for_longest_is_forgotten(rates: Rates) -> None:
    """When there is no room for a new one; the others go on."""
    for number in range(WAYS):
        assert rates.take(2 * number + 1, 1, 0, NOW + number) == 0
    assert rates.take(101, 1, 0, NOW + 100) == 0  # takes the place of 1
    for number in range(1, WAYS):
        assert rates.take(2 * number + 1, 1, 0, NOW + 100) == -1
    assert rates.take(101, 1, 0, NOW + 100) == -1
    assert rates.take(1, 1, 0, NOW + 100) == 0


def many_takes(directory: Path, _slot: int, results: Connection) -> None:
    """Send how many of 1000 requests passed."""
    rates = Rates(mapped(directory), HEAD, 1)
    results.send("ready")
    results.recv()
    results.send(sum(rates.take(7, 0, 500_000, NOW) >= 0 for _ in range(1000)))


def test_several_processes_take_no_more_than_one(tmp_path: Path) -> None:
    """All of them together: not a request is counted twice or lost."""
    Limits(tmp_path, 0, rate_sets=1, count_sets=1)
    passed = together(many_takes, tmp_path, 3)
    assert sum(passed) == 501


# --- requests at once -------------------------------------------------------------------------------------------------


def test_as_many_as_the_limit(counts: Counts) -> None:
    """The next has to wait until one has ended."""
    places = [counts.enter(7, 3) for _ in range(3)]
    assert min(places) >= 0
    assert counts.enter(7, 3) == -1
    assert counts.enter(9, 3) >= 0
    assert counts.count(7) == 3
    counts.leave(places[0])
    assert counts.enter(7, 3) >= 0
    assert counts.enter(7, 3) == -1


def test_places_are_used_again(counts: Counts) -> None:
    """By other keys, when nothing of a key is under way; until then there is no room."""
    places = [counts.enter(2 * number + 1, 1) for number in range(WAYS)]
    assert min(places) >= 0
    assert counts.enter(101, 1) == -2
    counts.leave(places[3])
    assert counts.enter(101, 1) == places[3]
    assert counts.count(7) == 0
    assert counts.count(101) == 1
    assert counts.enter(7, 1) == -2


@pytest.mark.parametrize("place", [-1, 1, 16 * WAYS, 1 << 40])
def test_no_such_place(counts: Counts, place: int) -> None:
    """A wrong number changes nothing."""
    with pytest.raises(IndexError):
        counts.leave(place)


def test_workers_count_together() -> None:
    """And a worker that takes the slot of a dead one clears what that one left, and nothing else."""
    memory = mmap.mmap(-1, COUNT_SET)
    one, two = Counts(memory, 0, 1, 0), Counts(memory, 0, 1, SHARES - 1)
    assert one.enter(7, 3) >= 0
    assert one.enter(7, 3) >= 0
    assert two.enter(7, 3) >= 0
    assert two.enter(7, 3) == -1
    Counts(memory, 0, 1, 0).clear()
    assert two.count(7) == 1
    assert two.enter(7, 3) >= 0


def many_entries(directory: Path, slot: int, results: Connection) -> None:
    """Enter and leave, with a flag up in between; send how many flags were up at once."""
    limit = Limits(directory, slot).connections("ns/name", limit=2)
    with (directory / "flags").open("r+b") as file:
        flags = mmap.mmap(file.fileno(), 8)
    results.send("ready")
    results.recv()
    highest, entered = 0, 0
    while entered < 5000:
        place = limit.enter(CLIENT)
        if place < 0:
            os.sched_yield()  # the others may have been stopped while they are within
        else:
            entered += 1
            flags[slot] = 1
            highest = max(highest, sum(flags[:8]))
            flags[slot] = 0
            limit.leave(place)
    results.send(highest)


def test_several_processes_stay_within_the_limit(tmp_path: Path) -> None:
    """At each instant; and nothing remains when all have left."""
    (tmp_path / "flags").write_bytes(bytes(8))
    Limits(tmp_path, 0)
    assert max(together(many_entries, tmp_path, 3)) <= 2
    limit = Limits(tmp_path, 9).connections("ns/name", limit=2)
    assert [limit.enter(CLIENT) >= 0 for _ in range(3)] == [True, True, False]


def enter_and_hang(directory: Path, slot: int, results: Connection) -> None:
    limit = Limits(directory, slot).connections("ns/name", limit=5)
    results.send([limit.enter(CLIENT) >= 0 for _ in range(6)])
    signal.pause()


def test_a_killed_worker_leaves_nothing(tmp_path: Path) -> None:
    """The one that takes its slot clears what it had under way."""
    receiver, sender = SPAWN.Pipe()
    process = SPAWN.Process(target=enter_and_hang, args=(tmp_path, 1, sender))
    process.start()
    assert receiver.poll(30)
    assert receiver.recv() == [True, True, True, True, True, False]
    other = Limits(tmp_path, 2).connections("ns/name", limit=5)
    assert other.enter(CLIENT) == -1
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join(10)
    assert other.enter(CLIENT) == -1
    Limits(tmp_path, 1)
    assert other.enter(CLIENT) >= 0


# --- the file ---------------------------------------------------------------------------------------------------------


def test_limits_of_other_names_are_apart(tmp_path: Path) -> None:
    """As those of other clients are."""
    limits = Limits(tmp_path, 0)
    rate = limits.rate("ns/a/rps", rate=1, burst=1)
    assert [rate.allows(CLIENT) for _ in range(3)] == [True, True, False]
    assert rate.allows("192.0.2.2")
    assert limits.rate("ns/b/rps", rate=1, burst=1).allows(CLIENT)
    assert not limits.rate("ns/a/rps", rate=1, burst=1).allows(CLIENT)


def test_limits_outlive_a_worker(tmp_path: Path) -> None:
    """One that is started again does not give each client a new burst."""
    assert Limits(tmp_path, 0).rate("ns/a", rate=1, burst=0).allows(CLIENT)
    assert not Limits(tmp_path, 0).rate("ns/a", rate=1, burst=0).allows(CLIENT)


def test_requests_without_room_are_let_in(tmp_path: Path) -> None:
    """And may leave, which changes nothing."""
    limit = Limits(tmp_path, 0, rate_sets=1, count_sets=1).connections("ns/a", limit=1)
    places = [limit.enter(str(number)) for number in range(WAYS)]
    place = limit.enter("one more")
    assert place not in (-1, *places)
    limit.leave(place)
    assert limit.enter("0") == -1


@pytest.mark.parametrize(
    "content", [b"", b"EDGELIM1", b"EDGELIM0".ljust(HEAD, b"\0"), b"EDGELIM1".ljust(HEAD, b"\xff")]
)
def test_a_file_of_another_version_is_replaced(tmp_path: Path, content: bytes) -> None:
    """Or one that was not finished."""
    (tmp_path / "limits").write_bytes(content)
    assert Limits(tmp_path, 0).rate("ns/a", rate=1, burst=0).allows(CLIENT)
    assert not Limits(tmp_path, 1).rate("ns/a", rate=1, burst=0).allows(CLIENT)
    assert [path.name for path in tmp_path.iterdir()] == ["limits"]


def test_the_file_is_private(tmp_path: Path) -> None:
    """It holds the secret of the tags."""
    Limits(tmp_path, 0)
    assert (tmp_path / "limits").stat().st_mode & 0o077 == 0


def test_a_directory_that_cannot_be_used(tmp_path: Path) -> None:
    """Is named."""
    with pytest.raises(LimitsError, match=r"--shm-dir .*none"):
        Limits(tmp_path / "none", 0)
    with pytest.raises(LimitsError, match="60 workers at most"):
        Limits(tmp_path, SHARES)


def test_buffers_that_are_too_small() -> None:
    """Are refused rather than run over."""
    for sets in (0, 2, 3, 1 << 62):
        with pytest.raises(ValueError, match=r"buffer|place"):
            Rates(mmap.mmap(-1, RATE_SET), 0, sets)
        with pytest.raises(ValueError, match=r"buffer|place"):
            Counts(mmap.mmap(-1, COUNT_SET), 0, sets, 0)
    with pytest.raises(ValueError, match="place"):
        Rates(mmap.mmap(-1, RATE_SET), 4, 1)
    with pytest.raises(ValueError, match="share"):
        Counts(mmap.mmap(-1, COUNT_SET), 0, 1, SHARES)


def test_keys() -> None:
    """Depend on the limit, on each byte of the client, and on the secret; and never are 0 or a claim."""
    clients = ["\0" * length for length in range(20)] + [chr(1 << bit) * 16 for bit in range(8)]
    tags = {key(limit, client, secret) for limit in (1, 2) for client in clients for secret in (0, 1)}
    assert len(tags) == 4 * len(clients)
    assert all(tag & 1 and tag < 1 << 63 for tag in tags)


def test_keys_are_spread() -> None:
    """Neighbouring addresses do not meet in one set."""
    tags = [key(1, f"10.0.{number >> 8}.{number & 255}", 5) for number in range(8192)]
    sets: dict[int, int] = {}
    for tag in tags:
        sets[tag >> 1 & 1023] = sets.get(tag >> 1 & 1023, 0) + 1
    assert len(sets) > 1000
    assert max(sets.values()) < 40


# --- support ----------------------------------------------------------------------------------------------------------


def mapped(directory: Path) -> mmap.mmap:
    with (directory / "limits").open("r+b") as file:
        return mmap.mmap(file.fileno(), 0)


def together(work: Callable[[Path, int, Connection], None], directory: Path, number: int) -> list[Any]:
    """What NUMBER processes send that do WORK at once."""
    pipes, processes = [], []
    for slot in range(number):
        receiver, sender = SPAWN.Pipe()
        process = SPAWN.Process(target=work, args=(directory, slot, sender))
        process.start()
        pipes.append(receiver)
        processes.append(process)
    for pipe in pipes:
        assert pipe.poll(40)
        assert pipe.recv() == "ready"
    for pipe in pipes:
        pipe.send("go")
    results = []
    for pipe in pipes:
        assert pipe.poll(40)
        results.append(pipe.recv())
    for process in processes:
        process.join(10)
        assert process.exitcode == 0
    return results
