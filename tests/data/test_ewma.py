"""Balancing by what endpoints have answered of late."""

from __future__ import annotations

from math import exp

import pytest

from edge.data.upstream.ewma import DECAY, Scores

A, B, C = "10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"


def test_the_first_answer_is_the_score() -> None:
    """Before it, nothing is known."""
    scores = Scores()
    assert scores.score(A, 100) == 0
    scores.note(A, 0.2, 100)
    assert scores.score(A, 100) == pytest.approx(0.2)


def test_answers_count_by_the_time_since_the_last_one() -> None:
    """At once not at all, after the decay by all but 1/e."""
    scores = Scores()
    scores.note(A, 0.2, 100)
    scores.note(A, 9.0, 100)
    assert scores.score(A, 100) == pytest.approx(0.2)
    scores.note(A, 1.0, 100 + DECAY)
    assert scores.score(A, 100 + DECAY) == pytest.approx(0.2 / exp(1) + 1.0 * (1 - 1 / exp(1)))


def test_a_score_fades() -> None:
    """So that an endpoint that was slow is tried again."""
    scores = Scores()
    scores.note(A, 1.0, 100)
    assert scores.score(A, 100 + DECAY) == pytest.approx(1 / exp(1))
    assert scores.score(A, 100 + 20 * DECAY) < 1e-8


def test_a_clock_that_goes_back() -> None:
    """Is taken to stand still."""
    scores = Scores()
    scores.note(A, 1.0, 100)
    scores.note(A, 5.0, 90)
    assert scores.score(A, 90) == pytest.approx(1.0)


def test_new_endpoints_begin_with_the_mean() -> None:
    """And those that have gone are forgotten."""
    scores = Scores()
    scores.update([A, B], 100)
    assert scores.score(A, 100) == 0
    scores.note(A, 0.1, 100)
    scores.note(B, 0.3, 100)
    scores.update([B, A, C], 100)
    assert scores.score(C, 100) == pytest.approx(0.2)
    scores.update([B, C], 100)
    assert scores.score(A, 100) == 0
