"""Which problems of an Ingress keep it out of the cluster, where the admission webhook is asked.

Rules of this file:
- Refused is what ingress-nginx's webhook refuses: a path that another Ingress has, a value that cannot be read, a
  pattern that cannot be used, what the operator does not allow. Everything else is a warning: what is missing may come.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.kinds.problems import Problem, Severity, error
from edge.control.translate import inspection
from edge.control.translate.annotations.risks import REFUSED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from edge.control.kinds.objects import ObjectId
    from edge.control.translate.parts import HostPart, RoutePart

TAKEN: Final = "PathTaken"
CATCH_ALL: Final = "CatchAllDisabled"
_REFUSALS: Final = frozenset(
    {
        TAKEN,
        CATCH_ALL,
        REFUSED,
        "InvalidAnnotation",
        "InvalidPattern",
        inspection.DANGEROUS,
        inspection.BAD_PATH,
        inspection.WRONG_PREFIX,
    }
)
"""Reasons of problems for which an Ingress is refused."""


def is_refused(problem: Problem) -> bool:
    """Whether PROBLEM keeps its Ingress out; one that a flag brings about does not."""
    of_flag = problem.field.startswith("--")
    return problem.severity is Severity.ERROR and problem.reason in _REFUSALS and not of_flag


def taken(what: str, part: HostPart, others: Iterable[tuple[ObjectId, HostPart]]) -> Iterator[Problem]:
    """The paths in PART, of the host WHAT, that OTHERS have already; of canaries those that other canaries have."""
    wanted = {_place(one): one for one in part.routes if not one.implied}
    for owner, other in others:
        for one in other.routes:
            ours = wanted.get(_place(one)) if not one.implied else None
            if ours is not None:
                kind = "canary " if one.canary is not None else ""
                message = f'{what} and path "{one.text}" are taken by {kind}{owner}'
                yield error(TAKEN, f"{ours.field}.path", message)


def _place(part: RoutePart) -> tuple[object, ...]:
    return part.route.kind, part.route.path, part.route.conditions, part.canary is not None
