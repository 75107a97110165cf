"""The changes that sources send to the store.

A source (a folder, a cluster) is a thread that puts these on one queue. It sends a change only if something differs
from the last one, and one change has everything about one object.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from edge.control.kinds.objects import Object


def arrival() -> float:
    """A field with the time at which a change came to its source, monotonic seconds; it is not compared."""
    made: float = field(default_factory=time.monotonic, compare=False, repr=False)
    return made


@dataclass(frozen=True, slots=True)
class Upsert:
    """OBJECT exists, as it is here."""

    object: Object
    at: float = arrival()


@dataclass(frozen=True, slots=True)
class Delete:
    """The object is gone."""

    kind: str
    namespace: str
    """Empty for a cluster-scoped object."""
    name: str
    at: float = arrival()


IN_FORCE: Final = "that one is in force"
"""End of the message about an object that exists twice: the other one is served."""


@dataclass(frozen=True, slots=True)
class Invalid:
    """The source has something that cannot be read as an object; the last version of the object stays in force.

    The fault ends with an `Upsert` or `Delete` of that object, or with `Valid` for the same `where`.
    """

    where: str
    """The place, for messages: file and document number, or the API path."""
    kind: str
    """Empty if it is not known; `namespace` and `name` likewise."""
    namespace: str
    name: str
    message: str
    """Field and reason, for instance `spec.rules[0].http.paths[0].path: must begin with "/"`."""
    at: float = arrival()


@dataclass(frozen=True, slots=True)
class Valid:
    """The object that was `Invalid` at WHERE is valid now, or gone."""

    where: str


@dataclass(frozen=True, slots=True)
class Synced:
    """A source has sent everything of KIND that exists now. It sends this once per kind."""

    kind: str


Change = Upsert | Delete | Invalid | Valid | Synced
