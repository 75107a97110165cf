"""The problems of objects, collected from the store and the units.

Rules of this file:
- An object is reported with all its problems at once; none is an empty tuple.
- Annotations are named with the prefix of this cluster (`--annotations-prefix`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from edge.control.containment import REASON, contain
from edge.control.kinds.problems import Problem, error
from edge.control.translate.annotations.values import PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from edge.control.compiling.claims import Claims
    from edge.control.compiling.delta import Delta
    from edge.control.compiling.store import Store
    from edge.control.compiling.units import Units
    from edge.control.kinds.objects import ObjectId


class Problems:
    """The problems of each object."""

    def __init__(
        self,
        store: Store,
        claims: Claims,
        units: Units,
        flagged: Mapping[ObjectId | None, Callable[[], list[Problem]]],
        prefix: str,
    ) -> None:
        """FLAGGED: objects that flags name (None: the flag is not set), with what finds their problems.

        PREFIX: of annotations, with its slash.
        """
        self._store = store
        self._claims = claims
        self._units = units
        self._flagged = {owner: problems for owner, problems in flagged.items() if owner is not None}
        self._prefix = prefix
        self._of_flags: dict[ObjectId, tuple[Problem, ...]] = {}
        """Problems of FLAGGED that have been reported."""
        self._broken: dict[ObjectId, Problem] = {}
        """Objects that our own code fails on."""

    def breaks(self, owner: ObjectId, fault: str) -> None:
        """Our own code failed on OWNER with FAULT."""
        self._broken[owner] = error(REASON, "", f"{fault}; the last good version, if any, stays in force")

    def mended(self, owner: ObjectId) -> bool:
        """OWNER is processed again; returns whether our own code had failed on it."""
        return self._broken.pop(owner, None) is not None

    def report(self, owners: Iterable[ObjectId], delta: Delta) -> None:
        """Put into DELTA the problems of OWNERS, and those of objects that flags name if they are different."""
        for owner in owners:
            delta.problems[owner] = (self._store.uid(owner), tuple(self._problems(owner)))
        for owner in self._flagged:
            problems = tuple(self._problems(owner))
            if problems != self._of_flags.get(owner, ()):
                self._of_flags[owner] = problems
                delta.problems[owner] = (self._store.uid(owner), problems)

    def as_written(self, problems: list[Problem]) -> list[Problem]:
        """PROBLEMS, with annotations named as they are in this cluster."""
        return problems if self._prefix == PREFIX else [_renamed(problem, self._prefix) for problem in problems]

    def _problems(self, owner: ObjectId) -> list[Problem]:
        found = contain(owner, lambda: self._found(owner), lambda fault: [error(REASON, "", fault)])
        return self.as_written(found)

    def _found(self, owner: ObjectId) -> list[Problem]:
        found = self._store.faults(owner)
        if owner in self._broken:
            found.append(self._broken[owner])
        if owner.kind == "Ingress":
            found += self._claims.problems((owner.namespace, owner.name))
        found += self._units.problems(owner)
        if owner in self._flagged:
            found += self._flagged[owner]()
        return list(dict.fromkeys(found))


def _renamed(problem: Problem, prefix: str) -> Problem:
    """PROBLEM, with annotations called by PREFIX, which is that of their names in this cluster."""
    field, message = (text.replace(PREFIX, prefix) for text in (problem.field, problem.message))
    return replace(problem, field=field, message=message)
