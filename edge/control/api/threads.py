"""Threads that survive every error: if one ended, what it keeps up to date would become stale without notice."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

REST = 5.0
"""Seconds of pause after an unexpected error."""


def persist(step: Callable[[], bool]) -> None:
    """Repeat STEP until it returns False."""
    while True:
        try:
            if not step():
                return
        except Exception:
            logger.exception("internal error; going on in %g s (please report this)", REST)
            time.sleep(REST)
