"""Readiness and liveness."""

import signal
import subprocess
import sys
import time

import pytest

from edge.control.publishing.state import State
from edge.control.serving import health
from edge.control.serving.health import Health
from edge.settings import Settings
from edge.system import draining
from edge.table.counters import CountersReader, WorkerCounters, WorkerWord
from tests.support.waiting import eventually


class World:
    """A control plane with a table, and a worker that has taken it up."""

    def __init__(self, directory):
        self.directory = directory
        self.waiting = ()
        self.stuck = ""
        self.state = State(lambda: self.waiting)
        self.state.generation, self.state.own_table = 3, True
        self.reader = CountersReader(directory)
        settings = Settings(shm_dir=str(directory), worker_timeout=30)
        self.health = Health(self.state, self.reader, settings, directory, stuck=lambda: self.stuck)
        self.worker = WorkerCounters(directory)
        self.worker.set(WorkerWord.GENERATION, 3)

    def silence(self, seconds):
        """The worker sends no heartbeat for SECONDS."""
        self.worker.set(WorkerWord.HEARTBEAT, time.monotonic_ns() - int(seconds * 1e9))


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.worker.close()
    world.reader.close()


# --- readiness ----------------------------------------------------------------------------------------------------


def test_an_instance_whose_worker_has_a_table_is_ready(world):
    assert str(world.health.ready()) == "ok\n"


def test_without_a_table_it_is_not_ready_and_says_which_kinds_are_missing(world):
    world.state.generation, world.state.own_table = 0, False
    world.waiting = ("Service", "Secret: secrets is forbidden: list")
    verdict = world.health.ready()
    assert not verdict.well
    assert verdict.lines == (
        "no table has been published yet",
        "waiting for Service",
        "waiting for Secret: secrets is forbidden: list",
    )


def test_a_table_that_cannot_be_published_is_told(world):
    world.state.generation = 0
    world.state.failure = "no space left"
    assert world.health.ready().lines[0] == "no table has been published yet: no space left"


def test_a_table_published_before_all_kinds_were_read_is_not_enough(world):
    world.waiting = ("EndpointSlice",)
    verdict = world.health.ready()
    assert not verdict.well
    assert verdict.lines == ("waiting for EndpointSlice",)


def test_the_table_of_an_earlier_control_plane_is_enough_while_this_one_is_waiting(world):
    world.state.own_table = False
    world.waiting = ("Ingress: connection refused",)
    verdict = world.health.ready()
    assert verdict.well
    assert str(verdict) == "ok\nwaiting for Ingress: connection refused\n"


def test_a_later_table_that_cannot_be_published_leaves_it_ready(world):
    world.state.failure = "no space left"
    verdict = world.health.ready()
    assert verdict.well
    assert "no space left" in verdict.lines[0]


def test_a_worker_must_have_taken_up_a_table(world):
    world.worker.set(WorkerWord.GENERATION, 0)
    assert world.health.ready().lines == ("no worker has taken up a table",)
    world.worker.set(WorkerWord.GENERATION, 1)
    assert world.health.ready().well


def test_every_worker_that_began_before_the_table_must_have_taken_it_up(world):
    second = WorkerCounters(world.directory)
    assert world.health.ready().well
    world.state.published = time.time() + 1
    assert world.health.ready().lines == ("worker 1 has not taken up a table yet",)
    second.set(WorkerWord.GENERATION, 3)
    assert world.health.ready().well
    second.close()


@pytest.mark.parametrize("how", ["ended", "stuck"])
def test_a_worker_must_live(world, how):
    if how == "ended":
        world.worker.close()
    else:
        world.silence(31)
    assert world.health.ready().lines == ("no worker lives",)


def test_a_proxy_that_drains_is_not_ready(world):
    draining.begin(world.directory)
    verdict = world.health.ready()
    assert not verdict.well
    assert verdict.lines == ("draining: the proxy is about to end",)


# --- liveness -----------------------------------------------------------------------------------------------------


def test_neither_missing_kinds_nor_a_table_that_cannot_be_published_ask_for_a_restart(world):
    world.state.generation = 0
    world.state.failure = "no space left"
    world.waiting = ("Ingress: connection refused",)
    assert str(world.health.live()) == "ok\n"


def test_a_proxy_that_has_not_started_yet_asks_for_no_restart(tmp_path):
    reader = CountersReader(tmp_path)
    assert Health(State(), reader, Settings(), tmp_path).live().well
    reader.close()


def test_a_worker_that_is_busy_for_a_while_asks_for_no_restart(world):
    world.silence(30 + health.LATE - 1)
    assert world.health.live().well


def test_a_stuck_worker_that_nobody_replaces_asks_for_one(world):
    world.silence(30 + health.LATE + 1)
    verdict = world.health.live()
    assert not verdict.well
    assert verdict.lines == ("worker 0 has sent no heartbeat for 41 s",)


def test_workers_that_ended_and_were_not_replaced_ask_for_one(world):
    world.worker.close()
    assert world.health.live().well
    world.worker = WorkerCounters(world.directory)
    world.silence(30 + health.LATE + 1)
    heartbeat = world.worker.get(WorkerWord.HEARTBEAT)
    world.worker.close()
    _write_heartbeat(world.directory, heartbeat)
    assert world.health.live().lines == ("no worker has lived for 41 s",)
    draining.begin(world.directory)
    assert world.health.live().well


def _write_heartbeat(directory, heartbeat):
    """What a worker that was killed has left behind."""
    with (directory / "worker.0").open("r+b") as file:
        file.seek(16 + 8 * WorkerWord.HEARTBEAT)
        file.write(heartbeat.to_bytes(8, "little"))


def test_a_control_plane_that_is_stuck_asks_for_one(world):
    world.stuck = "the compiler has sent no heartbeat for 99 s"
    assert world.health.live().lines == ("the compiler has sent no heartbeat for 99 s",)


def test_a_stopped_process_is_seen_and_so_is_its_return(tmp_path, monkeypatch):
    monkeypatch.setattr(health, "LATE", 0.3)
    script = "import sys, time; from pathlib import Path; from edge.table.counters import WorkerCounters\n"
    script += "counters = WorkerCounters(Path(sys.argv[1]))\nwhile True: counters.beat(); time.sleep(0.02)"
    process = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)])
    reader = CountersReader(tmp_path)
    judge = Health(State(), reader, Settings(worker_timeout=0), tmp_path)
    try:
        eventually(reader.workers)
        assert eventually(lambda: judge.live().well)
        process.send_signal(signal.SIGSTOP)
        eventually(lambda: not judge.live().well)
        process.send_signal(signal.SIGCONT)
        eventually(lambda: judge.live().well)
    finally:
        process.kill()
        process.wait()
        reader.close()
