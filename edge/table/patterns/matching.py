"""Patterns of users, as in nginx: matched from the start of a text, with bounded work.

Rules of this file:
- The control plane compiles a pattern to check it, a worker to use it; both get the same result.
- Patterns with a small cost are matched by `re`, which is the fastest. All others are matched by PCRE2, the engine of
  nginx, with a limit on its steps. Patterns that neither can bound are refused when they are compiled.
- A match that reaches the limit raises `PatternLimitError`, and the caller must fail closed: nginx answers 500 in that
  case.
- Texts are bytes. Groups that took no part in a match are empty, as nginx's `$1` is.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from edge.table.patterns.cost import LONGEST, cost
from edge.table.patterns.grammar import PatternError, Reader
from edge.table.patterns.tree import ALL, ASSERTIONS, Byte, Group, Place, Repeat, write

if TYPE_CHECKING:
    import pcre2

__all__ = ["LONGEST", "Expansion", "Pattern", "PatternError", "PatternLimitError", "compile_pattern"]

PLAIN: Final = 100_000
"""Bytes that `re` may read in the worst case, less than a millisecond; it has no limit of its own."""
STEPS: Final = 50_000
"""Steps after which PCRE2 stops, at about ten nanoseconds each."""
UNSEEN: Final = 1_000_000
"""Bytes that PCRE2 may read without counting them as steps."""
HEAP: Final = 16_384
"""KiB of memory that PCRE2 may use for backtracking."""


class PatternLimitError(Exception):
    """The match was stopped: it takes more steps than are allowed, or the text is longer than `LONGEST`."""


class Pattern:
    """A compiled pattern."""

    def __init__(
        self, text: str, plain: re.Pattern[bytes] | None, bounded: pcre2.Pattern | None, reader: Reader
    ) -> None:
        self.text = text
        self.groups = reader.groups
        """Number of capturing groups."""
        self.names = reader.names
        """Numbers of the groups that have names."""
        self._plain = plain
        self._bounded = bounded
        self._text: bytes | None = None
        """The last text that was matched, and `_found` in it: a route and its rewrite ask for the same."""
        self._found: tuple[bytes, ...] | None = None

    def __repr__(self) -> str:
        return f"<Pattern {self.text!r} by {'re' if self._plain else 'PCRE2'}>"

    @property
    def is_plain(self) -> bool:
        """Whether `re` matches it, in about half a microsecond; PCRE2 takes five to ten."""
        return self._plain is not None

    def match(self, text: bytes) -> tuple[bytes, ...] | None:
        """What the groups match in TEXT, or None if the pattern does not match.

        Raises:
            PatternLimitError: there is no result.
        """
        if text is self._text or (self._text is not None and text == self._text):
            return self._found
        if len(text) > LONGEST:
            raise PatternLimitError
        if self._plain is not None:
            match = self._plain.match(text)
            found = match.groups(b"") if match is not None else None
        else:
            found = self._match_bounded(text)
        self._text, self._found = text, found
        return found

    def _match_bounded(self, text: bytes) -> tuple[bytes, ...] | None:
        import pcre2  # noqa: PLC0415  # the few patterns that need it pay for it

        assert self._bounded is not None  # noqa: S101
        try:
            found = self._bounded.match(text)
        except pcre2.LibraryError as error:
            raise PatternLimitError from error
        return tuple(group or b"" for group in found.groups()) if found is not None else None


@lru_cache(maxsize=1024)
def compile_pattern(text: str, *, ignore_case: bool = True, anchored: bool = True, whole: bool = False) -> Pattern:
    """The pattern TEXT, shared by all users of the same one.

    ANCHORED: it must match at the start of a text; the end of a match is open. WHOLE: it must match a text from its
    start to its end.

    Each branch of `a|b` is anchored, where nginx would anchor the first only.

    Raises:
        PatternError: it is not valid, or its cost cannot be bounded.
    """
    reader = Reader(text, ignore_case=ignore_case)
    branches = reader.branches
    if whole:
        branches = ((Group(b"?:", branches), Place(ASSERTIONS[b"z"])),)
    elif not anchored:
        anywhere = Repeat(Byte(ALL), 0, None, b"?")
        branches = ((anywhere, Group(b"?:", branches)),)
    price = cost(branches, limit=STEPS)
    written = write(branches)
    if price.steps <= PLAIN:
        return Pattern(text, re.compile(written), None, reader)
    if price.unseen > UNSEEN:
        raise PatternError(
            "a look-around, a back-reference or a possessive repeat stands where it may be tried at each character, "
            "and that cannot be bounded; move it to the front, or give it a fixed length"
        )
    return Pattern(text, None, _bounded(written), reader)


def _bounded(written: bytes) -> pcre2.Pattern:
    import pcre2  # noqa: PLC0415

    # NO_AUTO_POSSESS: repeats that the engine would make possessive are not counted. NO_JIT: it counts otherwise.
    limits = b"(*NO_JIT)(*NO_AUTO_POSSESS)(*LIMIT_MATCH=%d)(*LIMIT_HEAP=%d)" % (STEPS, HEAP)
    try:
        return pcre2.compile(limits + written, jit=False)
    except (pcre2.PatternError, pcre2.LibraryError) as error:
        raise PatternError(str(error)) from error


_REFERENCE: Final = re.compile(r"\$(?:([0-9])|\{([0-9])\})")


class Expansion:
    """A text with `$1` to `$9`, which stand for what the groups of a pattern matched; `${1}` is the same."""

    def __init__(self, text: str, groups: int) -> None:
        """Read TEXT, to be filled from so many GROUPS. As in nginx, `$3` of a pattern with two groups is empty.

        Raises:
            PatternError: TEXT uses `$0`, which nginx does not have, or `$` before anything but a group.
        """
        self.text = text
        literals: list[bytes] = []
        numbers: list[int] = []
        """Of groups, counted from 0; -1: one that does not exist."""
        at = 0
        for found in _REFERENCE.finditer(text):
            literals.append(self._literal(text[at : found.start()]))
            number = int(found[1] or found[2])
            if not number:
                raise PatternError("$0 does not exist; put parentheses around the whole pattern and use $1")
            numbers.append(number - 1 if number <= groups else -1)
            at = found.end()
        literals.append(self._literal(text[at:]))
        self._first = literals[0]
        self._numbers = tuple(numbers)
        self._literals = tuple(literals[1:])
        """What stands behind each of the groups."""

    @staticmethod
    def _literal(text: str) -> bytes:
        if "$" in text:
            raise PatternError("a $ must be followed by the number of a group, 1 to 9")
        return text.encode()

    def expand(self, groups: tuple[bytes, ...]) -> bytes:
        """The text for GROUPS, as `Pattern.match` returns them."""
        expanded = self._first
        at = 0
        for number in self._numbers:
            if number >= 0:
                expanded = _behind(expanded, groups[number])
            expanded = _behind(expanded, self._literals[at])
            at += 1  # noqa: SIM113 - a number of C
        return expanded


def _behind(text: bytes, piece: bytes) -> bytes:
    """TEXT with PIECE behind it."""
    return text if not piece else text + piece if text else piece
