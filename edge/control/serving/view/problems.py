"""`/api/problems`: the problems of objects, and since when they exist."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from edge.control.kinds.problems import Severity
from edge.control.publishing.state import PROBLEMS
from edge.control.serving.view import lists

if TYPE_CHECKING:
    from edge.control.kinds.objects import ObjectId
    from edge.control.kinds.problems import Problem, Report
    from edge.control.publishing.state import Round, State
    from edge.control.serving.view.lists import Question


class Problems:
    """The problems of STATE, with the time when each was first seen."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._since: dict[tuple[ObjectId, Problem], float] = {}
        self._lock = threading.Lock()
        self._version = -1
        self._sorted: list[Report] = []
        self._errors = 0
        state.listeners.append(self._note)

    def counts(self) -> dict[str, int]:
        """Number of errors and of warnings."""
        found = self._reports()
        return {"errors": self._errors, "warnings": len(found) - self._errors}

    def of(self, owner: ObjectId) -> list[dict[str, Any]]:
        """Those of OWNER."""
        return [self._entry(owner, problem) for problem in sorted(self._state.problems(owner)[1])]

    def listed(self, question: Question) -> dict[str, Any]:
        """Those that QUESTION asks for, errors first."""
        lists.known(question, "search", "limit", "offset", "severity")
        severity = lists.choice(question, "severity", [one.value for one in Severity], "")
        words = lists.words(question)
        reports = self._reports()
        found = [
            one
            for one in reports
            if (not severity or one.problem.severity == severity)
            and (not words or all(word in _text(one) for word in words))
        ]
        shown, about = lists.part(question, found)
        entries = [self._entry(one.object, one.problem) for one in shown]
        return {"all": len(reports), **self.counts(), **about, "problems": entries}

    def _reports(self) -> list[Report]:
        with self._lock:
            version = self._state.version(PROBLEMS)
            if version != self._version:
                self._sorted = sorted(self._state.reports(), key=lambda one: (one.problem.severity, one.object))
                self._errors = sum(one.problem.severity is Severity.ERROR for one in self._sorted)
                self._version = version
            return self._sorted

    def _entry(self, owner: ObjectId, problem: Problem) -> dict[str, Any]:
        return {
            "object": {"kind": owner.kind, "namespace": owner.namespace, "name": owner.name},
            "severity": problem.severity.value,
            "reason": problem.reason,
            "field": problem.field,
            "message": problem.message,
            "since": self._since.get((owner, problem)),
        }

    def _note(self, what: Round) -> None:
        """Note when problems appear: a listener of the state."""
        now = round(time.time(), 3)
        for report in what.gone:
            self._since.pop((report.object, report.problem), None)
        for report in what.appeared:
            self._since[report.object, report.problem] = now


def _text(report: Report) -> str:
    problem = report.problem
    return f"{report.object} {problem.severity} {problem.reason} {problem.field} {problem.message}".lower()
