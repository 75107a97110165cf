"""Changes to the cookies that endpoints set: proxy-cookie-domain and proxy-cookie-path, each `FROM TO` or `off`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from edge.control.translate.annotations.wanted import Wanted
from edge.table.policies.cookie_change import CookieChange

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.translate.annotations.values import Values

NAMES: Final = frozenset({"proxy-cookie-domain", "proxy-cookie-path"})
_DOMAINS: Final = re.compile(r"([A-Za-z0-9._-]+)\s+([A-Za-z0-9._-]+)")
_PATHS: Final = re.compile(r"(/[!#-:<-~]*)\s+(/[!#-:<-~]*)")
"""Visible ASCII without quote and semicolon."""
_NONE: Final = ("", "")


def _domains(text: str) -> tuple[str, str] | None:
    found = _DOMAINS.fullmatch(text)
    return (found[1].removeprefix(".").lower(), found[2].removeprefix(".")) if found else _off(text)


def _paths(text: str) -> tuple[str, str] | None:
    found = _PATHS.fullmatch(text)
    return (found[1], found[2]) if found else _off(text)


def _off(text: str) -> tuple[str, str] | None:
    return _NONE if text == "off" else None


def read(values: Values) -> Iterator[Wanted]:
    """One policy for both."""
    domain = values.parsed("proxy-cookie-domain", "two domains, or off", _domains, _NONE)
    path = values.parsed("proxy-cookie-path", "two paths, or off", _paths, _NONE)
    if domain != _NONE or path != _NONE:
        yield Wanted(CookieChange(values.source("proxy-cookie-domain", "proxy-cookie-path"), *domain, *path))
