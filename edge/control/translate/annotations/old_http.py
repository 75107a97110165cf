"""The version of HTTP that endpoints get: proxy-http-version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.translate.annotations.wanted import Wanted
from edge.table.policies.old_http import OldHttp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.translate.annotations.values import Values

NAMES: Final = frozenset({"proxy-http-version"})
_IS_OLD: Final = {"1.0": True, "1.1": False}
DIFFERENCES: Final = {
    "proxy-http-version": "With `1.0` each request has a new connection.",
}
"""How Edge differs from ingress-nginx, by annotation."""


def read(values: Values) -> Iterator[Wanted]:
    """HTTP/1.1 is what endpoints get without it."""
    if values.choice("proxy-http-version", _IS_OLD, default=False):
        yield Wanted(OldHttp(values.source("proxy-http-version")))
