"""Waits between tries."""

from __future__ import annotations

from edge.control.api.backoff import Backoff


def test_bounds_double_up_to_the_cap() -> None:
    """Each wait is anywhere between nothing and a bound that doubles with each failure, up to the cap."""
    asked: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        asked.append((low, high))
        return high

    backoff = Backoff(base=1.0, cap=10.0, uniform=uniform)
    assert [backoff.next() for _ in range(6)] == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    assert {low for low, _ in asked} == {0.0}
    backoff.reset()
    assert backoff.next() == 1.0


def test_a_very_long_outage() -> None:
    """After any number of failures the wait is still a number within the cap."""
    backoff = Backoff(base=0.8, cap=15.0)
    assert all(0 <= backoff.next() <= 15 for _ in range(5000))
