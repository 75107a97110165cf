"""Which of the objects in a document Edge reads.

Rules of this file:
- Kinds that Edge does not read are ignored. Two things are reported: a kind that Edge reads, in another version of its
  API, and a name that is nearly that of a kind of the same API group.
- Lists are taken apart; an item may leave out what its list says already.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Final

import msgspec

from edge.control.containment import contain
from edge.control.kinds.admission import Refused, admit
from edge.control.kinds.registry import DEFINITIONS, KINDS
from edge.control.sources.files.documents import implied

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from edge.control.kinds.objects import Object

READ: Final = frozenset(DEFINITIONS)
"""The kinds that are read."""
_OTHER_GROUPS: Final = ("extensions", "networking.k8s.io", "discovery.k8s.io", "gateway.networking.k8s.io")
"""Groups that these kinds have, or had, versions in."""
_DEEPEST_LIST: Final = 4

_NEARLY: Final = 0.85
"""Similarity (difflib) from which an unknown kind is taken for a misspelt one."""

Place = tuple[int, int]
"""Document and item, from 1; item 0: the document itself; document 0: the file as a whole."""


class Fault(msgspec.Struct, frozen=True, gc=False):
    """Something in a file that cannot be used."""

    place: Place
    kind: str
    """The kind that it seems to be, if known; `namespace` and `name` likewise."""
    namespace: str
    name: str
    message: str
    certain: bool
    """Whether kind, namespace and name are those of the text, and not a guess."""


def objects(value: object, kind: str = "", item: int = 0, depth: int = 0) -> Iterator[tuple[int, Object | Fault]]:
    """The objects in VALUE with the number of the list item that each is, 0 for VALUE itself.

    KIND: that of VALUE if it has none of its own. For an object that is not valid the fault is returned in its place.
    """
    if value is None:
        return
    if not isinstance(value, dict):
        described = "a list" if isinstance(value, list) else "plain text or a number"
        yield item, _nameless("", f"{described} is no Kubernetes object")
        return
    kind = value.get("kind") or kind
    if isinstance(kind, str) and kind.endswith("List") and "items" in value and depth < _DEEPEST_LIST:
        items = value["items"]
        for number, one in enumerate(items if isinstance(items, list) else (), 1):
            yield from ((item or number, found) for _, found in objects(one, implied(kind), 0, depth + 1))
        return
    if "kind" not in value and kind in READ and "apiVersion" not in value:
        value = {**value, "apiVersion": KINDS[kind].api_version}
    found = _object(value, kind)
    if found is not None:
        yield item, found


def _object(value: dict[str, Any], kind: object) -> Object | Fault | None:
    """The object in VALUE; None: Edge does not read it."""
    version = value.get("apiVersion")
    if not isinstance(kind, str) or not kind:
        return _nameless("", "kind: required")
    if not isinstance(version, str) or not version:
        return _nameless(kind, "apiVersion: required")
    if kind not in READ:
        meant = _misspelt(kind, version)
        return _nameless(kind, f'kind: there is no "{kind}" in {version}; did you mean {meant}?') if meant else None
    return _object_of(kind, version, value)


def _object_of(kind: str, version: str, value: dict[str, Any]) -> Object | Fault | None:
    metadata = value.get("metadata")
    name, namespace = _identity(metadata, kind) if isinstance(metadata, dict) else ("", "")
    wanted = KINDS[kind].api_version
    if version != wanted and version not in DEFINITIONS[kind].versions:
        if "/" in version and version.partition("/")[0] not in _OTHER_GROUPS:
            return None  # another project's kind of the same name
        message = f'apiVersion: "{version}" of this kind is not served; use {wanted}'
        return Fault((0, 0), kind, namespace, name, message, certain=bool(name))

    def admitted() -> Object | Fault:
        try:
            return admit(value, kind)
        except Refused as error:
            return failed(str(error))

    def failed(message: str) -> Object | Fault:
        return Fault((0, 0), kind, namespace, name, message, certain=bool(name))

    return contain(f"{kind} {namespace}/{name}", admitted, failed)


def _misspelt(kind: str, version: str) -> str:
    """The kind of the API group of VERSION that KIND is nearly the name of; empty: none."""
    close = difflib.get_close_matches(kind, READ, n=1, cutoff=_NEARLY)
    return close[0] if close and _group(KINDS[close[0]].api_version) == _group(version) else ""


def _group(version: str) -> str:
    return version.rpartition("/")[0]


def _identity(metadata: Mapping[str, object], kind: str) -> tuple[str, str]:
    name, namespace = metadata.get("name"), metadata.get("namespace")
    if not isinstance(name, str):
        return "", ""
    if not DEFINITIONS[kind].namespaced:
        return name, ""
    return name, namespace if isinstance(namespace, str) and namespace else "default"


def _nameless(kind: str, message: str) -> Fault:
    return Fault((0, 0), kind, "", "", message, certain=False)
