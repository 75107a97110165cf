"""Strict-Transport-Security. ingress-nginx has no annotation for it, only process-wide keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.translate.annotations.wanted import Wanted
from edge.table.policies.hsts import Hsts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.translate.annotations.values import Values

NAMES: Final[frozenset[str]] = frozenset()
MAX_AGE: Final = 31536000


def read(values: Values) -> Iterator[Wanted]:
    """The field on hosts that have TLS."""
    if values.boolean("hsts", default=True):
        value = f"max-age={values.integer('hsts-max-age', MAX_AGE)}"
        value += "; includeSubDomains" if values.boolean("hsts-include-subdomains", default=True) else ""
        value += "; preload" if values.boolean("hsts-preload") else ""
        yield Wanted(Hsts(values.source("hsts"), value), with_tls=True)
