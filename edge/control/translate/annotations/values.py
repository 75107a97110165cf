"""Reading annotation values: the grammar that ingress-nginx has for all of them.

Booleans are Go's (strconv.ParseBool), integers are decimal, sizes are nginx's (`8k`, `10m`, `1g`). An empty value is
the same as no annotation. What cannot be read is reported, and the default stands.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeVar

from edge.control.kinds.problems import Problem, error

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX: Final = "nginx.ingress.kubernetes.io/"
_BOOLEANS: Final = {
    **dict.fromkeys(("1", "t", "T", "true", "TRUE", "True"), True),
    **dict.fromkeys(("0", "f", "F", "false", "FALSE", "False"), False),
}
_SIZE: Final = re.compile(r"([0-9]{1,15})([kKmMgG]?)")
_UNITS: Final = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_MOST: Final = 2**31 - 1
_MOST_SIZE: Final = 2**63 - 1

T = TypeVar("T")


def field(name: str) -> str:
    """The place of the annotation NAME (without prefix) in an Ingress."""
    return f'metadata.annotations["{PREFIX}{name}"]'


class Values:
    """The annotations of one Ingress, without their prefix."""

    def __init__(self, annotations: Mapping[str, str]) -> None:
        self._annotations = annotations
        self.problems: list[Problem] = []

    def text(self, name: str) -> str:
        """The value of NAME without space around it; empty: there is none."""
        return self._annotations.get(name, "").strip()

    def boolean(self, name: str, default: bool | None = None) -> bool | None:
        """A Go-style boolean."""
        text = self.text(name)
        if not text:
            return default
        value = _BOOLEANS.get(text)
        return value if value is not None else self._bad(name, text, 'a boolean ("true" or "false")', default)

    def integer(self, name: str, default: int, *, least: int = 0) -> int:
        """A decimal number, at least LEAST."""
        text = self.text(name)
        if not text:
            return default
        if not text.isascii() or not text.isdigit() or not least <= int(text[:11]) <= _MOST:
            return self._bad(name, text, f"a whole number from {least} on", default)
        return int(text)

    def size(self, name: str, default: int) -> int:
        """A number of bytes."""
        text = self.text(name)
        if not text:
            return default
        match = _SIZE.fullmatch(text)
        if match is None:
            return self._bad(name, text, "a size such as 512k, 10m or 1g", default)
        size = int(match[1]) * _UNITS[match[2].lower()]
        return size if size <= _MOST_SIZE else self._bad(name, text, "a size of less than 8 EiB", default)

    def choice(self, name: str, choices: Mapping[str, T], default: T) -> T:
        """One of the words in CHOICES, as what it stands for."""
        text = self.text(name)
        if not text:
            return default
        return choices[text] if text in choices else self._bad(name, text, "one of " + ", ".join(choices), default)

    def words(self, name: str, allowed: frozenset[str]) -> frozenset[str]:
        """Words between blanks, all of them ALLOWED."""
        words = frozenset(self.text(name).split())
        if words <= allowed:
            return words
        wrong = ", ".join(sorted(words - allowed))
        return self._bad(name, wrong, "made of " + ", ".join(sorted(allowed)), frozenset())

    def _bad(self, name: str, text: str, wanted: str, default: T) -> T:
        self.problems.append(
            error("InvalidAnnotation", field(name), f'"{text}" is not {wanted}; the annotation is ignored')
        )
        return default
