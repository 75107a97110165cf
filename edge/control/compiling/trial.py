"""Which problems of an Ingress make the admission webhook refuse it.

Rules of this file:
- Refused is what ingress-nginx's webhook refuses: a path that another Ingress has, a value that cannot be read, a
  pattern that cannot be used, what the operator does not allow. Everything else is a warning: an object that is missing
  may be created later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.kinds.problems import Problem, Severity, error
from edge.control.translate import inspection
from edge.control.translate.annotations.risks import REFUSED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from edge.control.compiling.merging import Said
    from edge.control.kinds.objects import ObjectId
    from edge.control.translate.parts import HostPart, Order, RoutePart

    Others = Mapping[ObjectId, tuple[Order, HostPart]]
    """The parts that objects have for a host."""

CROWD: Final = 100
"""Ingresses of a host above which not all of them are put together to judge one more."""
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
        inspection.BAD_UID,
        inspection.WRONG_PREFIX,
    }
)
"""Reasons of problems for which an Ingress is refused."""


def is_refused(problem: Problem) -> bool:
    """Whether an Ingress is refused because of PROBLEM; one that a flag causes does not count."""
    of_flag = problem.field.startswith("--")
    return problem.severity is Severity.ERROR and problem.reason in _REFUSALS and not of_flag


def taken(what: str, part: HostPart, others: Others) -> Iterator[Problem]:
    """The paths in PART, of the host WHAT, that OTHERS have already; of canaries those that other canaries have."""
    wanted = {_place(one): one for one in part.routes if not one.implied}
    paths = {one.route.path for one in part.routes}
    for owner, (_, said) in others.items():
        for one in said.routes:
            ours = wanted.get(_place(one)) if one.route.path in paths and not one.implied else None
            if ours is not None:
                kind = "canary " if one.canary is not None else ""
                message = f'{what} and path "{one.text}" are taken by {kind}{owner}'
                yield error(TAKEN, f"{ours.field}.path", message)


def concerned(part: HostPart, others: Others) -> list[Said]:
    """Those of OTHERS that affect PART of the same host. On a host with many of them: those that have one of its paths,
    whatever the type, or options for the host as a whole.
    """
    if len(others) <= CROWD:
        return [(owner, order, said) for owner, (order, said) in others.items()]
    texts = {one.text.rstrip("/") for one in part.routes}
    return [
        (owner, order, said)
        for owner, (order, said) in others.items()
        if not texts.isdisjoint([one.text.rstrip("/") for one in said.routes]) or _decides(said)
    ]


def _decides(said: HostPart) -> bool:
    """Whether the part SAID of an object concerns all paths of the host."""
    return (
        said.default is not None
        or said.names is not None
        or said.options is not None
        or bool(said.routes and said.routes[0].regex)
    )


def _place(part: RoutePart) -> tuple[object, ...]:
    return part.route.kind, part.route.path, part.route.conditions, part.canary is not None
