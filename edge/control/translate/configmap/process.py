"""Time in which stopping workers finish requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.translate.configmap.forms import time
from edge.control.translate.configmap.keys import workers

if TYPE_CHECKING:
    from edge.control.translate.configmap.keys import Key

KEYS: Final[tuple[Key, ...]] = (
    workers(
        "worker-shutdown-timeout",
        time(),
        "shutdown_grace",
        "No worker ends because of a change, so it counts at SIGTERM and SIGHUP alone.",
    ),
)
