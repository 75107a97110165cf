"""Cross-Origin Resource Sharing: enable-cors and cors-*."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from edge.control.translate.annotations.wanted import Wanted
from edge.table.policies.cors import Cors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edge.control.translate.annotations.values import Values

NAMES: Final = frozenset(
    {
        "enable-cors",
        "cors-allow-origin",
        "cors-allow-methods",
        "cors-allow-headers",
        "cors-allow-credentials",
        "cors-expose-headers",
        "cors-max-age",
    }
)
METHODS: Final = "GET, PUT, POST, DELETE, PATCH, OPTIONS"
HEADERS: Final = (
    "DNT,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range,Authorization"
)
MAX_AGE: Final = 1728000
_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]*://(\*\.)?[A-Za-z0-9.-]+(:[0-9]{1,5})?|null")
_ONE: Final = "an origin such as https://a.example or https://*.a.example:8443, null, or *"
_METHODS: Final = re.compile(r"[A-Za-z, ]+")
_HEADERS: Final = re.compile(r"[A-Za-z0-9_, -]+")
_EXPOSED: Final = re.compile(r"[A-Za-z0-9_*, -]+")
_AGE: Final = re.compile(r"-?[0-9]{1,10}")
DIFFERENCES: Final = {
    "enable-cors": "Responses that Edge itself makes carry the fields too.",
    "cors-allow-origin": (
        "An origin must match as a whole; ingress-nginx matches the end of it. Where no origin of a list can be "
        "read, none is allowed; ingress-nginx then allows all."
    ),
}
"""How Edge differs from ingress-nginx, by annotation."""


def read(values: Values) -> Iterator[Wanted]:
    """One policy for all of them, where CORS is enabled."""
    enabled = values.boolean("enable-cors")
    asked = Cors(
        values.source("enable-cors"),
        origins=_origins(values),
        methods=values.parsed("cors-allow-methods", "a list of methods", _matching(_METHODS), METHODS),
        headers=values.parsed("cors-allow-headers", "a list of header fields", _matching(_HEADERS), HEADERS),
        credentials=values.boolean("cors-allow-credentials", default=True) is not False,
        expose=values.parsed("cors-expose-headers", "a list of header fields, or *", _matching(_EXPOSED), ""),
        max_age=values.parsed("cors-max-age", "a number of seconds", _age, MAX_AGE),
    )
    if enabled:
        yield Wanted(asked)


def _origins(values: Values) -> tuple[str, ...]:
    """The origins of the list; one that cannot be read is reported, and the others hold."""
    listed = tuple(one.strip() for one in values.text("cors-allow-origin").split(",") if one.strip())
    if "*" in listed or not listed:
        return ("*",)
    for one in listed:
        if not _ORIGIN.fullmatch(one):
            values.report("cors-allow-origin", f'"{one}" is not {_ONE}; it is left out of the list')
    return tuple(one.lower() for one in listed if _ORIGIN.fullmatch(one))


def _matching(pattern: re.Pattern[str]) -> Callable[[str], str | None]:
    def parse(text: str) -> str | None:
        return text if pattern.fullmatch(text) else None

    return parse


def _age(text: str) -> int | None:
    return int(text) if _AGE.fullmatch(text) else None
