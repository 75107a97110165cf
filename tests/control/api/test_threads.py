"""Threads survive unexpected errors."""

from __future__ import annotations

import pytest

from edge.control.api import threads


def test_persistence(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """A step that fails is logged and done again, until one says that it was the last."""
    monkeypatch.setattr(threads, "REST", 0.0)
    results: list[bool | Exception] = [False, True, ZeroDivisionError(), True]

    def step() -> bool:
        result = results.pop()
        if isinstance(result, Exception):
            raise result
        return result

    threads.persist(step)
    assert not results
    assert caplog.text.count("internal error") == 1
