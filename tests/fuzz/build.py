"""Builds the compiled leaves of Edge once more, with instruments, beside the ones in use.

    python tests/fuzz/build.py sanitize|fuzz    prints the directory that then holds an `edge` package

The package's Python files are links to the real ones. `sanitize`: AddressSanitizer and UndefinedBehaviorSanitizer end
the process at the first fault. `fuzz`: each branch and comparison is reported to a fuzzer, under AddressSanitizer too.
What has not changed is not compiled again.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from edge.system import compiled  # noqa: E402 - it is found by the path above

FLAGS = {
    # Greenlets copy stacks, which AddressSanitizer reports as a fault if it guards the gaps between frames.
    "sanitize": ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "--param=asan-stack=0"],
    "fuzz": ["-fsanitize=address", "-fsanitize-coverage=trace-pc,trace-cmp"],
}
CYTHON = {"language_level": 3, "freethreading_compatible": False}
DIRECTIVES = {
    ".pyx": {**CYTHON, "boundscheck": False, "wraparound": False},
    ".py": {**CYTHON, "annotation_typing": False},
}
"""By the kind of source, as in setup.py."""
COMMON = ["-O1", "-g1", "-fno-omit-frame-pointer", "-fPIC", "-fno-strict-aliasing"]


def leaves() -> list[Path]:
    """The Cython sources, and the plain modules whose classes they name, relative to the root."""
    every = sorted((ROOT / "edge").rglob("*.pyx"))
    named = {path.with_suffix(".py") for source in every for path in compiled.dependencies(source)}
    return [path.relative_to(ROOT) for path in [*every, *sorted(path for path in named if path.exists())]]


def link_package(into: Path) -> None:
    """An `edge` package INTO a directory, of links to the Python files."""
    for path in (ROOT / "edge").rglob("*.py"):
        link = into / path.relative_to(ROOT)
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(path)


def to_c(sources: list[Path], into: Path) -> list[Path]:
    """The C of SOURCES."""
    made: list[Path] = []
    for suffix, directives in DIRECTIVES.items():
        extensions = [
            Extension(str(path.with_suffix("")).replace("/", "."), [str(path)])
            for path in sources
            if path.suffix == suffix
        ]
        found = cythonize(extensions, build_dir=str(into), compiler_directives=directives, quiet=True)
        made += [Path(extension.sources[0]) for extension in found]
    return made


def compile_one(source: Path, target: Path, flags: list[str]) -> None:
    """SOURCE to the extension module TARGET, if it is newer."""
    if target.exists() and target.stat().st_mtime > source.stat().st_mtime:
        return
    compiler = os.environ.get("CC", "gcc")
    include = "-I" + sysconfig.get_path("include")
    unlinked = target.with_suffix(".o")
    subprocess.run([compiler, *COMMON, *flags, include, "-c", source, "-o", unlinked], check=True)
    # The runtime of the instruments is preloaded, so nothing is linked with it.
    subprocess.run([compiler, "-shared", unlinked, "-o", target], check=True)
    unlinked.unlink()


def build(kind: str) -> Path:
    """Build what KIND asks for; gives the directory."""
    into = ROOT / "build" / kind
    link_package(into)
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    os.chdir(ROOT)
    sources = leaves()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = []
        for source, c in zip(sources, to_c(sources, ROOT / "build" / "cython"), strict=True):
            target = into / source.with_suffix(suffix)
            jobs.append(pool.submit(compile_one, c, target, FLAGS[kind]))
        for job in jobs:
            job.result()
    if kind == "fuzz":
        shim = Path(__file__).with_name("coverage.c")
        subprocess.run(["gcc", "-O2", "-fPIC", "-shared", shim, "-o", into / "coverage.so"], check=True)
    return into


def main() -> None:
    """Build, and print where."""
    if len(sys.argv) != 2 or sys.argv[1] not in FLAGS or shutil.which(os.environ.get("CC", "gcc")) is None:
        raise SystemExit(__doc__)
    print(build(sys.argv[1]))  # noqa: T201 - for the caller


if __name__ == "__main__":
    main()
