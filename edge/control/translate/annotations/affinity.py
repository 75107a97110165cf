"""Sticky sessions: affinity, affinity-mode and session-cookie-*."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from edge.control.translate.annotations.wanted import Wanted
from edge.table.policies.affinity import Affinity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edge.control.translate.annotations.values import Values

_AFFINITY: Final = "affinity"
_MODE: Final = "affinity-mode"
_PREFIX: Final = "session-cookie-"
NAMES: Final = frozenset(
    {_AFFINITY, _MODE}
    | {
        _PREFIX + name
        for name in (
            "change-on-failure",
            "conditional-samesite-none",
            "domain",
            "expires",
            "max-age",
            "name",
            "path",
            "samesite",
            "secure",
        )
    }
)
DEFAULT_NAME: Final = "INGRESSCOOKIE"
DIFFERENCES: Final = {
    _AFFINITY: (
        "Holds for the paths of its Ingress alone; ingress-nginx applies it to all paths of the Service. "
        "An endpoint that refuses connections is left out for some seconds."
    ),
    _PREFIX + "change-on-failure": (
        'With "false" another endpoint is asked and the cookie stays; ingress-nginx asks the same endpoint again.'
    ),
}
"""How Edge differs from ingress-nginx, by annotation."""
_PLAIN: Final = re.compile(r"[A-Za-z0-9._~/:-]+")
_PATH: Final = re.compile(r"[A-Za-z0-9._~/:,?&=-]+")
_SECONDS: Final = re.compile(r"-?[0-9]{1,10}")
_SAME_SITE: Final = {name: name for name in ("None", "Lax", "Strict")}


def read(values: Values) -> Iterator[Wanted]:
    """`affinity: cookie` asks for it. Without a path of its own the cookie gets that of the Ingress."""
    kind = values.choice(_AFFINITY, {"cookie": True}, default=False)
    asked = Affinity(
        values.source(_AFFINITY),
        values.parsed(_PREFIX + "name", "the name of a cookie", _matching(_PLAIN), DEFAULT_NAME),
        persistent=values.choice(_MODE, {"balanced": False, "persistent": True}, default=False),
        path=values.parsed(_PREFIX + "path", "a path", _matching(_PATH), ""),
        domain=values.parsed(_PREFIX + "domain", "a domain", _matching(_PLAIN), ""),
        expires=values.parsed(_PREFIX + "expires", "a number of seconds", _seconds, None),
        max_age=values.parsed(_PREFIX + "max-age", "a number of seconds", _seconds, None),
        secure=bool(values.boolean(_PREFIX + "secure")),
        same_site=values.choice(_PREFIX + "samesite", _SAME_SITE, ""),
        lenient=bool(values.boolean(_PREFIX + "conditional-samesite-none")),
        renews=bool(values.boolean(_PREFIX + "change-on-failure")),
    )
    if kind:
        yield Wanted(asked)


def _seconds(text: str) -> int | None:
    return int(text) if _SECONDS.fullmatch(text) else None


def _matching(pattern: re.Pattern[str]) -> Callable[[str], str | None]:
    return lambda text: text if pattern.fullmatch(text) else None
