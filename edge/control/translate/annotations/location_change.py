"""Changes to the redirects of endpoints: proxy-redirect-from and proxy-redirect-to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from edge.control.translate.annotations.wanted import Wanted
from edge.table.policies.location_change import LocationChange

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.translate.annotations.values import Values

NAMES: Final = frozenset({"proxy-redirect-from", "proxy-redirect-to"})
_URL: Final = re.compile(r"[!#%-}][!#%-~]*")
"""Visible ASCII without a quote and without variables; `~` would begin a regular expression."""
_NOTHING: Final = frozenset({"off", "default"})
"""`default` undoes what nginx itself has put before the path of an endpoint's URL, and Edge puts nothing there."""
DIFFERENCES: Final = {
    "proxy-redirect-from": "`default` has no effect.",
}
"""How Edge differs from ingress-nginx, by annotation."""


def _url(text: str) -> str | None:
    return text if _URL.fullmatch(text) else None


def read(values: Values) -> Iterator[Wanted]:
    """Both must be there."""
    wanted = "a URL or its beginning, without variables or regular expressions"
    beginning = values.parsed("proxy-redirect-from", wanted, _url, "")
    replacement = values.parsed("proxy-redirect-to", wanted, _url, "")
    if beginning and replacement and _NOTHING.isdisjoint((beginning, replacement)):
        yield Wanted(LocationChange(values.source("proxy-redirect-from"), beginning, replacement))
