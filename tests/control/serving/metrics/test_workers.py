"""Metrics of the worker processes."""

import time

import pytest

from edge.control.serving.metrics import workers
from edge.table.counters import WorkerCounters, WorkerWord


def test_every_counter_of_traffic_is_a_sum_over_workers_living_and_dead(world):
    for number, worker in enumerate(world.workers, 1):
        for which in workers.SUMS.values():
            worker.add(which, 10 * number + which)
    world.workers[1].close()
    scrape = world.scrape()
    for definition, which in workers.SUMS.items():
        assert scrape[definition.name, frozenset()] == 30 + 2 * which, definition.name


def test_gauges_are_of_living_workers(world):
    for worker in world.workers:
        worker.set(WorkerWord.CONNECTIONS_ACTIVE, 5)
        worker.set(WorkerWord.UPSTREAM_IDLE, 3)
        worker.set(WorkerWord.TEMPORARY_BYTES, 7)
        worker.set(WorkerWord.CONNECTIONS_WRITING, 2)
        worker.set(WorkerWord.CONNECTIONS_UPGRADED, 1)
    world.workers[1].close()
    assert world.value("edge_connections_active") == 5
    assert world.value("edge_upstream_idle_connections") == 3
    assert world.value("edge_temporary_bytes") == 7
    assert world.value("edge_connections", state="writing") == 2
    assert world.value("edge_connections", state="upgraded") == 1
    assert {dict(own)["state"] for name, own in world.scrape() if name == "edge_connections"} == {
        "reading",
        "writing",
        "waiting",
        "upgraded",
    }


def test_a_worker_tells_what_it_uses(world):
    world.workers[1].set(WorkerWord.CONNECTIONS_ACTIVE, 4)
    assert world.value("edge_workers") == 2
    assert world.value("edge_worker_connections", worker="1") == 4
    assert world.value("edge_worker_cpu_seconds_total", worker="0") > 0
    assert world.value("edge_worker_resident_memory_bytes", worker="0") > 1_000_000
    assert world.value("edge_worker_virtual_memory_bytes", worker="0") > 1_000_000
    assert world.value("edge_worker_start_time_seconds", worker="0") == pytest.approx(time.time(), abs=60)
    assert world.value("edge_worker_heartbeat_age_seconds", worker="0") < 60


def test_a_worker_that_stays_behind_the_table_is_seen(world):
    world.workers[0].set(WorkerWord.GENERATION, 7)
    world.workers[1].set(WorkerWord.GENERATION, 4)
    assert world.value("edge_worker_table_generation", worker="1") == 4
    assert [world.value("edge_worker_table_lag", worker=slot) for slot in "01"] == [0, 3]


def test_restarts_are_counted_by_slot(world):
    assert world.value("edge_worker_restarts_total", worker="0") == 0
    for _ in range(2):
        world.workers[0].close()
        world.workers[0] = WorkerCounters(world.directory)
    assert world.value("edge_worker_restarts_total", worker="0") == 2
    assert world.value("edge_worker_restarts_total", worker="1") == 0


def test_a_worker_that_has_ended_is_told_no_more_but_for_its_restarts(world):
    world.workers[1].close()
    assert world.value("edge_workers") == 1
    own = {name for name, labels in world.scrape() if dict(labels).get("worker") == "1"}
    assert own == {"edge_worker_restarts_total"}
