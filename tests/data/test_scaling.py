"""`--workers auto` follows the CPU limit of the control group while Edge runs, and drops no request."""

import signal
import threading

import pytest

from tests.support import cgroups
from tests.support.clients import Client
from tests.support.edge import Edge
from tests.support.waiting import eventually


@pytest.fixture
def limit(request, tmp_path):
    """A group of version 2, or of version 1 where the test asks for it."""
    version = getattr(request, "param", 2)
    with cgroups.version_2(tmp_path) if version == 2 else cgroups.version_1() as found:
        if found is None:
            pytest.skip(f"no control group of version {version} can be had here")
        yield found


class Requester(threading.Thread):
    """One client that asks again and again on one connection, opened again when Edge says that it closes it."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port = port
        self.answers = 0
        self.error = None
        self.ending = threading.Event()

    def run(self):
        try:
            while not self.ending.is_set():
                self._connection()
        except Exception as error:  # noqa: BLE001 - told by the test
            self.error = error

    def _connection(self):
        with Client(self.port) as client:
            while not self.ending.is_set():
                response = client.request("/")
                assert response.status in (404, 503)
                self.answers += 1
                if (response.get("connection") or "").lower() == "close":
                    return

    def stop(self):
        self.ending.set()
        self.join(40)
        assert self.error is None, self.error
        assert self.answers


def workers_become(edge, count):
    eventually(lambda: len(edge.workers()) == count, timeout=40, message=f"{count} workers: {edge.log}")


@pytest.mark.parametrize("limit", [2, 1], indirect=True, ids=["version 2", "version 1"])
def test_workers_come_and_go_with_the_limit_and_no_request_is_dropped(limit):
    limit.set(1)
    with Edge(command="proxy", workers="auto", prefix=limit.prefix) as edge:
        workers_become(edge, 1)
        requesters = [Requester(edge.http) for _ in range(2)]
        for requester in requesters:
            requester.start()
        limit.set(3)
        workers_become(edge, 3)
        limit.set(1)
        workers_become(edge, 1)
        for requester in requesters:
            requester.stop()


def test_a_fraction_counts_as_a_whole_processor(limit):
    limit.set(0.25)
    with Edge(command="proxy", workers="auto", prefix=limit.prefix) as edge:
        workers_become(edge, 1)
        limit.set(1.5)
        workers_become(edge, 2)


def test_workers_added_by_hand_stay_when_the_limit_moves(limit):
    limit.set(1)
    with Edge(command="proxy", workers="auto", prefix=limit.prefix) as edge:
        workers_become(edge, 1)
        edge.signal(signal.SIGTTIN)
        workers_become(edge, 2)
        limit.set(2)
        workers_become(edge, 3)


def test_an_explicit_number_is_left_alone(limit):
    limit.set(1)
    with (
        Edge(command="proxy", workers=2, prefix=limit.prefix) as edge,
        Edge(command="proxy", workers="auto", prefix=limit.prefix) as beside,
    ):
        workers_become(beside, 1)
        limit.set(3)
        workers_become(beside, 3)  # it began after EDGE, which has looked, too, if it looks
        assert len(edge.workers()) == 2
