"""Logs each problem once when it appears and once when it is resolved."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from edge.control.kinds.problems import Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.control.kinds.problems import Report
    from edge.control.publishing.state import Round

logger = logging.getLogger(__name__)

MOST: Final = 100
"""Most lines of one round: no one reads thousands of them."""
LEVELS: Final = {Severity.ERROR: logging.ERROR, Severity.WARNING: logging.WARNING}


def log_problems(what: Round) -> None:
    """Log the problems of the round WHAT; a listener of the state."""
    for report in _first(what.gone):
        logger.info("%s: resolved: %s", report.object, report.problem, extra=_fields(report))
    for report in _first(what.appeared):
        logger.log(LEVELS[report.problem.severity], "%s: %s", report.object, report.problem, extra=_fields(report))
    left = max(0, len(what.appeared) - MOST) + max(0, len(what.gone) - MOST)
    if left:
        logger.warning(
            "%d more problems have appeared or are resolved; metrics and `edge check` list all of them", left
        )


def _first(reports: Sequence[Report]) -> Sequence[Report]:
    return reports[:MOST]


def _fields(report: Report) -> dict[str, dict[str, str]]:
    owner, problem = report.object, report.problem
    return {
        "fields": {
            "kind": owner.kind,
            "namespace": owner.namespace,
            "name": owner.name,
            "field": problem.field,
            "reason": problem.reason,
        }
    }
