"""The cost of a match of a pattern, estimated from the pattern's tree.

Rules of this file:
- Costs are upper bounds, in bytes read, for a text of `LONGEST` bytes.
- A repeat at the end of the pattern is tried once, because nothing after it can fail. A repeat of bytes that cannot
  come next can end in one place only, so backtracking into it is useless.
- A cost that cannot be estimated is `ENDLESS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from edge.table.patterns.tree import ASSERTIONS, Back, Branches, Byte, Group, Node, Place, Repeat, width

LONGEST: Final = 8192
"""Bytes of the longest text that is matched."""
ENDLESS: Final = 1 << 62
"""A cost without a useful bound."""


@dataclass(slots=True)
class Cost:
    """The most bytes that a match may read."""

    steps: int = 0
    """By a backtracking engine."""
    unseen: int = 0
    """The part of it that PCRE2 does not count against its match limit: bytes read within one step."""


def cost(branches: Branches, *, limit: int) -> Cost:
    """The cost of a match anchored at its start, if PCRE2 ends it after LIMIT counted steps."""
    meter = _Meter(limit)
    meter.branches(branches, (), 1, last=True)
    return Cost(min(meter.steps, ENDLESS), min(meter.unseen, ENDLESS))


class _Meter:
    """Adds up what the nodes of a pattern cost.

    WAYS is in how many ways a node can be reached, which is how often it is tried; each method gives the ways in which
    its nodes can end. AFTER is what follows them, and LAST says that the match is complete when they end.
    """

    def __init__(self, limit: int) -> None:
        self.steps = 0
        self.unseen = 0
        self._limit = limit

    def branches(self, branches: Branches, after: tuple[Node, ...], ways: int, *, last: bool) -> int:
        return sum(self._sequence(branch, after, ways, last=last) for branch in branches)

    def _sequence(self, nodes: tuple[Node, ...], after: tuple[Node, ...], ways: int, *, last: bool) -> int:
        for position, node in enumerate(nodes):
            rest = nodes[position + 1 :]
            ways = min(self._node(node, rest + after, ways, last=last and not rest), ENDLESS)
        return ways

    def _node(self, node: Node, after: tuple[Node, ...], ways: int, *, last: bool) -> int:
        self.steps += ways
        if isinstance(node, Back):
            self.steps += ways * LONGEST
            self.unseen += min(ways, self._limit) * LONGEST
        elif isinstance(node, Group):
            return self._group(node, after, ways, last=last)
        elif isinstance(node, Repeat):
            many = self._bytes if isinstance(node.node, Byte) else self._groups
            return many(node, after, ways, last=last)
        return ways

    def _group(self, node: Group, after: tuple[Node, ...], ways: int, *, last: bool) -> int:
        if not node.is_look and node.opening != b"?>":
            return self.branches(node.branches, after, ways, last=last)
        if node.opening == b"?>":
            self.steps = ENDLESS  # new in `re`, as possessive repeats are
        self.branches(node.branches, (), ways, last=False)
        if any(width(branch) is None for branch in node.branches):
            self.unseen += min(ways, self._limit) * LONGEST
        return ways

    def _bytes(self, node: Repeat, after: tuple[Node, ...], ways: int, *, last: bool) -> int:
        """A repeat of one byte."""
        assert isinstance(node.node, Byte)  # noqa: S101
        most = LONGEST if node.most is None else node.most
        self.steps += most + ways * node.least if last else ways * most  # the end of the pattern succeeds once
        if node.mode == b"+":
            self.steps = ENDLESS
            self.unseen += min(ways, self._limit) * most
            return ways
        if last:
            return ways
        if _is_settled(node.node.mask, after):
            self.steps += ways * most * _looks(after[0])
            return ways
        return ways * (most - node.least + 1)

    def _groups(self, node: Repeat, after: tuple[Node, ...], ways: int, *, last: bool) -> int:
        """A repeat of something longer: PCRE2's, unless it is optional only."""
        if node.most == 1 and node.mode != b"+":
            inner = self._sequence((node.node,), after, ways, last=last)
            return inner if node.least else ways + inner
        self.steps = ENDLESS
        if node.mode == b"+":
            self.unseen = ENDLESS  # the inner part is tried repeatedly, and not counted
        self._sequence((node.node,), (), ENDLESS, last=False)
        return ENDLESS


def _is_settled(mask: int, after: tuple[Node, ...]) -> bool:
    """Whether a repeat of MASK can end in one place only, given the bytes AFTER it, so that backtracking is useless."""
    if not after:
        return False
    following = after[0]
    if isinstance(following, Place):
        return following.text in (ASSERTIONS[b"Z"], ASSERTIONS[b"z"])
    if isinstance(following, Repeat) and following.least:
        following = following.node
    if isinstance(following, Group) and not following.is_look:
        return all(_is_settled(mask, branch) for branch in following.branches)
    return isinstance(following, Byte) and not following.mask & mask


def _looks(node: Node) -> int:
    """Steps until NODE, which determines the end of a repeat, is found not to match; a byte takes none."""
    if isinstance(node, Place):
        return len(ASSERTIONS[b"Z"].split(b"(")) + 1  # each parenthesis is a step, and so is the optional newline
    if isinstance(node, Repeat):
        return 1 + _looks(node.node)
    if isinstance(node, Group):
        return sum(1 + _looks(branch[0]) for branch in node.branches)
    return 0
