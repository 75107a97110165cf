"""Splits nginx's configuration language into directives, without their meaning.

Rules of this file:
- A directive is words and then `;`, or `{` with directives of its own until `}` (nginx docs, "Configuration file's
  structure"). The last one of a snippet may lack its `;`: users forget it, and it is clear what they mean.
- A word may be quoted by `"` or `'`. A backslash takes the meaning from the character after it. It stays in the word,
  because patterns are full of them, but before a quote or another backslash; `\\t`, `\\r` and `\\n` are one character.
- `{` after `$` begins the name of a variable, not a block. `#` begins a comment where a word could begin.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_TOKEN: Final = re.compile(
    r"""
    (?P<blank>[ \t\r\n]+ | \#[^\n]*)
    | (?P<mark>[;{}])
    | "(?P<double>(?:[^"\\]|\\.)*)" (?=[\s;{)]|$)
    | '(?P<single>(?:[^'\\]|\\.)*)' (?=[\s;{)]|$)
    | (?P<word>(?:[^\s;{}"'\\$] | \\. | \$\{ [^\s;{}]* \} | \$ ) (?:[^\s;{}\\$] | \\. | \$\{ [^\s;{}]* \} | \$ )*)
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPED: Final = re.compile(r"\\([\"'\\trn])")
_CONTROLS: Final = {"t": "\t", "r": "\r", "n": "\n"}
_MOST_DEEP: Final = 2


class SnippetError(ValueError):
    """Edge does not support the snippet; the message has the line and the reason."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")


class Directive(NamedTuple):
    """One directive. BLOCK: what its braces hold; None: it has none."""

    line: int
    """From 1."""
    name: str
    words: tuple[str, ...]
    block: tuple[Directive, ...] | None


def directives(text: str) -> tuple[Directive, ...]:
    """The directives of TEXT.

    Raises:
        SnippetError: TEXT does not have that form.
    """
    return _Reader(text).read(0)


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def read(self, depth: int) -> tuple[Directive, ...]:
        """Directives up to the end of the block at DEPTH; 0: of the text."""
        found: list[Directive] = []
        words: list[str] = []
        line = 0
        while (token := self._next()) is not None:
            mark, word, at = token
            if not mark:
                line = line if words else at
                words.append(word)
            elif mark == "}":
                if words:
                    raise SnippetError(line, f'";" is missing after "{words[0]}"')
                if not depth:
                    raise SnippetError(at, 'unexpected "}"')
                return tuple(found)
            elif not words:
                raise SnippetError(at, f'unexpected "{mark}"')
            else:
                if mark == "{" and depth + 1 >= _MOST_DEEP:
                    raise SnippetError(line, f'"{words[0]}" with a block cannot stand within another block')
                block = self.read(depth + 1) if mark == "{" else None
                found.append(Directive(line, words[0], tuple(words[1:]), block))
                words = []
        if depth:
            raise SnippetError(self._line(), '"}" is missing')
        if words:
            found.append(Directive(line, words[0], tuple(words[1:]), None))
        return tuple(found)

    def _next(self) -> tuple[str, str, int] | None:
        """A mark, or a word, and its line; None: the text has ended."""
        while self._at < len(self._text):
            match = _TOKEN.match(self._text, self._at)
            if match is None:
                raise SnippetError(self._line(), f'a quote that does not end, or an odd "{self._text[self._at]}"')
            line = self._line()
            self._at = match.end()
            kind = match.lastgroup
            if kind == "mark":
                return match["mark"], "", line
            if kind != "blank" and kind is not None:
                return "", _ESCAPED.sub(lambda found: _CONTROLS.get(found[1], found[1]), match[kind]), line
        return None

    def _line(self) -> int:
        return self._text.count("\n", 0, self._at) + 1
