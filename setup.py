"""The compiled part of the package; everything else about the build is in pyproject.toml.

Two kinds of modules are compiled: the leaves, written in Cython (`*.pyx`), and plain Python modules of the way of a
request that have a `*.pxd` beside them, which gives C types to their attributes and changes nothing else.

A build in place compiles only what has changed, judged by content, and records what it was made from
(edge/system/compiled.py). A wheel gets all modules and no record.
"""

import os
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

sys.path.insert(0, str(Path.cwd()))  # build front ends leave it out

from edge.system import compiled

PACKAGE = Path("edge")
# A call into libpython or libc goes straight to its address, not by way of a jump in between.
FLAGS = ["-O2", "-g0", "-fno-plt"]
JOBS = len(os.sched_getaffinity(0))
COMMON = {"language_level": 3, "freethreading_compatible": False}
DIRECTIVES = {
    ".pyx": {**COMMON, "boundscheck": False, "wraparound": False},
    ".py": {**COMMON, "annotation_typing": False},
}


def extension(path: Path) -> Extension:
    """The extension module that PATH is compiled to."""
    name = str(path.with_suffix("")).replace("/", ".")
    return Extension(name, [str(path)], extra_compile_args=FLAGS)


def to_c(extensions: list[Extension]) -> None:
    """Have Cython write the C of EXTENSIONS, which becomes their source."""
    for suffix, directives in DIRECTIVES.items():
        chosen = {one.name: one for one in extensions if one.sources[0].endswith(suffix)}
        made = cythonize(
            [extension(Path(one.sources[0])) for one in chosen.values()],
            build_dir="build/cython",
            nthreads=JOBS,
            force=True,  # by itself it goes by times
            compiler_directives=directives,
        )
        for one in made:
            chosen[one.name].sources = one.sources


class BuildExt(build_ext):
    """Cython and the C compiler, for all modules or, in place, for those that do not match their source."""

    def run(self) -> None:
        """Build, and write the record."""
        every, force = self.extensions, self.force
        if self.inplace:
            # Taken before anything is compiled: an edit during the build leaves a record that does not match.
            digests = compiled.digests(PACKAGE)
            stale = set(compiled.stale(PACKAGE))
            self.extensions = [one for one in every if one.name in stale]
        self.force = True
        try:
            to_c(self.extensions)
            super().run()
        finally:
            self.extensions, self.force = every, force
        if self.inplace:
            compiled.record(digests, PACKAGE)


setup(
    cmdclass={"build_ext": BuildExt},
    options={"build_ext": {"parallel": JOBS}},
    ext_modules=[extension(path) for path in compiled.sources(PACKAGE)],
)
