"""The filter RequestMirror (Gateway API, HTTPRequestMirrorFilter), which a rule may have several of.

Rules of this file:
- A mirror that must not or cannot be used gets no copies; the requests themselves are served.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.translate.gateway.filters import MIRROR
from edge.table.records import RouteMirror

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edge.control.kinds.route_filters import MirrorFilter, RouteFilter
    from edge.control.translate.gateway.backends import BackendReader

ANSWER: Final = "no copies are sent"


def mirrors(filters: Sequence[RouteFilter], field: str, reader: BackendReader) -> Iterator[RouteMirror]:
    """The mirrors that FILTERS at FIELD ask for; READER reads their backends."""
    for number, one in enumerate(filters):
        asked = one.request_mirror
        if one.type == MIRROR and asked is not None:  # `filters.faults` reports a mirror without it
            at = f"{field}[{number}].requestMirror.backendRef"
            backend = reader.read(asked.backend_ref, at, instead=ANSWER)
            if backend.key:
                yield RouteMirror(backend, *_share(asked))


def _share(asked: MirrorFilter) -> tuple[int, int]:
    if asked.fraction is not None:
        return asked.fraction.numerator, asked.fraction.denominator
    return (asked.percent, 100) if asked.percent is not None else (1, 1)
