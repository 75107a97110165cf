"""Paths as regular expressions: rewrite-target, x-forwarded-prefix and use-regex."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from edge.control.translate.annotations.wanted import Wanted
from edge.table.policies.regex_rewrite import RegexRewrite

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.translate.annotations.values import Values

NAMES: Final = frozenset({"rewrite-target", "use-regex", "x-forwarded-prefix"})
_TARGET: Final = re.compile(r"(?:/|\$|https?://)[!#->@-~]*")
"""Visible ASCII without a quote and without a query."""
_PREFIX: Final = re.compile(r"[!#->@-~]+")


def _target(text: str) -> str | None:
    return text if _TARGET.fullmatch(text) else None


def _prefix(text: str) -> str | None:
    return text if _PREFIX.fullmatch(text) else None


def read(values: Values) -> Iterator[Wanted]:
    """`x-forwarded-prefix` counts together with `rewrite-target` only, as in ingress-nginx. The pattern is the path of
    each route, which is not known here."""
    target = values.parsed("rewrite-target", "a path or an http(s) URL without a query", _target, "")
    prefix = values.parsed("x-forwarded-prefix", "visible ASCII without a query", _prefix, "")
    if target:
        yield Wanted(RegexRewrite(values.source("rewrite-target"), target, prefix))


def uses_regex(values: Values) -> bool:
    """Whether the paths of the Ingress are regular expressions in any case."""
    return bool(values.boolean("use-regex"))
