"""Strict-Transport-Security. ingress-nginx has no annotation for it, only process-wide keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.translate.annotations.wanted import Wanted
from edge.table.policies.hsts import Hsts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.translate.annotations.values import Values

NAMES: Final[frozenset[str]] = frozenset()
VALUE: Final = "max-age=31536000; includeSubDomains"


def read(values: Values) -> Iterator[Wanted]:
    """The field on hosts that have TLS."""
    if values.boolean("hsts", default=True):
        yield Wanted(Hsts(values.source("hsts"), VALUE), with_tls=True)
