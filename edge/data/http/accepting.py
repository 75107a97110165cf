"""The content codings that a client accepts (RFC 9110, section 12.5.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

IDENTITY: Final = "identity"
MOST: Final = 32
"""Members of a list that are read."""


def weights(value: bytes) -> dict[str, float]:
    """The weight of each coding that VALUE, of the field Accept-Encoding, names; malformed members have none."""
    found: dict[str, float] = {}
    for member in value.decode("latin-1").lower().split(",")[:MOST]:
        name, *parameters = (part.strip() for part in member.split(";"))
        weight = _weight(parameters)
        if name and weight is not None:
            found.setdefault("gzip" if name == "x-gzip" else name, weight)
    return found


def preferred(value: bytes, offered: Iterable[str]) -> str:
    """The one of the OFFERED codings that a client prefers by VALUE, of several the first; empty: none, or it prefers
    content without a coding."""
    given = weights(value)
    rest = given.get("*", 0.0)
    best, least = "", given.get(IDENTITY, 0.0)
    for name in offered:
        weight = given.get(name, rest)
        if weight > 0 and (weight > least or (not best and weight == least)):
            best, least = name, weight
    return best


def _weight(parameters: list[str]) -> float | None:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                weight = float(value)
            except ValueError:
                return None
            return weight if 0 <= weight <= 1 else None
    return 1.0
