"""Finding the manifest files: a survey of what --manifests names.

Rules of this file:
- In folders, files are read by their suffix. Names that begin with a dot (editors' files, `..data`) and kustomizations
  are skipped. A file that --manifests names itself is read whatever its name is.
- Symbolic links are followed, files and folders. Of several paths to one of them the first counts. All folders in which
  a link, or a part of a path, may be changed to point elsewhere are watched too: that is how Kubernetes replaces the
  files of a ConfigMap, and how releases are switched.
- A folder is watched before it is listed, so that no new file is missed.
- A path that cannot be read does not count as deleted: it is listed in `blind`.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING, Final, NamedTuple

from edge.control.sources.files.ledger import FileKey
from edge.control.sources.files.watches import CONTENTS, ITSELF, NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SUFFIXES: Final = (".yaml", ".yml", ".json")
NO_FILE: Final = "is neither a file nor a folder"
_KUSTOMIZATION: Final = ("kustomization.yaml", "kustomization.yml")
_MOST_LINKS: Final = 40

Signature = tuple[int, ...]
"""Changes whenever the file is written or replaced."""


class File(NamedTuple):
    """A manifest file."""

    key: FileKey
    path: str
    signature: Signature

    @property
    def modified(self) -> float:
        """Unix seconds."""
        return self.signature[3] / 1e9


@dataclass
class Survey:
    """The files and folders found."""

    files: dict[str, File] = field(default_factory=dict)
    """By path."""
    folders: dict[str, int] = field(default_factory=dict)
    """Folders whose files count, with the number of the root that each was found by."""
    targets: dict[str, set[str]] = field(default_factory=dict)
    """Paths of files that links lead to, with the paths that lead there."""
    crossings: dict[str, set[str]] = field(default_factory=dict)
    """Names in folders that decide where a path leads."""
    shadowed: set[str] = field(default_factory=set)
    """Paths of files that are found by another path already."""
    blind: dict[str, str] = field(default_factory=dict)
    """Paths that cannot be read, with the reason."""


def counts(name: str) -> bool:
    """Whether a file of this NAME in a folder is a manifest file."""
    return name.lower().endswith(SUFFIXES) and not name.startswith(".") and name.lower() not in _KUSTOMIZATION


def rooted(path: str) -> str:
    """PATH of --manifests without slashes at its end, so that a path in it has one form."""
    return path.rstrip("/") or "/"


def key_of(root: int, path: str) -> FileKey:
    """The key of the file at PATH, found by --manifests number ROOT."""
    return FileKey(root, PurePath(path).parts)


def signature(status: os.stat_result) -> Signature:
    """The signature of the file with this STATUS; the first two are which file it is."""
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def survey(roots: Sequence[str], watch: Callable[[str, int], None]) -> Survey:
    """All files and folders under ROOTS. WATCH is called with each folder to watch, and the events to watch for."""
    return _Surveyor(watch).survey(roots)


class _Surveyor:
    def __init__(self, watch: Callable[[str, int], None]) -> None:
        self._watch = watch
        self._found = Survey()
        self._seen: set[tuple[int, int]] = set()
        """Files."""
        self._entered: set[tuple[int, int]] = set()
        """Folders."""

    def survey(self, roots: Sequence[str]) -> Survey:
        for number, root in enumerate(roots):
            self._crossings(root)
            try:
                status = os.stat(root)
                if stat.S_ISDIR(status.st_mode):
                    self._folder(root, number, [(status.st_dev, status.st_ino)])
                elif stat.S_ISREG(status.st_mode):
                    self._watch(root, ITSELF)
                    self._file(root, number, status, linked=True)
                else:
                    self._found.blind[root] = NO_FILE
            except OSError as error:
                self._found.blind[root] = error.strerror or str(error)
        return self._found

    def _folder(self, path: str, root: int, above: list[tuple[int, int]]) -> None:
        first = above[-1] not in self._entered
        if first:
            self._entered.add(above[-1])
            self._watch(path, CONTENTS)
            self._found.folders[path] = root
        try:
            with os.scandir(path) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            self._found.blind[path] = error.strerror or str(error)
            return
        for entry in found:
            if not entry.name.startswith("."):
                self._entry(entry, root, above, first=first)

    def _entry(self, entry: os.DirEntry[str], root: int, above: list[tuple[int, int]], *, first: bool) -> None:
        linked = entry.is_symlink()
        if linked:
            self._crossings(entry.path)
        try:
            if not entry.is_dir():
                if counts(entry.name) and first:
                    self._file(entry.path, root, entry.stat(), linked=linked)
                elif counts(entry.name):
                    self._found.shadowed.add(entry.path)
                return
            status = entry.stat()
        except FileNotFoundError:
            return  # a link without a target, or a file that is gone by now
        except OSError as error:
            self._found.blind[entry.path] = error.strerror or str(error)
            return
        place = (status.st_dev, status.st_ino)
        if place not in above:  # not a link back to a folder above
            self._folder(entry.path, root, [*above, place])

    def _file(self, path: str, root: int, status: os.stat_result, *, linked: bool) -> None:
        place = (status.st_dev, status.st_ino)
        if not stat.S_ISREG(status.st_mode):
            return
        if place in self._seen:
            self._found.shadowed.add(path)
            return
        self._seen.add(place)
        self._found.files[path] = File(key_of(root, path), path, signature(status))
        if linked:
            target = os.path.realpath(path)
            self._watch(os.path.dirname(target), CONTENTS)
            self._found.targets.setdefault(target, set()).add(path)

    def _crossings(self, path: str) -> None:
        """Note and watch each name that is looked up on the way to PATH."""
        links = 0
        folder = "/" if path.startswith("/") else ""
        names = [name for name in reversed(path.split("/")) if name not in ("", ".")]
        while names:
            name = names.pop()
            if name == "..":
                folder = os.path.join(folder, name)
                continue
            self._found.crossings.setdefault(folder, set()).add(name)
            self._watch(folder, NAMES)
            here = os.path.join(folder, name)
            try:
                target = os.readlink(here)
            except OSError:
                folder = here
                continue
            links += 1
            if links > _MOST_LINKS:
                return
            if target.startswith("/"):
                folder = "/"
            names += [part for part in reversed(target.split("/")) if part not in ("", ".")]
