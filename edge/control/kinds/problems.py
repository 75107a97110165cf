"""What is wrong with an object, as a value: `edge check`, Events, metrics and the log report the same.

A problem belongs to the object that its author can mend, which is nearly always an Ingress. It is compared by value:
one that is found again is not a new one.
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
    """Something that the object asks for is not done."""
    WARNING = "warning"
    """It is done, though probably not as meant."""


class Problem(msgspec.Struct, frozen=True, order=True, gc=False):
    """One fault of one object."""

    severity: Severity
    reason: str
    """CamelCase and one of few: `reason` of an Event, label of a metric."""
    field: str
    """Path within the object: `spec.rules[0].http.paths[1].backend.service.name`; empty: the object as a whole."""
    message: str
    """For people: what is wrong, what is done instead, and the way out where it is not plain."""

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


class Report(msgspec.Struct, frozen=True, gc=False):
    """A problem and whose it is."""

    object: ObjectId
    uid: str
    """Of the object; empty when the object has none (manifests) or was never taken."""
    problem: Problem


def error(reason: str, field: str, message: str) -> Problem:
    """A problem that keeps something from being done."""
    return Problem(Severity.ERROR, reason, field, message)


def warning(reason: str, field: str, message: str) -> Problem:
    """A problem that keeps nothing from being done."""
    return Problem(Severity.WARNING, reason, field, message)
