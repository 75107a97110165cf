"""Bodies of the requests of an HTTPRoute: the Gateway API has no limit on them, and clients may stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.table.policies.body_limit import BodyLimit
from edge.table.policies.request_buffering import RequestBuffering

if TYPE_CHECKING:
    from edge.table.policies import AnyPolicy

STREAMED_ABOVE: Final = 32768
"""Bytes; a smaller body of known length is read first, so that the request can be sent again."""
POLICIES: Final[tuple[AnyPolicy, ...]] = (BodyLimit("", 0), RequestBuffering("", STREAMED_ABOVE))
"""Of every rule."""
