"""Splits a file's text into documents, and lists into their items, without decoding them.

Rules of this file:
- Splitting looks at the text alone and costs very little, so that a file of thousands of documents can be read again
  after each edit: only those whose text is different are decoded.
- YAML's document markers stand at the beginning of a line and nowhere else, not even in quoted text or block scalars
  (YAML 1.2, 9.1.2), so splitting there is exact. For the items of a `List` it is not quite: an anchor may be used in
  another item. If decoding an item fails, the caller must decode the whole document, `Piece.whole`.
- Documents are numbered as a reader would: a comment before the first `---` is none, then each `---` begins one.
"""

from __future__ import annotations

import json
import re
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from edge.control.sources.files.decoding import DocumentError, decode_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

_NO_CONTENT: Final = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\r?\n|%[^\n]*\n)*[ \t]*(?:#[^\n]*)?")
_ENDED_AT_ONCE: Final = re.compile(rf"(?:{_NO_CONTENT.pattern}\n)?\.\.\.[ \t\r\n]*")
_PLAIN_MARKER: Final = "---\n"
_MARKER: Final = re.compile(r"^(?:---(?=[ \t\r\n]|\Z)|\.\.\.[ \t\r]*(?:\n|\Z))", re.MULTILINE)
_SPACE: Final = re.compile(r"[ \t\r\n]*")
_LIST_HEAD: Final = re.compile(r"\nkind:[ \t]*[\"']?[A-Za-z]*List[\"']?[ \t\r]*\n")
_ITEMS: Final = re.compile(r"\nitems:[ \t\r]*\n(?:[ \t]*(?:#[^\n]*)?\r?\n)*( *)(?=- )")
_KIND: Final = re.compile(r"(?:^|[{,])[ \t\-]*\"?kind\"?:[ \t]*[\"']?([A-Za-z]+)", re.MULTILINE)
_METADATA: Final = re.compile(r"\"?\bmetadata\"?:")
_NAME: Final = re.compile(
    r"(^|[{,])([ \t]*)[\"']?(name|namespace)[\"']?:[ \t]*[\"']?([a-z0-9][-a-z0-9.]*)", re.MULTILINE
)


class Form(Enum):
    """How a piece is written."""

    YAML = 0
    PLAIN = 1
    """YAML without its last line end."""
    YAML_ITEM = 2
    """One item of a YAML list, with the dash before it."""
    JSON = 3


class Content(NamedTuple):
    """All that the content of a piece depends on."""

    text: str
    form: Form
    kind: str = ""
    """The kind that the list gives to an item without one."""


class Piece(NamedTuple):
    """A document, or an item of a document that is a list."""

    content: Content
    document: int
    """From 1."""
    item: int = 0
    """From 1; 0: the whole document."""
    offset: int = 0
    """Its offset in the file, in characters."""
    whole: tuple[str, int] | None = None
    """The document that it was cut from, and its offset."""


class _Envelope(msgspec.Struct):
    kind: Any = ""
    items: list[msgspec.Raw] | None = None


_ENVELOPE: Final = msgspec.json.Decoder(_Envelope)


def cut(text: str, *, is_json: bool) -> list[Piece]:
    """The pieces of a file with this TEXT; IS_JSON: it cannot be YAML."""
    parted = None if is_json else _part(text)
    if parted is not None and all(map(is_plain, parted[1])):
        return _plain_pieces(text, *parted)
    if is_json or text.lstrip()[:1] in ("{", "["):
        pieces = _json(text)
        if pieces is not None:
            return pieces
        if is_json:
            return [Piece(Content(text, Form.JSON), 1)] if text.strip() else []
    pieces = []
    offset = 0
    for number, document in enumerate(_documents(text), 1):
        # A document has the same content as the first of a file, which has no marker, and as any other.
        marker = len(_PLAIN_MARKER) if document.startswith(_PLAIN_MARKER) else 0
        body, begin = document[marker:], offset + marker
        pieces += _items(body, number, begin) or [Piece(Content(body, Form.YAML), number, offset=begin)]
        offset += len(document)
    return pieces


def bodies(text: str) -> list[str] | None:
    """The documents of a file that are parted by lines of three dashes and nothing else, without their last line end.

    They are what `cut` returns if all of them are plain. None: TEXT needs a closer look.
    """
    parted = _part(text)
    return parted[1] if parted is not None else None


def _part(text: str) -> tuple[int, list[str]] | None:
    """`bodies`, with the place where they begin."""
    if not text.endswith("\n"):
        return None
    first, *others = text[:-1].split("\n---")
    if not all(one[:1] in ("\n", "") for one in others):
        return None
    found = [one[1:] for one in others]
    if first.startswith(_PLAIN_MARKER):
        return len(_PLAIN_MARKER), [first[len(_PLAIN_MARKER) :], *found]
    if first.startswith("---") or (not others and first.lstrip()[:1] in ("{", "[")):
        return None
    if _NO_CONTENT.fullmatch(first):  # comments are no document
        return _after_marker(text, len(first)), found
    return 0, [first, *found]


def is_plain(body: str) -> bool:
    """Whether BODY is one document, and not one with items to be cut apart."""
    return not ("List" in body or "\n..." in body or "\n%" in body or body.startswith(("...", "%")))


def is_empty(body: str) -> bool:
    """Whether BODY is nothing but the end of a document, which libyaml takes only with the marker of its begin."""
    return "..." in body and _ENDED_AT_ONCE.fullmatch(body) is not None


def _plain_pieces(text: str, offset: int, documents: list[str]) -> list[Piece]:
    pieces = []
    for number, body in enumerate(documents, 1):
        pieces.append(Piece(Content(body, Form.PLAIN), number, offset=offset))
        offset = _after_marker(text, offset + len(body))
    return pieces


def _after_marker(text: str, end: int) -> int:
    """Where the document begins whose marker follows the one that ends at END."""
    end += len("\n---")
    return end if text.startswith("\n---", end) else end + 1  # one line end may end two markers


def implied(kind: object) -> str:
    """The kind of the items in a list of KIND (`IngressList`) that have none of their own."""
    return kind.removesuffix("List") if isinstance(kind, str) else ""


def identity(text: str) -> tuple[str, str, str]:
    """Kind, namespace and name that TEXT seems to have, for a report on text that cannot be decoded; empty: unknown."""
    kind = _KIND.search(text)
    start = _METADATA.search(text)
    found: dict[str, tuple[int, str]] = {}
    for match in _NAME.finditer(_block(text, start.end())) if start is not None else ():
        depth = len(match[2])
        if match[3] not in found or depth < found[match[3]][0]:
            found[match[3]] = depth, match[4]
    name, namespace = (found.get(key, (0, ""))[1] for key in ("name", "namespace"))
    return (kind[1] if kind is not None else "", namespace or ("default" if name else ""), name)


def _block(text: str, start: int) -> str:
    """TEXT from START to the next line that is not indented, or holds a `spec`."""
    end = re.compile(r"^(?:\S|[ \t\-]*(?:spec|data|stringData|endpoints):)", re.MULTILINE).search(text, start)
    return text[start : end.start() if end is not None else len(text)]


def _documents(text: str) -> Iterator[str]:
    """The YAML documents in TEXT; together they are all of it."""
    pending = ""
    for piece in _at_markers(text):
        if not piece.startswith("---") and _NO_CONTENT.fullmatch(piece):
            pending += piece  # comments and directives belong to what follows
            continue
        yield pending + piece
        pending = ""


def _at_markers(text: str) -> Iterator[str]:
    start = 0
    if "\n..." not in text and not text.startswith("..."):
        at = text.find("\n---")
        while at >= 0:
            if text[at + 4 : at + 5] in ("", " ", "\t", "\r", "\n"):
                yield text[start : at + 1]
                start = at + 1
            at = text.find("\n---", at + 4)
    else:
        for match in _MARKER.finditer(text):
            end = match.end() if match[0].startswith(".") else match.start()
            if end > start:
                yield text[start:end]
                start = end
    yield text[start:]


def _items(document: str, number: int, offset: int) -> list[Piece] | None:
    """The items of a DOCUMENT that is a list in block style; None: it is none."""
    if "List" not in document:
        return None
    # Patterns begin with a line end and not with `^`: the regular expression engine is quick with a literal.
    text = f"\n{document}\n"
    begin = _ITEMS.search(text) if _LIST_HEAD.search(text) is not None else None
    if begin is None:
        return None
    indent = begin[1]
    start = begin.end() - len(indent) - 1
    after = re.compile(rf"\n(?! {{{len(indent)}}}(?:- | )|[ \t]*(?:#|\r?\n))").search(text, start)
    end = min(after.start() if after is not None else len(document), len(document))
    try:
        head = decode_yaml(document[: begin.start()] + "\n" + document[end:])
    except DocumentError:
        return None
    if not isinstance(head, dict) or "items" in head:
        return None
    starts = [match.start() for match in re.compile(rf"\n{indent}- ").finditer(text, start, end)]
    kind, whole = implied(head.get("kind")), (document, offset)
    return [
        Piece(Content(document[one:two], Form.YAML_ITEM, kind), number, item, offset + one, whole)
        for item, (one, two) in enumerate(zip(starts, [*starts[1:], end], strict=True), 1)
    ]


def _json(text: str) -> list[Piece] | None:
    """The pieces of TEXT, one or more JSON values; None: it is not JSON."""
    try:
        return _json_document(text, 1)
    except (msgspec.DecodeError, RecursionError):
        pass
    decoder = json.JSONDecoder()
    pieces: list[Piece] = []
    start = _after_space(text, 0)
    try:
        while start < len(text):
            _, end = decoder.raw_decode(text, start)
            pieces += _json_document(text[start:end], pieces[-1].document + 1 if pieces else 1, start)
            start = _after_space(text, end)
    except (ValueError, RecursionError):  # also of a number of thousands of digits
        return None
    return pieces


def _after_space(text: str, start: int) -> int:
    match = _SPACE.match(text, start)
    return match.end() if match is not None else start


def _json_document(text: str, number: int, offset: int = 0) -> list[Piece]:
    try:
        envelope = _ENVELOPE.decode(text)
    except msgspec.ValidationError:
        envelope = _Envelope()
    if envelope.items is None or not str(envelope.kind).endswith("List"):
        return [Piece(Content(text, Form.JSON), number, offset=offset)]
    kind = implied(envelope.kind)
    return [
        Piece(Content(bytes(raw).decode(), Form.JSON, kind), number, item) for item, raw in enumerate(envelope.items, 1)
    ]
