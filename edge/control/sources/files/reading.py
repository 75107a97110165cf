"""Reads manifest files: all of them once, or a single one.

Rules of this file:
- A file is UTF-8, or begins with the byte order mark of UTF-16 (YAML 1.2, section 5.2), as PowerShell writes it.
- Marks at the begin of a line are left out, as in files that were joined (YAML 1.2, 9.1.1), and a line end is LF
  afterwards (YAML 1.2, 5.4), so the code that splits the text needs to know no other.
"""

from __future__ import annotations

import codecs
import os
import stat
from typing import TYPE_CHECKING, Final

from edge.control.sources.files import manifest, tree
from edge.control.sources.files.ledger import FileKey, Ledger
from edge.control.sources.files.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edge.control.kinds.changes import Change
    from edge.control.kinds.objects import ObjectId

OUTSIDE: Final = -1
"""Number of the root under which the ledger has paths that cannot be read."""


NOT_TEXT: Final = "is neither UTF-8 nor UTF-16 with a byte order mark"
_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UTF_32: Final = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_MARK: Final = "\ufeff"


def once(paths: Sequence[str], send: Callable[[Change], None]) -> dict[ObjectId, str]:
    """Pass the content of the files at PATHS, pipes included, to SEND; returns the place of each object."""
    paths = [tree.rooted(path) for path in paths]
    survey = tree.survey(paths, lambda _folder, _mask: None)
    said: dict[FileKey, Manifest | None] = {
        tree.key_of(OUTSIDE, path): Manifest(path).unreadable(why)
        for path, why in survey.blind.items()
        if not _is_pipe(path)
    }
    keys = {path: file.key for path, file in survey.files.items()}
    keys |= {path: tree.key_of(number, path) for number, path in enumerate(paths) if _is_pipe(path)}
    for path, key in keys.items():
        try:
            said[key] = manifest.read(path, load(path, wait=path not in survey.files)[0])
        except (OSError, UnicodeDecodeError) as error:
            said[key] = Manifest(path).unreadable(reason(error))
    ledger = Ledger(send)
    ledger.update(said)
    return ledger.places()


def load(path: str, *, wait: bool = False) -> tuple[str, tree.Signature]:
    """Text and signature of the file at PATH; WAIT: it is a pipe, to be read to its end.

    Raises:
        OSError: it cannot be read.
        UnicodeDecodeError: it is neither UTF-8 nor UTF-16 with a byte order mark.
    """
    # Do not block on a pipe or a device.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | (0 if wait else os.O_NONBLOCK))
    with os.fdopen(descriptor, "rb") as opened:
        status = os.fstat(descriptor)
        return text_of(opened.read()), tree.signature(status)


def text_of(data: bytes) -> str:
    """The text of a file with this DATA, with line ends of LF.

    Raises:
        UnicodeDecodeError: it is neither UTF-8 nor UTF-16 with a byte order mark.
    """
    # The mark of UTF-32 begins like one of UTF-16.
    text = data.decode("utf-16" if data.startswith(_UTF_16) and not data.startswith(_UTF_32) else "utf-8")
    if "\0" in text[:4]:  # UTF-16 or UTF-32 without a mark
        raise UnicodeDecodeError("utf-8", data, 0, 4, NOT_TEXT)
    # Each search is one pass at the speed of memory, or none where no character of the text is that large.
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = text.removeprefix(_MARK)
    if _MARK in text:
        text = text.replace(f"\n{_MARK}", "\n")
    return text


def reason(error: OSError | UnicodeDecodeError) -> str:
    """Why a file cannot be read."""
    return NOT_TEXT if isinstance(error, UnicodeDecodeError) else error.strerror or str(error)


def is_plain(path: str) -> bool:
    """Whether PATH is a file or does not exist, and is not another name (a link) of a file."""
    try:
        status = os.lstat(path)
    except OSError:
        return True
    return stat.S_ISREG(status.st_mode) and status.st_nlink == 1


def _is_pipe(path: str) -> bool:
    """Whether PATH is a pipe: the shell's `<(...)`, or /dev/stdin behind `|`."""
    try:
        return stat.S_ISFIFO(os.stat(path).st_mode)
    except OSError:
        return False


def exists(path: str) -> bool:
    """Whether there may be a file or folder at PATH."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        pass  # not known
    return True
