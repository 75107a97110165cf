"""Label and field selectors.

https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

Test = Callable[[dict[str, Any]], bool]
_TERM = re.compile(
    r"^\s*(?P<key>[^\s!=(),]+)\s*(?:(?P<op>==|=|!=|\s+in\s+|\s+notin\s+)\s*(?P<value>\([^)]*\)|[^\s,()]*))?\s*$"
)


class SelectorError(ValueError):
    """The selector does not parse."""


def labels(text: str) -> Test:
    """Whether an object's labels match the selector TEXT."""
    tests = [_label_term(term) for term in re.split(r",(?![^(]*\))", text) if term.strip()]
    return lambda obj: all(test(obj["metadata"].get("labels") or {}) for test in tests)


def _label_term(term: str) -> Callable[[dict[str, str]], bool]:
    if term.strip().startswith("!"):
        absent = term.strip()[1:].strip()
        return lambda have: absent not in have
    match = _TERM.match(term)
    if match is None:
        raise SelectorError(f"unable to parse requirement: {term!r}")
    key, operator, value = match["key"], (match["op"] or "").strip(), match["value"] or ""
    if not operator:
        return lambda have: key in have
    values = {part.strip() for part in value.strip("()").split(",")}
    if operator in ("=", "==", "in"):
        return lambda have: have.get(key) in values
    return lambda have: have.get(key) not in values


SELECTABLE = {
    "Event": {"regarding.kind", "regarding.namespace", "regarding.name", "regarding.uid", "reason", "type"},
    "Namespace": {"status.phase"},
    "Node": {"spec.unschedulable"},
    "Pod": {"spec.nodeName", "spec.restartPolicy", "spec.serviceAccountName", "status.phase", "status.podIP"},
    "Secret": {"type"},
    "Service": {"spec.clusterIP", "spec.type"},
}
"""Fields by kind that can be selected by, besides name and namespace; a real server knows these and refuses others."""


def fields(text: str, kind: str) -> Test:
    """Whether the fields of an object of KIND match the selector TEXT (only `=`, `==` and `!=` exist for fields)."""
    tests = []
    for term in filter(None, text.split(",")):
        match = re.fullmatch(r"([\w.]+)(==|!=|=)(.*)", term)
        if match is None:
            raise SelectorError(f"invalid selector: {term!r}")
        if match[1] not in {"metadata.name", "metadata.namespace"} | SELECTABLE.get(kind, set()):
            raise SelectorError(f"field label not supported: {match[1]}")
        tests.append((match[1].split("."), match[2] != "!=", match[3]))
    return lambda obj: all((_field(obj, path) == value) is wanted for path, wanted, value in tests)


def _field(obj: Any, path: list[str]) -> str:
    for part in path:
        obj = (obj or {}).get(part)
    return str(obj or "")
