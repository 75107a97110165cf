"""Texts with variables in nginx's syntax: `$name` or `${name}`.

Rules of this file:
- A text is parsed once; filling it in is one pass over its parts.
- The variables that a text may use are a closed list of its reader. `$http_NAME`, `$cookie_NAME` and `$arg_NAME` stand
  for a whole family and are in the list as `http_`, `cookie_` and `arg_`.
- `$` before anything but a name is an error: nginx has no way to write a bare `$` either. A reader that takes `$`
  literally does not use this module.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

FAMILIES: Final = (
    "http_",
    "cookie_",
    "arg_",
    "sent_http_",
    "sent_trailer_",
    "upstream_http_",
    "upstream_trailer_",
    "upstream_cookie_",
    "geoip_",
    "geoip2_",
    "modsecurity_",
)
"""Beginnings of names whose end names a field, a cookie, an argument, or one of many of a kind."""

MOST_NAMED: Final = 20
"""Variables that a message lists."""
_NAME: Final = re.compile(r"\$(?:([A-Za-z0-9_]+)|\{([A-Za-z0-9_]+)\})")


class TemplateError(ValueError):
    """The text cannot be used; the message has the variable and the reason."""


class Variable(NamedTuple):
    """A variable in a text."""

    name: str
    """Without the dollar, in lower case; of a member of a family `http_x_user`."""

    @property
    def family(self) -> tuple[str, str] | None:
        """`http_` and `x_user` of `http_x_user`; None for a variable that stands alone."""
        for family in FAMILIES:
            if self.name.startswith(family) and len(self.name) > len(family):
                return family, self.name[len(family) :]
        return None


class Template:
    """A text in its parts."""

    __slots__ = ("_frame", "parts", "text", "variables")

    def __init__(self, text: str, parts: tuple[str | Variable, ...]) -> None:
        self.text = text
        self.parts = parts
        """Literal text and variables in turn; no two literals stand side by side, and none is empty."""
        self.variables = tuple(dict.fromkeys(part.name for part in parts if isinstance(part, Variable)))
        """Names of the variables, each once."""
        self._frame = tuple((part.name, "") if isinstance(part, Variable) else ("", part) for part in parts)

    def __repr__(self) -> str:
        return f"<Template {self.text!r}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Template) and self.parts == other.parts

    def __hash__(self) -> int:
        return hash(self.parts)

    def fill(self, values: Mapping[str, str]) -> str:
        """The text with VALUES in the places of the variables; a variable without a value is empty, as in nginx."""
        return "".join([values.get(name, "") if name else literal for name, literal in self._frame])


def parse(text: str, allowed: Collection[str]) -> Template:
    """The template TEXT, which uses no variables but those ALLOWED. Case does not count in names, as in nginx.

    Raises:
        TemplateError: TEXT uses another variable, or a `$` that begins none.
    """
    parts: list[str | Variable] = []
    at = 0
    for found in _NAME.finditer(text):
        _literal(parts, text, at, found.start())
        parts.append(_variable((found[1] or found[2]).lower(), found[0], allowed))
        at = found.end()
    _literal(parts, text, at, len(text))
    return Template(text, tuple(parts))


def _literal(parts: list[str | Variable], text: str, begin: int, end: int) -> None:
    dollar = text.find("$", begin, end)
    if dollar >= 0:
        raise TemplateError(f"the $ at character {dollar + 1} is not followed by the name of a variable")
    if end > begin:
        parts.append(text[begin:end])


def _variable(name: str, written: str, allowed: Collection[str]) -> Variable:
    variable = Variable(name)
    family = variable.family
    if (name in allowed and name not in FAMILIES) or (family is not None and family[0] in allowed):
        return variable
    near = difflib.get_close_matches(name, allowed, n=1)
    hint = f"; did you mean ${near[0]}?" if near else ""
    raise TemplateError(f"there is no variable {written} here{hint or _choice(allowed)}")


def _choice(allowed: Collection[str]) -> str:
    """The variables in ALLOWED, or where to find them: an Event has no room for a hundred."""
    if len(allowed) > MOST_NAMED:
        return "; docs/access-log.md and docs/migration.md list the variables"
    choice = ", ".join(f"${known}{'*' if known in FAMILIES else ''}" for known in sorted(allowed))
    return f"; there are {choice}" if choice else ""
