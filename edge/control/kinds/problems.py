"""The problems of objects, as values: `edge check`, Events, metrics and the log report the same. A problem belongs to
the object whose author can correct it, nearly always an Ingress. Problems are compared by value: one that is found
again is not a new one.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from edge.control.kinds.objects import ObjectId


class Severity(StrEnum):
    """How bad it is."""

    ERROR = "error"
    """Something that the object asks for is not applied."""
    WARNING = "warning"
    """It is applied, but probably not as intended."""


class Problem(msgspec.Struct, frozen=True, order=True, gc=False):
    """One fault of one object."""

    severity: Severity
    reason: str
    """CamelCase and one of few: `reason` of an Event, label of a metric."""
    field: str
    """Path within the object: `spec.rules[0].http.paths[1].backend.service.name`; empty: the object as a whole."""
    message: str
    """For users: what is wrong, what Edge does instead, and what to do if that is not obvious."""

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


class Report(msgspec.Struct, frozen=True, gc=False):
    """A problem and the object that has it."""

    object: ObjectId
    uid: str
    """Of the object; empty if the object has none (manifests) or was never accepted."""
    problem: Problem


def error(reason: str, field: str, message: str) -> Problem:
    """A problem because of which something is not applied."""
    return Problem(Severity.ERROR, reason, field, message)


def warning(reason: str, field: str, message: str) -> Problem:
    """A problem that does not change what is applied."""
    return Problem(Severity.WARNING, reason, field, message)
