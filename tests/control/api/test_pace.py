"""The rate of writes to the API server."""

from __future__ import annotations

from edge.control.api import pace as module
from edge.control.api.errors import RefusedError, UnreachableError
from edge.control.api.pace import Bars, Pace


class Clock:
    """Time that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_and_then_the_rate() -> None:
    """As many writes as the burst at once, and then one whenever the rate has one."""
    clock = Clock()
    pace = Pace(10.0, 3.0, clock=clock)
    for _ in range(3):
        assert pace.delay() == 0
        pace.take()
    assert round(pace.delay(), 6) == 0.1
    clock.now += 0.1
    assert round(pace.delay(), 6) == 0
    clock.now += 3600
    for _ in range(3):
        assert pace.delay() == 0
        pace.take()
    assert pace.delay() > 0


def test_a_server_that_is_unwell_is_left_alone() -> None:
    """After a failure nothing is written for a while; Retry-After makes it longer."""
    clock = Clock()
    pace = Pace(10.0, 3.0, clock=clock)
    pace.failed(RefusedError(429, "TooManyRequests", "", retry_after=7.0))
    assert pace.delay() >= 7
    clock.now += 60
    assert pace.delay() == 0
    pace.worked()
    assert pace.failed(UnreachableError("gone")) <= 1


def test_a_namespace_that_forbids_is_left_alone() -> None:
    """It is news once, others are not barred, and what lets us write is barred no longer."""
    clock = Clock()
    bars = Bars(clock=clock)
    assert bars.put("closed")
    assert bars.end("closed") == clock.now + module.FORBIDDEN
    assert not bars.end("open")
    clock.now += module.FORBIDDEN
    assert not bars.end("closed")
    assert not bars.put("closed")
    bars.lift("closed")
    assert not bars.end("closed")
    assert bars.put("closed")


def test_many_namespaces_that_forbid_are_asked_less_often() -> None:
    """Not more than about one try a second, however many they are."""
    clock = Clock()
    bars = Bars(clock=clock)
    for number in range(1000):
        bars.put(f"closed-{number}")
    assert bars.end("closed-999") >= clock.now + 999
