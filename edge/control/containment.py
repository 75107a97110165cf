"""One object must not stop the control plane: the one guard around each unit of its work.

Rules of this file:
- A unit is the work for one object or one record: an Ingress, a Secret, the port of a Service, a host. An exception
  during that work is a fault of our own code, and an error of that unit alone.
- A unit computes first and changes its state afterwards, so that its last good version stays whole.
- The log has the trace. What users see names no values, because a value may be a private key.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

T = TypeVar("T")

REASON: Final = "InternalError"
"""Of the problem that the object gets."""


def contain(unit: object, work: Callable[[], T], failed: Callable[[str], T]) -> T:
    """The result of WORK; if it raises, the error is logged and the result of FAILED is returned instead.

    UNIT is named in the log. FAILED gets the fault as text for users; it decides what stays in force.
    """
    try:
        return work()
    except Exception as fault:
        logger.exception("%s: internal error, everything else continues; please report this", unit)
        return failed(f"internal error ({type(fault).__name__}; the log has more)")
