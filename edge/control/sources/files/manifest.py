"""The content of one manifest file: its objects and its faults.

Rules of this file:
- A `Manifest` is a value. Reading the file again makes a new one, which reuses the objects of documents whose text is
  the same.
- While part of a file is unreadable, or names no object, objects missing from the file are not deleted: the unreadable
  part may define them. An invalid object keeps its own last version in force, and no other.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

import msgspec

from edge.control.kinds.changes import IN_FORCE
from edge.control.kinds.objects import Object, ObjectId
from edge.control.sources.files import documents
from edge.control.sources.files.decoding import DocumentError, decode_json, decode_yaml
from edge.control.sources.files.documents import Content, Form, Piece
from edge.control.sources.files.recognition import Fault, Place, objects

if TYPE_CHECKING:
    from collections.abc import Mapping


_FEW: Final = 64
"""Documents that may be different where only those are read again."""


class Manifest(msgspec.Struct, frozen=True):
    """The content of a file, as far as it can be read."""

    path: str
    objects: dict[ObjectId, Object] = {}
    places: dict[ObjectId, Place] = {}
    faults: tuple[Fault, ...] = ()
    kept: frozenset[ObjectId] = frozenset()
    """The objects that only an earlier reading of the file has found."""
    said: dict[Content, _Said] = {}
    """The content of each of its pieces, reused by the next reading."""
    bodies: list[str] | None = None
    """Its documents, if it is plain and has no fault."""

    def where(self, place: Place) -> str:
        """PLACE for people."""
        document, item = place
        return self.path + (f", document {document}" if document else "") + (f", item {item}" if item else "")

    def unreadable(self, reason: str) -> Manifest:
        """The last content of the file, which cannot be read now, for REASON."""
        known = "; what it said last stays in force" if self.objects else ""
        fault = Fault((0, 0), "", "", "", reason + known, certain=False)
        return msgspec.structs.replace(self, faults=(fault,), kept=frozenset(self.objects), bodies=None)


class _Said(msgspec.Struct, frozen=True):
    """The content of a piece, independent of its place in the file."""

    objects: tuple[tuple[int, ObjectId, Object], ...] = ()
    """With the number of the item within the piece."""
    faults: tuple[Fault, ...] = ()
    """The place is within the piece: (line from 0, item)."""
    readable: bool = True


def read(path: str, text: str, last: Manifest | None = None, *, partial: bool = False) -> Manifest:
    """The content of the file at PATH with this TEXT; LAST is its previous content.

    PARTIAL: the text may be cut off, so its last document is not used and no object is removed.
    """
    is_json = path.lower().endswith(".json")
    if last is not None and last.bodies is not None and not partial and not is_json:
        edited = _edited(last, last.bodies, text)
        if edited is not None:
            return edited
    pieces = documents.cut(text, is_json=is_json)
    if partial:
        pieces = [piece for piece in pieces if piece.document != pieces[-1].document]
    known = last.said if last is not None else {}
    reading = _Reading(path, text)
    for piece, said in _say(pieces, known):
        reading.add(piece, said)
    if last is not None:
        reading.keep(last, everything=partial)
    bodies = [piece.content.text for piece in pieces if piece.content.form is Form.PLAIN]
    return reading.result(bodies if len(bodies) == len(pieces) and not partial else None)


def _edited(last: Manifest, old: list[str], text: str) -> Manifest | None:
    """A fast path for the usual edit: a few documents of a plain file have changed, and are about the same objects.

    None: it is another edit. OLD: the documents of LAST.
    """
    new = documents.bodies(text)
    if new is None or len(new) != len(old):
        return None
    changed = [(before, after) for before, after in zip(old, new, strict=True) if before != after]
    if len(changed) > _FEW or not all(documents.is_plain(after) for _, after in changed):
        return None
    objects, said = last.objects.copy(), last.said.copy()
    for before, after in changed:
        content = Content(after, Form.PLAIN)
        was, now = said.pop(Content(before, Form.PLAIN)), _read_piece(content)
        same = [name for _, name, _ in was.objects] == [name for _, name, _ in now.objects]
        if now.faults or not same or not was.objects:
            return None
        said[content] = now
        objects.update({name: one for _, name, one in now.objects})
    return msgspec.structs.replace(last, objects=objects, said=said, bodies=new)


class _Reading:
    """A manifest while it is being read."""

    def __init__(self, path: str, text: str) -> None:
        self._path = path
        self._text = text
        self._objects: dict[ObjectId, Object] = {}
        self._places: dict[ObjectId, Place] = {}
        self._faults: list[Fault] = []
        self._kept: list[ObjectId] = []
        self._said: dict[Content, _Said] = {}

    def add(self, piece: Piece, said: _Said) -> None:
        """PIECE is in the file."""
        self._said[piece.content] = said
        for item, name, one in said.objects:
            place = (piece.document, item or piece.item)
            if name in self._places:
                self._again(place, name)
            else:
                self._objects[name] = one
                self._places[name] = place
        for fault in said.faults:
            line, item = fault.place
            message = fault.message
            if not said.readable:
                line += self._text.count("\n", 0, piece.offset) + 1
                message = f"{message} (line {line} of the file)"
            place = (piece.document, item or piece.item)
            self._faults.append(msgspec.structs.replace(fault, place=place, message=message))

    def _again(self, place: Place, name: ObjectId) -> None:
        document, item = self._places[name]
        first = f"document {document}" + (f", item {item}" if item else "")
        message = f"defined already in {first} of this file; {IN_FORCE}"
        self._faults.append(Fault(place, name.kind, name.namespace, name.name, message, certain=True))

    def keep(self, last: Manifest, *, everything: bool) -> None:
        """Keep objects of LAST where it is not certain that they are gone from the file."""
        everything = everything or any(not fault.certain for fault in self._faults)
        unsure = {ObjectId(fault.kind, fault.namespace, fault.name): fault.place for fault in self._faults}
        for name in last.objects if everything else unsure:
            if name not in self._objects and name in last.objects:
                self._objects[name] = last.objects[name]
                self._places[name] = unsure.get(name, (0, 0))
                self._kept.append(name)

    def result(self, bodies: list[str] | None) -> Manifest:
        """The collected content; BODIES: the documents of a plain file."""
        return Manifest(
            self._path,
            self._objects,
            self._places,
            tuple(self._faults),
            kept=frozenset(self._kept),
            said=self._said,
            bodies=None if self._faults else bodies,
        )


def _say(pieces: list[Piece], known: Mapping[Content, _Said]) -> list[tuple[Piece, _Said]]:
    result = [(piece, known.get(piece.content) or _read_piece(piece.content)) for piece in pieces]
    broken = {piece.whole for piece, said in result if piece.whole is not None and not said.readable}
    for text, offset in filter(None, broken):
        # An item that was cut out may lack an anchor, or be half of some text: the whole document decides.
        whole = Content(text, Form.YAML)
        said = known.get(whole) or _read_piece(whole)
        if said.readable:
            number = next(piece.document for piece in pieces if piece.whole == (text, offset))
            at = next(index for index, (piece, _) in enumerate(result) if piece.document == number)
            result = [pair for pair in result if pair[0].document != number]
            result.insert(at, (Piece(whole, number, offset=offset), said))
    return result


def _read_piece(content: Content) -> _Said:
    try:
        value = _decode(content)
    except DocumentError as error:
        fault = Fault((error.line, 0), *documents.identity(content.text), str(error), certain=False)
        return _Said(faults=(fault,), readable=False)
    taken: list[tuple[int, ObjectId, Object]] = []
    faults: list[Fault] = []
    for item, found in objects(value, content.kind):
        if isinstance(found, Fault):
            faults.append(msgspec.structs.replace(found, place=(0, item)))
        else:
            taken.append((item, found.id, found))
    return _Said(tuple(taken), tuple(faults))


def _decode(content: Content) -> object:
    if content.form is Form.JSON:
        return decode_json(content.text)
    if content.text.startswith("{"):
        with suppress(DocumentError):  # then it is YAML in flow style
            return decode_json(content.text)
    if documents.is_empty(content.text):
        return None
    value = decode_yaml(content.text + "\n" if content.form is Form.PLAIN else content.text)
    return value[0] if content.form is Form.YAML_ITEM and isinstance(value, list) else value
