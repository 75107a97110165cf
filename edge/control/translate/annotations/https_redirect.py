"""Redirects from http to https: ssl-redirect, force-ssl-redirect, preserve-trailing-slash."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.translate.annotations.wanted import Wanted
from edge.table.policies.https_redirect import HttpsRedirect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.translate.annotations.values import Values

STATUSES: Final = {str(status): status for status in (301, 302, 307, 308)}
NAMES: Final = frozenset({"ssl-redirect", "force-ssl-redirect", "preserve-trailing-slash"})


def read(values: Values) -> Iterator[Wanted]:
    """`ssl-redirect` holds on hosts that have TLS; `force-ssl-redirect` on all, because TLS may end in front of
    Edge."""
    keep = bool(values.boolean("preserve-trailing-slash"))
    status = redirect_status(values)
    port = bool(values.boolean("use-port-in-redirects"))
    if values.boolean("force-ssl-redirect"):
        yield Wanted(HttpsRedirect(values.source("force-ssl-redirect"), status, keep, port))
    elif values.boolean("ssl-redirect", default=True):
        yield Wanted(HttpsRedirect(values.source("ssl-redirect"), status, keep, port), with_tls=True)


def redirect_status(values: Values) -> int:
    """The status of redirects that Edge makes of itself."""
    return values.choice("http-redirect-code", STATUSES, HttpsRedirect("").status)
