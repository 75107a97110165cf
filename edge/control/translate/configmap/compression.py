"""Compression of responses: gzip, Brotli and Zstandard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from edge.control.translate.configmap.forms import BOOLEAN, TEXT, Form, integer
from edge.control.translate.configmap.keys import group
from edge.table.patterns.matching import PatternError, compile_pattern
from edge.table.policies.compression import ANY, Coding, Compression

if TYPE_CHECKING:
    from edge.control.translate.configmap.keys import Found, Key
    from edge.table.policies import AnyPolicy

ALWAYS: Final = "text/html"
"""The type that is always compressed, as in nginx."""
COMMON: Final = (
    "application/atom+xml",
    "application/javascript",
    "application/x-javascript",
    "application/json",
    "application/rss+xml",
    "application/vnd.ms-fontobject",
    "application/x-font-ttf",
    "application/x-web-app-manifest+json",
    "application/xhtml+xml",
    "application/xml",
    "font/opentype",
    "image/svg+xml",
    "image/x-icon",
    "text/css",
    "text/javascript",
    "text/plain",
    "text/x-component",
)
"""ingress-nginx's default of gzip-types."""
OLD_EXPLORER: Final = (r"MSIE [4-6]\.",)
"""The pattern for nginx's word `msie6`."""


def _types(text: str) -> tuple[str, ...] | None:
    found = tuple(dict.fromkeys(text.lower().split()))
    return found if all(one == ANY or one.count("/") == 1 for one in found) else None


TYPES: Final = Form("media types such as text/css, between blanks, or *", _types)


class Offered(NamedTuple):
    """A coding, with ingress-nginx's defaults for it."""

    name: str
    switch: str
    prefix: str
    """Of its other keys."""
    level: int
    most: int
    least: int
    types: tuple[str, ...]


CODINGS: Final = (
    Offered("zstd", "enable-zstd", "zstd", 3, 19, 256, COMMON),
    Offered("br", "enable-brotli", "brotli", 4, 11, 20, ("application/xml+rss", *COMMON)),
    Offered("gzip", "use-gzip", "gzip", 1, 9, 256, COMMON),
)
"""In the order of preference, if a client prefers several equally. ingress-nginx has no Zstandard."""


def _keys(one: Offered) -> tuple[Key, ...]:
    own = "A key of Edge's own." if one.name == "zstd" else ""
    return (
        group(one.switch, BOOLEAN, own),
        group(f"{one.prefix}-level", integer(1 if one.name == "gzip" else 0, one.most), own),
        group(f"{one.prefix}-min-length", integer(), own),
        group(f"{one.prefix}-types", TYPES, own),
    )


KEYS: Final[tuple[Key, ...]] = (*(key for one in CODINGS for key in _keys(one)), group("gzip-disable", TEXT))


def policies(found: Found) -> list[AnyPolicy]:
    """The policy that compresses the responses of all routes, if it is enabled."""
    wanted = [one for one in CODINGS if found.get(one.switch)]
    if not wanted:
        return []
    return [Compression(found.source(wanted[0].switch), tuple(_coding(one, found) for one in wanted))]


def _coding(one: Offered, found: Found) -> Coding:
    types: tuple[str, ...] = found.get(f"{one.prefix}-types", one.types)
    return Coding(
        one.name,
        found.get(f"{one.prefix}-level", one.level),
        found.get(f"{one.prefix}-min-length", one.least),
        (ANY,) if ANY in types else tuple(dict.fromkeys((ALWAYS, *types))),
        _refused(found) if one.name == "gzip" else (),
    )


def _refused(found: Found) -> tuple[str, ...]:
    """The pattern of gzip-disable."""
    name = "gzip-disable"
    text: str = found.get(name, "")
    if text == "msie6":
        return OLD_EXPLORER
    try:
        compile_pattern(text, anchored=False)
    except PatternError as fault:
        found.report(name, f"{fault}; it is ignored")
        return ()
    return (text,) if text else ()
