"""Routes of a host that no object asks for.

Rules of this file:
- Redirects to paths with a slash at their end count where no other route has the path without it. Where paths are
  regular expressions there are none, as in nginx.
- Requests that no path and no default backend takes get the policies of the host's oldest Ingress.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.table.records import PathKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edge.control.kinds.objects import ObjectId
    from edge.control.translate.parts import HostPart, Order, RoutePart

    Said = tuple[ObjectId, Order, HostPart]
    Owned = tuple[ObjectId, RoutePart]


def redirects(parts: Sequence[Said], routes: Sequence[Owned]) -> Iterator[Owned]:
    """Those of PARTS to paths with a slash, beside the host's other ROUTES."""
    implied = [(owner, one) for owner, _, part in parts for one in part.routes if one.implied]
    if not implied or any(one.regex for _, one in routes):
        return
    taken = {one.route.path for _, one in routes if one.route.kind is not PathKind.PREFIX or not one.text.endswith("/")}
    for owner, one in implied:
        if one.route.path not in taken:
            taken.add(one.route.path)
            yield owner, one


def rest(parts: Sequence[Said], routes: Sequence[Owned]) -> tuple[ObjectId, Order, RoutePart] | None:
    """The route for requests that none of ROUTES takes; PARTS come in the order of their age. None: there are none."""
    if any(_takes_everything(one) for _, one in routes):
        return None
    return next(((owner, order, part.unmatched) for owner, order, part in parts if part.unmatched is not None), None)


def _takes_everything(part: RoutePart) -> bool:
    route = part.route
    return route.path == "/" and route.conditions is None and route.kind in (PathKind.PREFIX, PathKind.STRING)
