"""Canaries: canary and canary-*, and affinity-canary-behavior.

Not a unit of policies: a canary adds a backend to routes of another Ingress, when hosts are merged
(`edge.control.compiling.canaries`), and has no other effect.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from edge.control.kinds.problems import error, warning
from edge.control.translate.annotations.values import field
from edge.table.patterns.matching import PatternError, compile_pattern

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.control.translate.annotations.values import Values

_CANARY: Final = "canary"
_WEIGHT: Final = "canary-weight"
_TOTAL: Final = "canary-weight-total"
_HEADER: Final = "canary-by-header"
_VALUE: Final = "canary-by-header-value"
_PATTERN: Final = "canary-by-header-pattern"
_COOKIE: Final = "canary-by-cookie"
_AFFINITY: Final = "affinity-canary-behavior"
NAMES: Final = frozenset({_CANARY, _WEIGHT, _TOTAL, _HEADER, _VALUE, _PATTERN, _COOKIE, _AFFINITY})
LEAST_TOTAL: Final = 100
DIFFERENCES: Final = {
    _CANARY: (
        "Acts on the path of its host and nowhere else; with ingress-nginx on all paths of the main Service. A main "
        "Ingress of another namespace needs `--allow-cross-namespace-resources`. While the main Service has no "
        "endpoint, requests for the canary are served, which ingress-nginx answers 503."
    ),
    _AFFINITY: "With `legacy` the rules decide about each request, also where a client has the main Service's cookie.",
}
"""How Edge differs from ingress-nginx, by annotation."""
_PLAIN: Final = re.compile(r"[A-Za-z0-9._~/: -]+")
_EXPRESSION: Final = re.compile(r"[A-Za-z0-9._~/:^$\[\](){}*+?|&=\\-]+")
_STICKY: Final = {"sticky": True, "legacy": False}


class Rules(msgspec.Struct, frozen=True, gc=False):
    """Which requests a canary takes."""

    source: str
    """The annotation that makes it a canary."""
    weight: int = 0
    """Share of the requests without a decision by header or cookie, of `total`."""
    total: int = LEAST_TOTAL
    header: str = ""
    value: str = ""
    pattern: str = ""
    cookie: str = ""
    sticky: bool = True
    """Whether a client with an affinity cookie stays with its first backend."""


def read(values: Values) -> Rules | None:
    """The rules, if the Ingress is a canary."""
    enabled = values.boolean(_CANARY)
    total = max(values.integer(_TOTAL, LEAST_TOTAL), LEAST_TOTAL)
    rules = Rules(
        values.source(_CANARY),
        weight=min(values.integer(_WEIGHT, 0), total),
        total=total,
        header=values.parsed(_HEADER, "a header field", _matching(_PLAIN), ""),
        value=values.parsed(_VALUE, "plain text", _matching(_PLAIN), ""),
        pattern=values.parsed(_PATTERN, "a regular expression without blanks", _matching(_EXPRESSION), ""),
        cookie=values.parsed(_COOKIE, "a cookie", _matching(_PLAIN), ""),
        sticky=values.choice(_AFFINITY, _STICKY, default=True),
    )
    if not enabled:
        _report_idle(values)
        return None
    if rules.header and rules.pattern and not rules.value:
        _judge(values, rules.pattern)
    return rules


def _judge(values: Values, pattern: str) -> None:
    try:
        compile_pattern(pattern, ignore_case=False, anchored=False)
    except PatternError as fault:
        message = f'"{pattern}" cannot be used: {fault}; requests with the header go to the main Service'
        values.problems.append(error("InvalidPattern", field(_PATTERN), message))


def _report_idle(values: Values) -> None:
    """Report the first rule that is set although `canary` is not: it has no effect."""
    for name in (_WEIGHT, _HEADER, _VALUE, _PATTERN, _COOKIE):
        if values.text(name):
            message = f'has no effect without {_CANARY}: "true"'
            values.problems.append(warning("NoCanary", field(name), message))
            return


def _matching(pattern: re.Pattern[str]) -> Callable[[str], str | None]:
    return lambda text: text if pattern.fullmatch(text) else None
