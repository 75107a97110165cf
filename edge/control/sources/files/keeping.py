"""Last good versions of objects whose documents are now invalid, kept for the next control plane.

Such a version exists only in the memory of this process. If the process died, its routes would be lost although the
object was not deleted. So these few objects are written to a file beside the table. The next control plane uses them as
the last content of their files.

Rules of this file:
- The file is for the same user and the same instance only: it is in the table's directory, which is private.
- A file that cannot be read counts as empty.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Final

import msgspec

from edge.control.kinds.decoding import decode
from edge.control.kinds.objects import Object, ObjectError, ObjectId
from edge.control.kinds.registry import KINDS
from edge.control.sources.files.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from edge.control.sources.files.ledger import FileKey

logger = logging.getLogger(__name__)

NAME: Final = "manifests.kept"


class _Kept(msgspec.Struct):
    """An object in the file."""

    path: str
    """Of the manifest file."""
    kind: str
    object: msgspec.Raw


class Keeper:
    """Keeps objects in DIRECTORY; None: nowhere."""

    def __init__(self, directory: Path | None) -> None:
        self._path = directory / NAME if directory is not None else None
        self._kept: dict[str, dict[ObjectId, Object]] = {}
        self._last = self._load()

    def last(self, key: FileKey, path: str) -> Manifest | None:
        """The content of the file KEY at PATH that an earlier control plane kept."""
        objects = self._last.get(_name(key))
        return Manifest(path, objects, dict.fromkeys(objects, (0, 0))) if objects else None

    def keep(self, manifests: Mapping[FileKey, Manifest | None]) -> None:
        """The content of these files now; None: they are gone."""
        changed = False
        for key, manifest in manifests.items():
            path = _name(key)
            self._last.pop(path, None)
            kept = {name: manifest.objects[name] for name in manifest.kept} if manifest is not None else {}
            if kept != self._kept.get(path, {}):
                changed = True
                self._kept[path] = kept
                if not kept:
                    del self._kept[path]
        if changed and self._path is not None:
            try:
                self._save(self._path)
            except OSError as error:
                logger.warning("%s: %s; invalid objects will not outlive this process", self._path, error.strerror)

    def _save(self, path: Path) -> None:
        objects = [
            _Kept(file, name.kind, msgspec.Raw(msgspec.json.encode(one)))
            for file, kept in self._kept.items()
            for name, one in kept.items()
        ]
        fresh = path.with_suffix(".tmp")
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(objects))
        fresh.replace(path)

    def _load(self) -> dict[str, dict[ObjectId, Object]]:
        found: dict[str, dict[ObjectId, Object]] = {}
        if self._path is None:
            return found
        try:
            kept = msgspec.json.decode(self._path.read_bytes(), type=list[_Kept])
        except FileNotFoundError:
            return found
        except (OSError, msgspec.DecodeError) as error:
            logger.warning("%s cannot be read, so invalid objects have no earlier version: %s", self._path, error)
            return found
        for one in kept:
            try:
                if one.kind in KINDS:
                    decoded = decode(one.object, one.kind)
                    found.setdefault(one.path, {})[decoded.id] = decoded
            except ObjectError as error:
                logger.warning("%s: a kept %s of %s cannot be used: %s", self._path, one.kind, one.path, error)
        return found


def _name(key: FileKey) -> str:
    return "/".join(key.parts)
