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
DIFFERENCES: Final = {
    "use-regex": (
        "Patterns see `%2F` and other characters that a path cannot hold in percent-encoding, and what "
        "they capture stays so. Each branch of `a|b` is bound to the start; in nginx only the first one "
        "is. A pattern whose cost cannot be bounded is refused, which closes its path (503); a request "
        "that takes too many steps is answered 500."
    ),
    "rewrite-target": "Has `$1` to `$9` and no variables: a target with another `$` closes its path (503).",
}
"""How Edge differs from ingress-nginx, by annotation."""


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
