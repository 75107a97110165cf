"""Problems in the log."""

from __future__ import annotations

import logging

import pytest

from edge.control.answers.problem_log import MOST, log_problems
from edge.control.kinds.objects import ObjectId
from edge.control.kinds.problems import Report, error, warning
from edge.control.publishing.state import Round

WEB = ObjectId("Ingress", "demo", "web")


def test_each_is_one_line_with_object_and_field(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    bad, odd = error("MissingService", "spec.x", "is missing"), warning("NoEndpoints", "", "has none")
    log_problems(Round(1, {}, (Report(WEB, "", bad), Report(WEB, "", odd)), ()))
    log_problems(Round(2, {}, (), (Report(WEB, "", bad),)))
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("ERROR", "Ingress demo/web: spec.x: is missing"),
        ("WARNING", "Ingress demo/web: has none"),
        ("INFO", "Ingress demo/web: resolved: spec.x: is missing"),
    ]
    assert caplog.records[0].fields["reason"] == "MissingService"  # type: ignore[attr-defined]


def test_a_flood_is_counted_and_not_written(caplog: pytest.LogCaptureFixture) -> None:
    problems = tuple(Report(WEB, "", error("X", f"spec.{number}", "is wrong")) for number in range(MOST + 7))
    log_problems(Round(1, {}, problems, ()))
    assert len(caplog.records) == MOST + 1
    assert "7 more problems" in caplog.records[-1].getMessage()
