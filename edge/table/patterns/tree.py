"""The tree of a pattern, and its canonical form for the engines.

Rules of this file:
- A node stands for bytes, never for characters: nginx compiles patterns without UTF mode.
- `re` and PCRE2 read the result of `write` alike: classes are ranges of bytes, letters under `(?i)` are classes, named
  groups are numbered ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

ALL: Final = (1 << 256) - 1
NEWLINE: Final = 1 << 10
ASSERTIONS: Final = {
    b"b": rb"\b",
    b"B": rb"\B",
    b"A": rb"\A",
    b"Z": rb"(?=\n?(?![\x00-\xff]))",
    b"z": rb"(?![\x00-\xff])",
}
"""Places by the letter after the backslash, in a form that Python and PCRE2 share; `$` is `\\Z`."""
LOOKS: Final = (b"?=", b"?!", b"?<=", b"?<!")


@dataclass(frozen=True, slots=True)
class Byte:
    """One byte out of a set, which is a number of 256 bits."""

    mask: int


@dataclass(frozen=True, slots=True)
class Place:
    """A place between bytes, such as `$`."""

    text: bytes


@dataclass(frozen=True, slots=True)
class Back:
    """A back-reference to a group."""

    group: int
    ignore_case: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Branches within parentheses; OPENING is what follows the parenthesis: `` for a capturing group."""

    opening: bytes
    branches: tuple[tuple[Node, ...], ...]

    @property
    def is_look(self) -> bool:
        """Whether it is a look-around, which consumes nothing."""
        return self.opening in LOOKS


@dataclass(frozen=True, slots=True)
class Repeat:
    """NODE, from LEAST to MOST times (None: no limit); MODE is `` (greedy), `?` (lazy) or `+` (possessive)."""

    node: Node
    least: int
    most: int | None
    mode: bytes


Node = Byte | Place | Back | Group | Repeat
Branches = tuple[tuple[Node, ...], ...]


def write(branches: Branches) -> bytes:
    """The pattern in the canonical form, which `re` and PCRE2 both read alike."""
    return b"|".join(b"".join(map(_written, branch)) for branch in branches)


def _written(node: Node) -> bytes:
    if isinstance(node, Byte):
        return _written_byte(node.mask)
    if isinstance(node, Place):
        return node.text
    if isinstance(node, Back):
        return b"(?i:\\%d)" % node.group if node.ignore_case else b"(?:\\%d)" % node.group
    if isinstance(node, Group):
        return b"(%s%s)" % (node.opening, write(node.branches))
    count = b"{%d,%s}" % (node.least, b"" if node.most is None else b"%d" % node.most)
    return _written(node.node) + {b"{0,}": b"*", b"{1,}": b"+", b"{0,1}": b"?"}.get(count, count) + node.mode


def _written_byte(mask: int) -> bytes:
    if mask == ALL & ~NEWLINE:
        return b"."
    if mask.bit_count() == 1:
        byte = mask.bit_length() - 1
        return bytes((byte,)) if bytes((byte,)).isalnum() or byte in b"/_" else b"\\x%02x" % byte
    if not mask:
        return rb"(?![\x00-\xff])[\x00-\xff]"
    ranges, byte = [], 0
    while byte < 256:
        if mask >> byte & 1:
            low = byte
            while mask >> byte & 1:
                byte += 1
            ranges.append(b"\\x%02x-\\x%02x" % (low, byte - 1))
        byte += 1
    return b"[" + b"".join(ranges) + b"]"


def width(nodes: tuple[Node, ...]) -> int | None:
    """Bytes that NODES consume; None when that is not fixed."""
    total = 0
    for node in nodes:
        size: int | None = 0
        if isinstance(node, Byte):
            size = 1
        elif isinstance(node, Back):
            size = None
        elif isinstance(node, Group) and not node.is_look:
            sizes = {width(branch) for branch in node.branches}
            size = sizes.pop() if len(sizes) == 1 else None
        elif isinstance(node, Repeat):
            inner = width((node.node,))
            size = None if inner is None or node.least != node.most else inner * node.least
        if size is None:
            return None
        total += size
    return total
