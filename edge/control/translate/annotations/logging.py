"""What is logged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from edge.control.translate.annotations.values import Values

NAMES: Final = frozenset({"enable-access-log"})


class Logging(msgspec.Struct, frozen=True, gc=False):
    """What is logged of the requests."""

    access: bool = True


def read(values: Values) -> Logging:
    """What VALUES say about logs."""
    return Logging(access=bool(values.boolean("enable-access-log", default=True)))
