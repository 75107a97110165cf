"""Parameters of a request, and the part of a list that it asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

MOST: Final = 500
USUAL: Final = 50
MOST_WORDS: Final = 32
"""Most words of a search; each is compared with every entry."""
_DIGITS: Final = 9

T = TypeVar("T")
Question = dict[str, list[str]]
"""The parameters of a URL: their values by name."""


class QuestionError(ValueError):
    """A parameter is not valid; the message says which and why."""


def one(question: Question, name: str, default: str = "") -> str:
    """The value of NAME, which may be given once."""
    values = question.get(name, [default])
    if len(values) > 1:
        raise QuestionError(f"{name}: may be given once")
    return values[0]


def choice(question: Question, name: str, allowed: Collection[str], default: str) -> str:
    """The value of NAME, one of those ALLOWED."""
    value = one(question, name) or default
    if value != default and value not in allowed:
        raise QuestionError(f"{name}: must be one of {', '.join(sorted(allowed))}")
    return value


def number(question: Question, name: str, default: int, most: int) -> int:
    """A number from 0 to MOST."""
    text = one(question, name) or str(default)
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS and int(text) <= most):
        raise QuestionError(f"{name}: must be a number from 0 to {most}")
    return int(text)


def words(question: Question) -> list[str]:
    """What is searched for, in lower case."""
    found = one(question, "search").lower().split()
    if len(found) > MOST_WORDS:
        raise QuestionError(f"search: has more than {MOST_WORDS} words")
    return found


def known(question: Question, *names: str) -> None:
    """Refuse parameters that are not among NAMES.

    Raises:
        QuestionError: there is such a parameter.
    """
    for name in question:
        if name not in names:
            raise QuestionError(f"{name}: is no parameter here; there are {', '.join(names) or 'none'}")


def part(question: Question, found: Sequence[T]) -> tuple[Sequence[T], Mapping[str, Any]]:
    """The part of FOUND that QUESTION asks for, and the fields of the answer that describe it."""
    limit = number(question, "limit", USUAL, MOST)
    offset = number(question, "offset", 0, 10**_DIGITS - 1)
    return found[offset : offset + limit], {"total": len(found), "offset": offset, "limit": limit}
