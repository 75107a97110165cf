"""Parses patterns of users into a tree: a part of the grammar of pcre2pattern(3).

Rules of this file:
- Everything else (recursion, conditions, verbs, callouts, Unicode properties, `(?x)`, `(?m)`) is refused: its cost
  cannot be bounded, or paths do not need it.
- A refusal names the place in the text.
"""

from __future__ import annotations

import re
from typing import Final

from edge.table.patterns.tree import (
    ALL,
    ASSERTIONS,
    LOOKS,
    NEWLINE,
    Back,
    Branches,
    Byte,
    Group,
    Node,
    Place,
    Repeat,
    width,
)

LARGEST_PATTERN: Final = 1024
LARGEST_COUNT: Final = 1000
DEEPEST: Final = 16


class PatternError(ValueError):
    """The pattern cannot be used; the message has the place and the reason."""


def _mask(members: bytes) -> int:
    return sum(1 << byte for byte in set(members))


_DIGITS: Final = _mask(b"0123456789")
_UPPER: Final = _mask(bytes(range(65, 91)))
_LOWER: Final = _mask(bytes(range(97, 123)))
_WORD: Final = _DIGITS | _UPPER | _LOWER | _mask(b"_")
_SPACE: Final = _mask(b"\t\n\v\f\r ")
_PRINTED: Final = _mask(bytes(range(33, 127)))
_SETS: Final = {b"d": _DIGITS, b"w": _WORD, b"s": _SPACE, b"h": _mask(b"\t \xa0"), b"v": _mask(b"\n\v\f\r\x85")}
_CLASSES: Final = {
    **_SETS,
    **{letter.upper(): ALL & ~mask for letter, mask in _SETS.items()},
    b"N": ALL & ~NEWLINE,
}
_POSIX: Final = {
    b"alnum": _DIGITS | _UPPER | _LOWER,
    b"alpha": _UPPER | _LOWER,
    b"digit": _DIGITS,
    b"lower": _LOWER,
    b"upper": _UPPER,
    b"punct": _PRINTED & ~(_DIGITS | _UPPER | _LOWER),
    b"space": _SPACE,
    b"word": _WORD,
    b"xdigit": _mask(b"0123456789abcdefABCDEF"),
}
_CONTROLS: Final = {b"t": 9, b"n": 10, b"r": 13, b"f": 12, b"e": 27, b"a": 7}
_COUNT: Final = re.compile(rb"\{(\d+)(?:(,)(\d*))?\}")
_NAMED: Final = re.compile(rb"\?(?:P?<([A-Za-z_]\w*)>|'([A-Za-z_]\w*)')")
_FLAGS: Final = re.compile(rb"\?([a-zA-Z]*)(?:-([a-zA-Z]*))?([:)])")


class Reader:
    """Reads one pattern: `branches` is its tree, `groups` the number of its capturing groups."""

    def __init__(self, text: str, *, ignore_case: bool) -> None:
        """Read TEXT.

        Raises:
            PatternError: it is not a pattern of this grammar.
        """
        self.text = text.encode()
        self.at = 0
        self.groups = 0
        self.names: dict[str, int] = {}
        self._depth = 0
        self._open: set[int] = set()
        if len(self.text) > LARGEST_PATTERN:
            raise PatternError(f"longer than {LARGEST_PATTERN} bytes")
        self.branches = self._branches(ignore_case, dot_all=False)
        if self.at < len(self.text):
            raise self._error("a ) without its (")

    def _error(self, reason: str) -> PatternError:
        return PatternError(f"at character {self.at + 1}: {reason}")

    def _take(self, size: int = 1) -> bytes:
        taken = self.text[self.at : self.at + size]
        self.at += size
        return taken

    def _is_next(self, text: bytes) -> bool:
        return self.text.startswith(text, self.at)

    def _branches(self, ignore_case: bool, *, dot_all: bool) -> Branches:
        """Branches up to the closing parenthesis or the end."""
        branches: list[tuple[Node, ...]] = []
        nodes: list[Node] = []
        while self.at < len(self.text) and not self._is_next(b")"):
            if self._is_next(b"|"):
                self.at += 1
                branches.append(tuple(nodes))
                nodes = []
            elif self._is_next(b"(?") and (flags := _FLAGS.match(self.text, self.at + 1)) and flags[3] == b")":
                self.at = flags.end()
                ignore_case, dot_all = self._flags(flags, ignore_case, dot_all)
            elif self._is_next(rb"\Q"):
                end = self.text.find(rb"\E", self.at)
                literal = self.text[self.at + 2 : end if end >= 0 else len(self.text)]
                self.at = end + 2 if end >= 0 else len(self.text)
                nodes += [self._byte(1 << byte, ignore_case) for byte in literal]
                if literal:
                    nodes[-1] = self._repeated(nodes[-1])
            else:
                nodes.append(self._repeated(self._node(ignore_case, dot_all)))
        return (*branches, tuple(nodes))

    def _flags(self, flags: re.Match[bytes], ignore_case: bool, dot_all: bool) -> tuple[bool, bool]:
        on, off = flags[1], flags[2] or b""
        for flag in (on + off).decode():
            if flag not in "is":
                raise self._error(f"the flag {flag} is not supported")
        return (ignore_case or b"i" in on) and b"i" not in off, (dot_all or b"s" in on) and b"s" not in off

    @staticmethod
    def _byte(mask: int, ignore_case: bool) -> Byte:
        if ignore_case:
            mask |= (mask & _UPPER) << 32 | (mask & _LOWER) >> 32
        return Byte(mask)

    def _node(self, ignore_case: bool, dot_all: bool) -> Node:
        byte = self._take()
        if byte == b".":
            return Byte(ALL if dot_all else ALL & ~NEWLINE)
        if byte in (b"^", b"$"):
            return Place(ASSERTIONS[b"A" if byte == b"^" else b"Z"])
        if byte == b"[":
            return self._byte_class(ignore_case)
        if byte == b"(":
            return self._group(ignore_case, dot_all)
        if byte == b"\\":
            return self._escape(ignore_case)
        if byte in (b"*", b"+", b"?") or (byte == b"{" and _COUNT.match(self.text, self.at - 1)):
            self.at -= 1
            raise self._error("nothing to repeat")
        return self._byte(1 << byte[0], ignore_case)

    def _escape(self, ignore_case: bool) -> Node:
        if self._is_next(b"0") or self._is_next(b"x"):
            return self._byte(1 << self._number(), ignore_case)
        digits = re.compile(rb"[1-9]\d?").match(self.text, self.at)
        if digits:
            self.at = digits.end()
            group = int(digits[0])
            if group > self.groups or group in self._open:
                raise self._error(f"\\{group} refers to a group that is not closed before it")
            return Back(group, ignore_case)
        byte = self._take()
        if byte in _CLASSES:
            return Byte(_CLASSES[byte])
        if byte in ASSERTIONS:
            return Place(ASSERTIONS[byte])
        return self._byte(1 << self._escaped(byte), ignore_case)

    def _escaped(self, byte: bytes) -> int:
        if byte in _CONTROLS:
            return _CONTROLS[byte]
        if not byte:
            raise self._error("a \\ at the end")
        if byte.isalnum():
            raise self._error(f"\\{byte.decode()} is not supported")
        return byte[0]

    def _number(self) -> int:
        number = re.compile(rb"0([0-7]{0,2})|x([0-9A-Fa-f]{2})|x\{([0-9A-Fa-f]{1,2})\}").match(self.text, self.at)
        if number is None:
            raise self._error("not the number of a byte; write \\xhh")
        self.at = number.end()
        return int(number[1] or b"0", 8) if number[1] is not None else int(number[2] or number[3], 16)

    def _byte_class(self, ignore_case: bool) -> Byte:
        negated = self._is_next(b"^")
        self.at += negated
        mask, first = 0, True
        while first or not self._is_next(b"]"):
            if self.at >= len(self.text):
                raise self._error("a [ without its ]")
            first = False
            low = self._member()
            if isinstance(low, Byte):
                mask |= low.mask
                continue
            high = low
            if self._is_next(b"-") and not self._is_next(b"-]"):
                self.at += 1
                end = self._member()
                if isinstance(end, Byte) or end < low:
                    raise self._error("not a range of characters")
                high = end
            mask |= ((1 << high - low + 1) - 1) << low
        self.at += 1
        mask = self._byte(mask, ignore_case).mask
        return Byte(ALL & ~mask if negated else mask)

    def _member(self) -> Byte | int:
        """A member of a class: a set, or a byte that may begin a range."""
        posix = re.compile(rb"\[:(\^?)(\w+):\]").match(self.text, self.at)
        if posix:
            if posix[2] not in _POSIX:
                raise self._error(f"there is no class {posix[0].decode(errors='replace')}")
            self.at = posix.end()
            return Byte(ALL & ~_POSIX[posix[2]] if posix[1] else _POSIX[posix[2]])
        if self._is_next(b"[.") or self._is_next(b"[="):
            raise self._error("collating elements are not supported")
        byte = self._take()
        if byte != b"\\":
            return byte[0] if byte else 0
        if self._is_next(b"0") or self._is_next(b"x"):
            return self._number()
        byte = self._take()
        if byte in _CLASSES and byte != b"N":
            return Byte(_CLASSES[byte])
        return 8 if byte == b"b" else self._escaped(byte)

    def _group(self, ignore_case: bool, dot_all: bool) -> Node:
        opening, number = b"", 0
        named, flags = _NAMED.match(self.text, self.at), _FLAGS.match(self.text, self.at)
        if named or not (self._is_next(b"?") or self._is_next(b"*")):
            self.groups += 1
            number = self.groups
        if named:
            self.at = named.end()
            name = (named[1] or named[2]).decode()
            if name in self.names:
                raise self._error(f"the name {name} is given twice")
            self.names[name] = number
        elif flags:
            self.at = flags.end()
            ignore_case, dot_all = self._flags(flags, ignore_case, dot_all)
            opening = b"?:"
        elif not number:
            opening = next((look for look in (*LOOKS, b"?>") if self._is_next(look)), b"")
            if not opening:
                raise self._error(f"({self._take(2).decode(errors='replace')} is not supported")
            self.at += len(opening)
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._error(f"more than {DEEPEST} groups within each other")
        self._open.add(number)
        branches = self._branches(ignore_case, dot_all=dot_all)
        self._open.discard(number)
        self._depth -= 1
        if self._take() != b")":
            raise self._error("a ( without its )")
        group = Group(opening, branches)
        if opening in (b"?<=", b"?<!") and any(width(branch) is None for branch in branches):
            raise self._error("what a look-behind looks for needs a fixed length")
        return group

    def _repeated(self, node: Node) -> Node:
        """NODE with the quantifiers that follow it."""
        count = _COUNT.match(self.text, self.at)
        if count:
            least = int(count[1])
            most = least if not count[2] else int(count[3]) if count[3] else None
        elif self.at < len(self.text) and (sign := self.text[self.at : self.at + 1]) in (b"*", b"+", b"?"):
            least, most = {b"*": (0, None), b"+": (1, None), b"?": (0, 1)}[sign]
        elif re.compile(rb"\{ *,").match(self.text, self.at):
            raise self._error("a count begins with its least number: write {0,n}, or \\{ for the character")
        else:
            return node
        if max(least, most or 0) > LARGEST_COUNT or (most is not None and most < least):
            raise self._error(f"a count is at most {LARGEST_COUNT}, and its ends are in order")
        if isinstance(node, Place) or (isinstance(node, Group) and node.is_look):
            raise self._error("nothing to repeat")
        self.at = count.end() if count else self.at + 1
        mode = self._take() if self._is_next(b"?") or self._is_next(b"+") else b""
        if self.at < len(self.text) and self.text[self.at] in b"*+?":
            raise self._error("nothing to repeat")
        return Repeat(node, least, most, mode)
