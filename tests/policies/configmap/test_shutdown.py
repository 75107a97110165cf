"""worker-shutdown-timeout: how long a worker that is told to end lets its requests go on."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

import pytest

from tests.support.backends import Backend
from tests.support.clients import BrokenError, Response
from tests.support.configured import Configured
from tests.support.stage import Stage
from tests.support.waiting import eventually


class Held:
    """A request for /hold, and its answer, if there is one."""

    def __init__(self, configured: Configured, host: str, backend: Backend) -> None:
        self.response: Response | None = None
        self._thread = threading.Thread(target=self._ask, args=(configured, host), daemon=True)
        self._thread.start()
        eventually(lambda: backend.held)

    def _ask(self, configured: Configured, host: str) -> None:
        with contextlib.suppress(OSError, BrokenError):
            self.response = configured.get(host, "/hold")

    def answer(self) -> Response | None:
        """The answer; None: the connection has ended without one."""
        self._thread.join(60)
        assert not self._thread.is_alive()
        return self.response


@pytest.fixture
def backend() -> Iterator[Backend]:
    with Backend() as one:
        yield one


def test_a_shorter_one_than_the_flag_ends_requests_sooner(backend: Backend) -> None:
    with Stage("--shutdown-grace=600") as stage:
        configured = Configured(stage)
        configured.configure(worker_shutdown_timeout="1s")
        held = Held(configured, configured.serve(backend), backend)
        stage.edge.stop(timeout=60)
        assert held.answer() is None


def test_a_longer_one_than_the_flag_lets_requests_end(backend: Backend) -> None:
    with Stage("--shutdown-grace=0.5") as stage:
        configured = Configured(stage)
        configured.configure(worker_shutdown_timeout="5m")
        held = Held(configured, configured.serve(backend), backend)
        stage.edge.signal(15)
        time.sleep(3)  # longer than the flag says, and than the arbiter waits behind that
        backend.release.set()
        answer = held.answer()
        assert answer is not None
        assert answer.status == 200
        assert stage.edge.wait() == 0
