"""Processes as the admin port shows them."""

import os
import time

import pytest

from edge.control.serving.view import samples
from edge.table.counters import WorkerWord
from tests.support.admin import Admin
from tests.support.waiting import eventually


@pytest.fixture
def admin(tmp_path, monkeypatch):
    monkeypatch.setattr(samples, "INTERVAL", 3600.0)  # the tests take them
    with Admin(tmp_path) as admin:
        eventually(lambda: admin.server.api.samples._latest is not None)
        yield admin


def test_a_worker_says_what_it_uses_and_does(admin):
    admin.worker.set(WorkerWord.CONNECTIONS_ACTIVE, 3)
    admin.worker.set(WorkerWord.CONNECTIONS_WAITING, 2)
    admin.worker.add(WorkerWord.REQUESTS, 500)
    admin.worker.beat()
    time.sleep(0.01)
    admin.server.api.samples.take()
    [found] = admin.get("/api/workers")["workers"]
    assert (found["worker"], found["pid"], found["alive"]) == (0, os.getpid(), True)
    assert (found["connections"]["active"], found["connections"]["waiting"]) == (3, 2)
    assert found["requests_total"] == 500
    assert found["rate"] > 0
    assert found["cpu"] >= 0
    assert found["resident_bytes"] > 0
    assert (found["restarts"], found["behind"], found["draining"]) == (0, 0, False)


def test_a_worker_that_has_ended_uses_nothing_and_its_counts_stay(admin):
    admin.worker.add(WorkerWord.REQUESTS, 500)
    admin.worker.close()
    [found] = admin.get("/api/workers")["workers"]
    assert (found["alive"], found["resident_bytes"], found["cpu"], found["rate"]) == (False, 0, None, None)
    assert found["requests_total"] == 500


def test_the_control_plane_is_shown_too(admin):
    found = admin.get("/api/workers")["control"]
    assert found["pid"] == os.getpid()
    assert found["cpu_seconds_total"] > 0
    assert found["resident_bytes"] > 0
