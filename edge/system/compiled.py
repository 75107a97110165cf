"""Whether the compiled modules of a checkout match their source, so that a forgotten rebuild is noticed.

Rules of this file:
- A build in place (setup.py) writes a record: a digest of the source of each compiled module. A wheel has no record, so
  an installed package compares nothing.
- Digests are of contents. Times are not compared: git changes them without a change of text, and the other way round.
- It imports nothing of the package, because a module that does not match may not even be importable.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Final

PACKAGE: Final = Path(__file__).parents[1]
RECORD: Final = "compiled.json"
"""Name of the record, in the package's directory."""
SUFFIX: Final = EXTENSION_SUFFIXES[0]
"""How the file of a compiled module ends; it names the interpreter."""

_CIMPORT: Final = re.compile(rb"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+cimport|cimport[ \t]+([\w.]+))", re.MULTILINE)
_SHOWN: Final = 5


def sources(package: Path = PACKAGE) -> list[Path]:
    """The compiled modules: Cython, and plain modules that have a `.pxd` beside them."""
    return [package / name for name in _sources(_files(package))]


def digests(package: Path = PACKAGE) -> dict[str, str]:
    """The file of each compiled module, relative to PACKAGE, and a digest of all that it is made from."""
    return _digests(package, _files(package))


def dependencies(source: Path, package: Path = PACKAGE, texts: dict[Path, bytes | None] | None = None) -> list[Path]:
    """SOURCE, its own `.pxd` and those that these cimport from PACKAGE; TEXTS keeps what was read."""
    texts = {} if texts is None else texts
    found: set[Path] = set()
    waiting = [source, source.with_suffix(".pxd")]
    while waiting:
        path = waiting.pop()
        text = _read(path, texts)
        if path in found or text is None:
            continue
        found.add(path)
        for first, second in _CIMPORT.findall(text):
            name = (first or second).decode()
            if name.startswith(package.name + "."):
                waiting.append(package.parent / (name.replace(".", "/") + ".pxd"))
    return sorted(found)


def stale(package: Path = PACKAGE) -> list[str]:
    """The modules whose compiled file is missing, has no source, or was made from other source than there is now."""
    files = _files(package)
    current, recorded, built = _digests(package, files), _recorded(package), _built(files)
    wrong = {target for target, digest in current.items() if target not in built or recorded.get(target) != digest}
    wrong |= built - current.keys()
    return sorted(f"{package.name}.{target.removesuffix(SUFFIX).replace('/', '.')}" for target in wrong)


def complaint(package: Path = PACKAGE) -> str:
    """The fault and what to do; empty: none."""
    modules = stale(package)
    if not modules:
        return ""
    shown = ", ".join(modules[:_SHOWN])
    more = f" and {len(modules) - _SHOWN} more" if len(modules) > _SHOWN else ""
    return f"compiled modules do not match their source: {shown}{more}; run `make .venv`"


def record(made: dict[str, str], package: Path = PACKAGE) -> None:
    """Write that the compiled files are MADE from what has these digests; files without source are removed."""
    for left in _built(_files(package)) - made.keys():
        (package / left).unlink()
    others = {target: digest for target, digest in _recorded(package).items() if (package / target).exists()}
    path = package / RECORD
    path.with_suffix(".new").write_text(json.dumps(others | made, indent=1, sort_keys=True) + "\n")
    path.with_suffix(".new").replace(path)


def _recorded(package: Path) -> dict[str, str]:
    try:
        return dict(json.loads((package / RECORD).read_bytes()))
    except (OSError, ValueError):
        return {}


def _files(package: Path) -> set[str]:
    """All files of PACKAGE, relative to it."""
    skip = len(str(package)) + 1
    return {f"{folder}/{name}"[skip:] for folder, _, names in os.walk(package) for name in names}


def _sources(files: set[str]) -> list[str]:
    plain = {name.removesuffix(".pxd") + ".py" for name in files if name.endswith(".pxd")}
    return sorted({name for name in files if name.endswith(".pyx")} | (plain & files))


def _built(files: set[str]) -> set[str]:
    return {name for name in files if name.endswith(SUFFIX)}


def _digests(package: Path, files: set[str]) -> dict[str, str]:
    texts: dict[Path, bytes | None] = {}
    setup = package.parent / "setup.py"  # it has the compiler's options
    found = {}
    for name in _sources(files):
        digest = hashlib.sha256()
        for path in [setup, *dependencies(package / name, package, texts)]:
            text = _read(path, texts) or b""
            digest.update(b"%s %d\n" % (path.name.encode(), len(text)))
            digest.update(text)
        found[name.rpartition(".")[0] + SUFFIX] = digest.hexdigest()
    return found


def _read(path: Path, texts: dict[Path, bytes | None]) -> bytes | None:
    """The content of the file at PATH; None: there is none."""
    if path not in texts:
        try:
            texts[path] = path.read_bytes()
        except FileNotFoundError:
            texts[path] = None
    return texts[path]


if __name__ == "__main__":
    sys.exit(complaint() or 0)
