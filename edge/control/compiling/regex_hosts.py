"""Hosts whose paths are regular expressions (use-regex and rewrite-target of ingress-nginx).

Rules of this file:
- If one Ingress of a host asks for it, the paths of all its Ingresses are patterns: they match from the start of a
  path, whatever its case, and `Exact` and `Prefix` lose their meaning. The longest text goes first, then the greater
  one. Routes of HTTPRoutes stay what they are.
- A pattern or a target that cannot be used closes its path (503). Of a pattern that cannot be read that is all that
  begins as one of its alternatives does before the first special character.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from edge.control.kinds.problems import Problem, error, warning
from edge.control.translate.parts import HostPart
from edge.table.patterns.matching import Expansion, PatternError, compile_pattern
from edge.table.policies import Closed, NoAccessLog, RegexRewrite
from edge.table.records import PathKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edge.control.kinds.objects import ObjectId
    from edge.control.translate.parts import RoutePart

    Owned = tuple[ObjectId, RoutePart]
    """A route and the object that asks for it."""
    Conflicts = dict[ObjectId, list[Problem]]

_PLAIN: Final = re.compile(r"[A-Za-z0-9/_~%,:;=@&!-]*")
_REPEATS: Final = ("*", "?", "+", "{")
_PIECE: Final = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|.", re.DOTALL)
"""An escape, a character class or one character of a pattern."""


def in_regex_mode(routes: Sequence[Owned], default: Owned | None, conflicts: Conflicts) -> HostPart:
    """The host with ROUTES, those of older objects first, and DEFAULT. CONFLICTS gets what cannot be used."""
    every = (*routes, default) if default is not None else routes
    if not any(part.regex for _, part in every):
        return HostPart(tuple(part for _, part in routes), default[1] if default is not None else None)
    others = [part for owner, part in routes if owner.kind != "Ingress"]
    routes = [(owner, part) for owner, part in routes if owner.kind == "Ingress"]
    exact = {part.text for _, part in routes if part.route.kind is PathKind.EXACT}
    found = [(text, owner, part) for owner, part in routes for text in _texts(part, exact)]
    found.sort(key=_rank, reverse=True)
    taken: dict[tuple[str, object], ObjectId] = {}
    patterns = []
    for text, owner, part in found:
        at = (text, part.route.conditions)
        if at in taken:
            message = f'path "{text}" gets no requests: as a regular expression it is the same in {taken[at]}'
            conflicts.setdefault(owner, []).append(warning("ShadowedPath", part.field, message))
        else:
            taken[at] = owner
            patterns.append(_judged(text, owner, part, conflicts))
    if default is not None:
        owner, part = default
        default = owner, _rewriting(part, owner, conflicts)
    return HostPart((*patterns, *others), default[1] if default is not None else None)


def _rank(found: tuple[str, ObjectId, RoutePart]) -> tuple[int, str]:
    return len(found[0]), found[0]  # sorting is stable, also in reverse: of equal ones the older object's goes first


def _texts(part: RoutePart, exact: set[str]) -> Iterator[str]:
    """The texts under which PART is looked for: a plain prefix has one with a slash at its end and one without."""
    text = part.text
    if part.regex or part.route.kind is not PathKind.PREFIX or text == "/":
        yield text
        return
    yield text.rstrip("/") + "/"
    if not text.endswith("/") and text not in exact:
        yield text


def _judged(text: str, owner: ObjectId, part: RoutePart, conflicts: Conflicts) -> RoutePart:
    """PART as a pattern with TEXT, or closed."""
    try:
        compile_pattern(text)
    except PatternError as fault:
        message = f'"{text}" cannot be used as a regular expression: {fault}; requests are answered 503'
        conflicts.setdefault(owner, []).append(error("InvalidPattern", f"{part.field}.path", message))
        return _closed(part, _beginning(text), f"{part.field}.path", str(fault))
    return _rewriting(replace(part, route=replace(part.route, kind=PathKind.PATTERN, path=text)), owner, conflicts)


def _rewriting(part: RoutePart, owner: ObjectId, conflicts: Conflicts) -> RoutePart:
    """PART, closed if its rewrite cannot be applied."""
    for policy in part.route.policies:
        if isinstance(policy, RegexRewrite):
            try:
                groups = compile_pattern(policy.pattern).groups
                Expansion(policy.target, groups)
                if policy.prefix:
                    Expansion(policy.prefix, groups)
            except PatternError as fault:
                message = f'"{policy.target}" cannot be used: {fault}; requests are answered 503'
                conflicts.setdefault(owner, []).append(error("InvalidPattern", policy.source, message))
                return _closed(part, part.route.path, policy.source, str(fault))
    return part


def _closed(part: RoutePart, pattern: str, source: str, reason: str) -> RoutePart:
    kept = tuple(one for one in part.route.policies if isinstance(one, NoAccessLog))
    route = replace(part.route, path=pattern, policies=(Closed(source, reason), *kept))
    if route.kind is not PathKind.PREFIX or pattern != "/":
        route = replace(route, kind=PathKind.PATTERN)
    return replace(part, route=route)


def _beginning(text: str) -> str:
    """A pattern for what every path that TEXT could have matched begins with."""
    return "|".join(dict.fromkeys(map(_plain_beginning, _alternatives(text))))


def _alternatives(text: str) -> list[str]:
    """The alternatives of the pattern TEXT; a bar in a group or a character class separates none."""
    found, depth = [""], 0
    for piece in _PIECE.findall(text):
        depth += {"(": 1, ")": -1}.get(piece, 0)
        if piece == "|" and depth <= 0:
            found.append("")
        else:
            found[-1] += piece
    return found


def _plain_beginning(text: str) -> str:
    plain = _PLAIN.match(text)
    size = plain.end() if plain is not None else 0
    return text[: size - 1 if text[size : size + 1] in _REPEATS else size] or "/"
