"""TCP and UDP services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.translate.configmap.forms import BOOLEAN, integer, time
from edge.control.translate.configmap.keys import plane

if TYPE_CHECKING:
    from edge.control.translate.configmap.keys import Key

KEYS: Final[tuple[Key, ...]] = (
    plane("proxy-stream-timeout", time(0.001)),
    plane("proxy-stream-next-upstream", BOOLEAN),
    plane("proxy-stream-next-upstream-timeout", time()),
    plane("proxy-stream-next-upstream-tries", integer()),
    plane("proxy-stream-responses", integer()),
)
