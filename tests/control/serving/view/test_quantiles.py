"""Latencies out of histograms: the same in Python, in the compiled leaf and by the rule of Prometheus."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.control.serving.view.quantiles import measured, quantile
from edge.table._counters import TIME_BUCKETS
from edge.table.counter_layout import RouteLabels, SeriesKey
from edge.table.counters import CountersReader, WorkerCounters

COUNTS = st.lists(st.integers(0, 50), min_size=len(TIME_BUCKETS) + 1, max_size=len(TIME_BUCKETS) + 1)
SECONDS = (0.003, 0.008, 0.02, 0.04, 0.08, 0.2, 0.4, 0.8, 2.0, 4.0, 8.0, 20.0)
"""A time of each bucket."""


def labels(name):
    return RouteLabels(kind="Ingress", namespace="d", ingress=name, service="s", host="h", path="/", canary="")


@pytest.mark.parametrize(
    ("share", "counts", "expected"),
    [
        (0.5, [0] * 12, None),
        (0.5, [10] + [0] * 11, 0.0025),
        (0.99, [0, 100] + [0] * 10, 0.00995),
        (0.5, [1, 0, 1] + [0] * 9, 0.005),
        (0.99, [0] * 11 + [7], 10.0),
    ],
)
def test_within_a_bucket_requests_are_spread_evenly(share, counts, expected):
    assert quantile(share, counts) == (pytest.approx(expected) if expected is not None else None)


@given(COUNTS)
def test_higher_shares_are_never_faster(counts):
    found = [quantile(share, counts) for share in (0.5, 0.95, 0.99)]
    assert found == sorted(found, key=lambda one: one or 0.0)


def test_shares_of_errors_stay_below_one():
    found = measured([5] + [0] * 11, 9, 1.0)
    assert (found.rate, found.error_ratio) == (5.0, 1.0)
    assert measured([0] * 12, 0, 2.0) == (0.0, None, None, None, None)


@given(first=COUNTS, second=COUNTS)
def test_the_leaf_finds_what_happened_between_two_readings(tmp_path_factory, first, second):
    worker = WorkerCounters(tmp_path_factory.mktemp("table"))
    reader = CountersReader(worker.directory)
    series = worker.series(labels("a"), b"GET", 200)
    for counts in (first, [0] * 12):
        for number, seconds in zip(counts, SECONDS, strict=True):
            for _ in range(number):
                series.record(seconds, seconds, 1, 1)
    before = reader.series()
    for number, seconds in zip(second, SECONDS, strict=True):
        for _ in range(number):
            series.record(seconds, seconds, 1, 1)
    now = reader.series()
    known = len(before.keys)
    found = now.totals.since(before.totals, known, 0.99)
    expected = quantile(0.99, second)
    assert found == ([(0, sum(second), pytest.approx(expected, abs=1e-6))] if expected is not None else [])
    reader.close()
    worker.close()


def test_the_leaf_counts_a_series_that_is_new_as_a_whole(tmp_path):
    worker = WorkerCounters(tmp_path)
    reader = CountersReader(tmp_path)
    worker.series(labels("a"), b"GET", 200).record(0.003, 0.003, 1, 1)
    before = reader.series()
    worker.series(labels("b"), b"GET", 503).record(0.003, 0.003, 1, 1)
    now = reader.series()
    assert now.keys[1] == SeriesKey(labels("b"), "GET", 503)
    assert [one[:2] for one in now.totals.since(before.totals, len(before.keys), 0.99)] == [(1, 1)]
    with pytest.raises(IndexError):
        now.totals.since(before.totals, 5, 0.99)
    reader.close()
    worker.close()


@pytest.mark.parametrize(
    ("status", "group"), [(101, 1), (127, 1), (128, 1), (200, 2), (255, 2), (256, 2), (404, 4), (599, 5)]
)
@pytest.mark.parametrize("method", [b"GET", b"CONNECT", b"BREW"])
def test_durations_are_told_by_the_class_of_the_status(tmp_path, status, group, method):
    worker = WorkerCounters(tmp_path)
    reader = CountersReader(tmp_path)
    worker.series(labels("a"), method, status).record(0.008, -1, 1, 1)
    worker.sessions(labels("a"), "tcp", status).record(0.008, -1, 1, 1)
    found = reader.durations()
    assert [sum(one) for one in found] == [int(number == group) for number in range(6)]
    assert found[group][1] == 1
    reader.close()
    worker.close()
