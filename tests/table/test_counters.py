"""Counting in shared memory: kept when a worker dies, read while it counts."""

import errno
import fcntl
import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge.table import counter_layout as layout
from edge.table._counters import SIZE_BUCKETS, TIME_BUCKETS, VALUES
from edge.table.counter_layout import OTHER, SeriesKey
from edge.table.counters import CountersError, CountersReader, RouteLabels, WorkerCounters, WorkerWord

TIMES = len(TIME_BUCKETS) + 2
SIZES = len(SIZE_BUCKETS) + 2


def labels(path="/", **changes):
    values = {"kind": "Ingress", "namespace": "shop", "ingress": "web", "service": "cart", "host": "a.example"}
    return RouteLabels(**(values | {"path": path, "canary": ""} | changes))


def requests(numbers):
    """Number of requests in the words of an entry."""
    return sum(numbers[: TIMES - 1])


@pytest.fixture
def worker(tmp_path):
    counters = WorkerCounters(tmp_path)
    yield counters
    counters.close()


@pytest.fixture
def reader(tmp_path):
    counters = CountersReader(tmp_path)
    yield counters
    counters.close()


def spawn(directory: Path, script: str) -> subprocess.Popen:
    """A worker of its own process, once it has said that it is ready."""
    head = "import sys\nfrom pathlib import Path\nfrom edge.table.counters import *\n"
    head += "counters = WorkerCounters(Path(sys.argv[1]))\n"
    head += "route = RouteLabels(kind='Ingress', namespace='shop', ingress='web', service='cart', host='a.example', "
    head += "path='/', canary='')\n"
    head += "series = counters.series(route, b'GET', 200)\n"
    process = subprocess.Popen([sys.executable, "-c", head + script, str(directory)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    return process


def kill(process: subprocess.Popen) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()


# --- process words ------------------------------------------------------------------------------------------------


def test_words_are_added_to_and_set(worker, reader):
    worker.add(WorkerWord.RETRIES, 3)
    worker.add(WorkerWord.RETRIES, 4)
    worker.add(WorkerWord.CONNECTIONS_ACTIVE, 2)
    worker.add(WorkerWord.CONNECTIONS_ACTIVE, -1)
    worker.set(WorkerWord.GENERATION, 17)
    (found,) = reader.workers()
    assert (found[WorkerWord.RETRIES], found[WorkerWord.CONNECTIONS_ACTIVE], found[WorkerWord.GENERATION]) == (7, 1, 17)


@pytest.mark.usefixtures("worker")
def test_a_worker_says_who_it_is_and_what_it_uses(reader):
    (found,) = reader.workers()
    assert found.alive
    assert found[WorkerWord.PID] == os.getpid()
    assert found[WorkerWord.STARTS] == 1
    assert found[WorkerWord.STARTED] <= time.time_ns()
    assert found[WorkerWord.RESIDENT_BYTES] > 1_000_000
    assert found[WorkerWord.VIRTUAL_BYTES] >= found[WorkerWord.RESIDENT_BYTES]
    assert found[WorkerWord.CPU_MICROSECONDS] > 0


def test_a_word_outside_is_refused(worker):
    with pytest.raises(IndexError):
        worker.add(len(WorkerWord), 1)
    with pytest.raises(IndexError):
        worker.set(-1, 1)


def test_a_gauge_below_zero_is_read_as_such(worker, reader):
    worker.add(WorkerWord.CONNECTIONS_UPGRADED, -1)
    assert reader.workers()[0][WorkerWord.CONNECTIONS_UPGRADED] == -1


# --- slots --------------------------------------------------------------------------------------------------------


def test_workers_take_the_lowest_free_slots(tmp_path, reader):
    first, second, third = (WorkerCounters(tmp_path) for _ in range(3))
    assert [first.slot, second.slot, third.slot] == [0, 1, 2]
    second.close()
    again = WorkerCounters(tmp_path)
    assert again.slot == 1
    for counters in (first, third, again):
        counters.close()
    assert [worker.alive for worker in reader.workers()] == [False, False, False]


def test_the_next_owner_of_a_slot_goes_on_with_counters_and_begins_with_gauges(tmp_path, reader):
    first = WorkerCounters(tmp_path)
    first.add(WorkerWord.HANDSHAKES, 5)
    first.add(WorkerWord.CONNECTIONS_ACTIVE, 9)
    first.series(labels(), b"GET", 200).record(0.1, 0.1, 10, 10)
    first.close()
    cpu = reader.workers()[0][WorkerWord.CPU_MICROSECONDS]
    second = WorkerCounters(tmp_path)
    second.add(WorkerWord.HANDSHAKES, 1)
    second.series(labels(), b"GET", 200).record(0.1, 0.1, 10, 10)
    second.beat()
    (worker,) = reader.workers()
    assert worker[WorkerWord.HANDSHAKES] == 6
    assert worker[WorkerWord.CONNECTIONS_ACTIVE] == 0
    assert worker[WorkerWord.STARTS] == 2
    assert worker[WorkerWord.REQUESTS] == 2
    assert worker[WorkerWord.CPU_MICROSECONDS] > cpu
    assert requests(reader.series().values()[SeriesKey(labels(), "GET", 200)]) == 2
    second.close()


def test_a_closed_slot_is_written_no_more(tmp_path, reader):
    first = WorkerCounters(tmp_path)
    series = first.series(labels(), b"GET", 200)
    first.close()
    second = WorkerCounters(tmp_path)
    first.add(WorkerWord.RETRIES, 1)
    series.record(0.1, 0.1, 10, 10)
    first.series(labels("/new"), b"GET", 200).record(0.1, 0.1, 10, 10)
    assert second.get(WorkerWord.RETRIES) == 0
    assert reader.series().values() == {}
    second.close()
    first.close()


def test_a_killed_worker_is_seen_to_be_dead_at_once_and_its_counters_stay(tmp_path, reader):
    process = spawn(
        tmp_path, "counters.add(WorkerWord.RETRIES, 2)\nprint('ready', flush=True)\nimport time\ntime.sleep(60)"
    )
    assert reader.workers()[0].alive
    kill(process)
    (worker,) = reader.workers()
    assert not worker.alive
    assert worker[WorkerWord.RETRIES] == 2


def test_a_worker_without_heartbeat_is_alive_but_silent(worker, reader):
    worker.set(WorkerWord.HEARTBEAT, time.monotonic_ns() - 5_000_000_000)
    (found,) = reader.workers()
    assert found.alive
    assert found.silence >= 5
    worker.beat()
    assert reader.workers()[0].silence < 5


def test_a_reader_that_looks_does_not_keep_a_worker_from_its_slot(tmp_path, monkeypatch):
    WorkerCounters(tmp_path).close()
    reading = os.open(tmp_path / "worker.0", os.O_RDONLY)
    fcntl.flock(reading, fcntl.LOCK_SH)
    waits = itertools.count(1)
    # It has seen enough while we wait, though it gets no processor for a while.
    monkeypatch.setattr(time, "sleep", lambda _: os.close(reading) if next(waits) == 50 else None)
    counters = WorkerCounters(tmp_path)
    assert counters.slot == 0
    counters.close()


def test_a_slot_that_a_worker_holds_is_not_waited_for(tmp_path, monkeypatch):
    first = WorkerCounters(tmp_path)
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("it waits"))
    second = WorkerCounters(tmp_path)
    assert (first.slot, second.slot) == (0, 1)
    first.close()
    second.close()


def test_files_of_another_version_are_passed_over_and_replaced(tmp_path, reader):
    head = layout.FILE_HEAD.pack(layout.WORKER_MAGIC, layout.VERSION + 1, 0)
    (tmp_path / "worker.0").write_bytes(head.ljust(layout.WORKER_SIZE, b"\xff"))
    series = tmp_path / "series.0.0"
    series.write_bytes(layout.FILE_HEAD.pack(layout.SERIES_MAGIC, layout.VERSION + 1, 0).ljust(4096, b"\xff"))
    assert reader.workers() == []
    assert reader.series().values() == {}
    counters = WorkerCounters(tmp_path)
    assert counters.slot == 0
    counters.series(labels(), b"GET", 200).record(1, 1, 1, 1)
    assert reader.workers()[0][WorkerWord.REQUESTS] == 1
    assert not series.exists()
    counters.close()


def test_a_directory_that_cannot_be_written_is_an_error_that_names_it(tmp_path):
    with pytest.raises(CountersError, match=f"{tmp_path}/missing"):
        WorkerCounters(tmp_path / "missing")


# --- series -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(len(TIME_BUCKETS)))
def test_a_time_on_a_bound_falls_into_its_bucket_and_one_above_into_the_next(worker, reader, number):
    bound = TIME_BUCKETS[number]
    series = worker.series(labels(), b"GET", 200)
    series.record(bound, -1, 0, 0)
    series.record(bound * 1.0001, -1, 0, 0)
    numbers = reader.series().values()[SeriesKey(labels(), "GET", 200)]
    assert [at for at, count in enumerate(numbers[: TIMES - 1]) if count] == [number, number + 1]


@pytest.mark.parametrize("number", range(len(SIZE_BUCKETS)))
def test_a_size_on_a_bound_falls_into_its_bucket_and_one_above_into_the_next(worker, reader, number):
    bound = SIZE_BUCKETS[number]
    series = worker.series(labels(), b"GET", 200)
    series.record(0, -1, bound, bound + 1)
    numbers = reader.series().values()[SeriesKey(labels(), "GET", 200)]
    received, sent = numbers[2 * TIMES : 2 * TIMES + SIZES], numbers[2 * TIMES + SIZES :]
    assert (received.index(1), received[-1]) == (number, bound)
    assert (sent.index(1), sent[-1]) == (number + 1, bound + 1)


def test_buckets_are_those_that_dashboards_for_ingress_nginx_know():
    assert TIME_BUCKETS == (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
    assert tuple(10**power for power in range(1, 8)) == SIZE_BUCKETS
    assert VALUES == 2 * TIMES + 2 * SIZES


def test_times_are_summed_in_nanoseconds_and_no_endpoint_is_no_observation(worker, reader):
    series = worker.series(labels(), b"GET", 200)
    series.record(0.25, -1, 0, 0)
    series.record(0.5, 0.125, 0, 0)
    numbers = reader.series().values()[SeriesKey(labels(), "GET", 200)]
    assert numbers[TIMES - 1] == 750_000_000
    assert sum(numbers[TIMES : 2 * TIMES - 1]) == 1
    assert numbers[2 * TIMES - 1] == 125_000_000


def test_nonsense_is_counted_as_nothing(worker, reader):
    series = worker.series(labels(), b"GET", 200)
    series.record(-1, -1, -5, -5)
    series.record(float("nan"), -1, 0, 0)
    series.record(float("inf"), -1, 0, 0)
    numbers = reader.series().values()[SeriesKey(labels(), "GET", 200)]
    assert requests(numbers) == 3
    assert numbers[0] == 2
    assert numbers[2 * TIMES + SIZES - 1] == 0


def test_the_same_series_is_the_same_object_and_unknown_methods_are_one(worker, reader):
    assert worker.series(labels(), b"GET", 200) is worker.series(labels(), b"GET", 200)
    assert worker.series(labels(), b"BREW", 200) is worker.series(labels(), b"PROPFIND", 200)
    worker.series(labels(), b"BREW", 418).record(0, -1, 0, 0)
    assert list(reader.series().values()) == [SeriesKey(labels(), "OTHER", 418)]


def test_series_are_summed_over_slots_living_and_dead(tmp_path, reader):
    first, second = WorkerCounters(tmp_path), WorkerCounters(tmp_path)
    for counters in (first, second):
        counters.series(labels(), b"GET", 200).record(0.1, 0.1, 7, 11)
    second.close()
    numbers = reader.series().values()[SeriesKey(labels(), "GET", 200)]
    assert requests(numbers) == 2
    assert numbers[2 * TIMES + SIZES - 1] == 14
    assert numbers[-1] == 22
    first.close()


def test_more_series_than_a_file_holds_are_kept_and_adopted(tmp_path, reader):
    first = WorkerCounters(tmp_path)
    many = [labels(f"/{number}/" + "x" * (number % 300)) for number in range(1500)]
    for route in many:
        first.series(route, b"GET", 200).record(0.1, 0.1, 1, 1)
    assert len(list(tmp_path.glob("series.0.*"))) > 2
    first.close()
    second = WorkerCounters(tmp_path)
    for route in many:
        second.series(route, b"GET", 200).record(0.1, 0.1, 1, 1)
    values = reader.series().values()
    assert {key.labels for key in values} == set(many)
    assert {requests(numbers) for numbers in values.values()} == {2}
    assert second.get(WorkerWord.SERIES) == len(many)
    second.close()


# --- the end of a series ------------------------------------------------------------------------------------------


def test_series_of_routes_that_are_gone_are_freed_and_a_held_one_counts_nowhere(worker, reader):
    gone, kept = worker.series(labels("/gone"), b"GET", 200), worker.series(labels("/kept"), b"GET", 200)
    gone.record(0.1, 0.1, 1, 1)
    kept.record(0.1, 0.1, 1, 1)
    assert worker.reclaim(lambda route: route.path == "/kept") == 1
    gone.record(0.1, 0.1, 1, 1)
    assert not gone.counts
    assert [key.labels.path for key in reader.series().values()] == ["/kept"]
    assert worker.get(WorkerWord.REQUESTS) == 3
    assert worker.get(WorkerWord.SERIES) == 1


def test_a_freed_entry_is_used_again_from_zero_and_a_reader_takes_the_new_name(worker, reader):
    worker.series(labels("/old"), b"GET", 200).record(0.1, 0.1, 1, 1)
    assert [key.labels.path for key in reader.series().values()] == ["/old"]
    worker.reclaim(lambda _: False)
    worker.series(labels("/new"), b"GET", 200).record(9, 9, 1, 1)
    values = reader.series().values()
    assert list(values) == [SeriesKey(labels("/new"), "GET", 200)]
    assert requests(next(iter(values.values()))) == 1
    assert len(list(worker.directory.glob("series.*"))) == 1


def test_routes_that_come_and_go_fill_nothing(worker, reader):
    for number in range(5000):
        worker.series(labels(f"/{number:05}"), b"GET", 200).record(0.1, 0.1, 1, 1)
        if number % 100 == 0:
            worker.reclaim(lambda _: False)
            reader.series()
    worker.reclaim(lambda _: False)
    assert reader.series().values() == {}
    assert len(list(worker.directory.glob("series.*"))) == 1


def test_free_entries_are_found_again_by_the_next_owner(tmp_path):
    first = WorkerCounters(tmp_path)
    for number in range(100):
        first.series(labels(f"/{number:05}"), b"GET", 200)
    first.reclaim(lambda _: False)
    first.close()
    second = WorkerCounters(tmp_path)
    for number in range(100, 200):
        second.series(labels(f"/{number:05}"), b"GET", 200)
    assert len(list(tmp_path.glob("series.*"))) == 1
    second.close()


# --- bounds -------------------------------------------------------------------------------------------------------


def test_above_the_bound_routes_are_counted_together(tmp_path, reader):
    worker = WorkerCounters(tmp_path, bound=10)
    for number in range(50):
        worker.series(labels(f"/{number}"), b"GET", 200).record(0.1, 0.1, 1, 1)
    values = reader.series().values()
    assert len(values) == 11
    assert requests(values[SeriesKey(OTHER, "GET", 200)]) == 40
    assert worker.get(WorkerWord.SERIES_FOLDED) == 40
    worker.close()


def test_one_route_cannot_use_up_all_series(worker, reader):
    for status in range(100, 600):
        for method in layout.METHODS:
            worker.series(labels(), method, status).record(0.1, 0.1, 1, 1)
    values = reader.series().values()
    assert len(values) < 100
    assert sum(requests(numbers) for numbers in values.values()) == 500 * len(layout.METHODS)
    assert SeriesKey(labels(), "OTHER", 500) in values


def test_labels_that_are_too_long_are_counted_together(worker, reader):
    worker.series(labels("/" + "x" * layout.LONGEST_KEY), b"GET", 200).record(0.1, 0.1, 1, 1)
    assert list(reader.series().values()) == [SeriesKey(OTHER, "GET", 200)]


def test_without_room_in_memory_requests_are_counted_but_not_by_route(worker, reader, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    worker.series(labels(), b"GET", 200).record(0.1, 0.1, 1, 1)
    assert reader.series().values() == {}
    assert reader.workers()[0][WorkerWord.REQUESTS] == 1
    assert not list(worker.directory.glob("*.tmp"))
    monkeypatch.undo()
    worker.series(labels(), b"GET", 200).record(0.1, 0.1, 1, 1)
    assert list(reader.series().values()) == [SeriesKey(labels(), "GET", 200)]


# --- two processes at once ----------------------------------------------------------------------------------------

COUNT_FOR_EVER = "print('ready', flush=True)\nwhile True: series.record(0.25, 0.125, 100, 1000)"


def consistent(numbers) -> bool:
    """Whether all words of an entry tell of the same requests, each as `COUNT_FOR_EVER` makes them."""
    number = requests(numbers)
    received, sent = numbers[2 * TIMES : 2 * TIMES + SIZES], numbers[2 * TIMES + SIZES :]
    counts = {sum(numbers[TIMES : 2 * TIMES - 1]), sum(received[:-1]), sum(sent[:-1])}
    sums = (numbers[TIMES - 1], numbers[2 * TIMES - 1], received[-1], sent[-1])
    return counts == {number} and sums == (number * 250_000_000, number * 125_000_000, number * 100, number * 1000)


def test_a_reader_takes_no_torn_entry_and_none_that_goes_backwards(tmp_path, reader):
    process = spawn(tmp_path, COUNT_FOR_EVER)
    last, changes = 0, 0
    try:
        until = time.monotonic() + 30
        while changes < 100 and time.monotonic() < until:
            numbers = reader.series().values().get(SeriesKey(labels(), "GET", 200), (0,) * VALUES)
            assert consistent(numbers)
            assert requests(numbers) >= last
            changes += requests(numbers) > last
            last = requests(numbers)
    finally:
        kill(process)
    assert changes > 3  # a slow machine sees few between two readings, but not none


def test_a_worker_killed_while_it_counts_loses_nothing_and_the_next_goes_on(tmp_path, reader):
    last = 0
    for _ in range(5):
        process = spawn(tmp_path, COUNT_FOR_EVER)
        time.sleep(0.02)
        kill(process)
        now = requests(reader.series().values()[SeriesKey(labels(), "GET", 200)])
        assert now > last
        last = now
    (worker,) = reader.workers()
    assert worker[WorkerWord.STARTS] == 5
    assert worker[WorkerWord.REQUESTS] - last in range(6)  # one of each life may have been counted in one of the two


def test_an_entry_left_half_written_is_read_as_it_stands_and_goes_on(tmp_path):
    first = WorkerCounters(tmp_path)
    first.series(labels(), b"GET", 200).record(0.25, 0.125, 100, 1000)
    first.close()
    path = tmp_path / "series.0.0"
    raw = bytearray(path.read_bytes())
    sequence = int.from_bytes(raw[64:72], "little")
    raw[64:72] = (sequence + 1).to_bytes(8, "little")  # as if killed within `record`
    path.write_bytes(raw)
    reader = CountersReader(tmp_path)
    assert requests(reader.series().values()[SeriesKey(labels(), "GET", 200)]) == 1
    second = WorkerCounters(tmp_path)
    second.series(labels(), b"GET", 200).record(0.25, 0.125, 100, 1000)
    assert requests(reader.series().values()[SeriesKey(labels(), "GET", 200)]) == 2
    second.close()
    reader.close()


def test_an_entry_that_a_living_worker_writes_is_not_taken(worker, reader):
    worker.series(labels(), b"GET", 200).record(0.25, 0.125, 100, 1000)
    before = reader.series().values()
    path = worker.directory / "series.0.0"
    with path.open("r+b") as file:
        file.seek(64)
        sequence = int.from_bytes(file.read(8), "little")
        file.seek(64)
        file.write((sequence + 1).to_bytes(8, "little"))
        file.seek(64 + 32)
        file.write((999).to_bytes(8, "little"))
    assert reader.series().values() == before


def test_a_damaged_file_is_no_crash(tmp_path):
    counters = WorkerCounters(tmp_path)
    for number in range(20):
        counters.series(labels(f"/{number}"), b"GET", 200).record(0.1, 0.1, 1, 1)
    counters.close()
    path = tmp_path / "series.0.0"
    good = path.read_bytes()
    for offset, value in ((72, 1 << 63), (72, 65), (80, 1 << 40), (384 + 64, 0xFF), (72, 0)):
        raw = bytearray(good)
        raw[offset : offset + 8] = value.to_bytes(8, "little")
        path.write_bytes(raw)
        reader = CountersReader(tmp_path)
        assert len(reader.series().values()) <= 20
        reader.close()
        again = WorkerCounters(tmp_path)
        again.series(labels("/again"), b"GET", 200).record(0.1, 0.1, 1, 1)
        again.close()
