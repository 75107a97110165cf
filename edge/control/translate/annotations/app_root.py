"""Redirect of `/`: app-root."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from edge.control.translate.annotations.wanted import Wanted
from edge.table.policies.app_root import AppRoot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.translate.annotations.values import Values

NAMES: Final = frozenset({"app-root"})
_PATH: Final = re.compile(r"/[!#%-~]*")
"""Visible ASCII; no `$`, which is a variable in nginx, and no quote."""
DIFFERENCES: Final = {
    "app-root": "Holds for the whole host and before anything else. A value with a variable is refused.",
}
"""How Edge differs from ingress-nginx, by annotation."""


def _path(text: str) -> str | None:
    return text if _PATH.fullmatch(text) else None


def read(values: Values) -> Iterator[Wanted]:
    """A path, not a URL."""
    path = values.parsed("app-root", "a path that begins with /", _path, "")
    if path:
        yield Wanted(AppRoot(values.source("app-root"), path))
