"""The files of the page, as they lie in the folder `page` beside this module.

Rules of this file:
- Only names that were found by listing that folder are opened: no path of a client reaches the file system.
- Files are read when they are requested, and again when they have changed.
- They contain nothing about this instance, so a browser may cache them, and revalidates them by ETag.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final, NamedTuple

FOLDER: Final = Path(__file__).with_name("page")
PREFIX: Final = "/page/"
TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}
"""Media types of the files that are served, by suffix; no other file is served."""


class File(NamedTuple):
    """A file as it is now."""

    body: bytes
    type: str
    etag: str


class Files:
    """The files in FOLDER."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder
        self._known: dict[str, tuple[tuple[int, int], File]] = {}

    def get(self, name: str) -> File | None:
        """The file NAME, with slashes between its parts; None: there is none that is served."""
        parts = name.split("/")
        found = self._folder
        for part in parts:
            # Compared with the entries of the folder: `..` and names with a slash are none.
            if not found.is_dir() or part not in {entry.name for entry in found.iterdir()}:
                return None
            found /= part
        kind = TYPES.get(found.suffix)
        if kind is None or not found.is_file():
            return None
        status = found.stat()
        version = (status.st_mtime_ns, status.st_size)
        known = self._known.get(name)
        if known is None or known[0] != version:
            body = found.read_bytes()
            etag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
            known = self._known[name] = (version, File(body, kind, etag))
        return known[1]


def unchanged(field: str, etag: str) -> bool:
    """Whether the client has the version ETAG already, by its If-None-Match FIELD (RFC 9110, section 13.1.2)."""
    return any(one.strip().removeprefix("W/") in (etag, "*") for one in field.split(","))
