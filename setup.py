"""The compiled part of the package; everything else about the build is in pyproject.toml.

Two kinds of modules are compiled: the leaves, written in Cython (`*.pyx`), and plain Python modules of the way of a
request that have a `*.pxd` beside them, which gives C types to their attributes and changes nothing else.
"""

import os
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

# Greenlets switch C stacks under the interpreter's exception state; Cython's cached copy of that state would be the
# wrong greenlet's after a switch, so it is turned off (gevent builds its own modules with the same macro).
MACROS = [("CYTHON_FAST_THREAD_STATE", "0")]
JOBS = len(os.sched_getaffinity(0))
COMMON = {"language_level": 3, "freethreading_compatible": False}


def extension(path: Path) -> Extension:
    """The extension module that PATH is compiled to."""
    name = str(path.with_suffix("")).replace("/", ".")
    return Extension(name, [str(path)], define_macros=MACROS, extra_compile_args=["-O2", "-g0"])


leaves = [extension(path) for path in sorted(Path("edge").rglob("*.pyx"))]
plain = [extension(path) for path in sorted(Path("edge").rglob("*.py")) if path.with_suffix(".pxd").exists()]

setup(
    options={"build_ext": {"parallel": JOBS}},
    ext_modules=[
        *cythonize(
            leaves,
            build_dir="build/cython",
            nthreads=JOBS,
            compiler_directives={**COMMON, "boundscheck": False, "wraparound": False},
        ),
        *cythonize(
            plain,
            build_dir="build/cython",
            nthreads=JOBS,
            compiler_directives={**COMMON, "annotation_typing": False},
        ),
    ],
)
