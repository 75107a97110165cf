"""The compiled leaves of the package; everything else about the build is in pyproject.toml."""

from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

# Greenlets switch C stacks under the interpreter's exception state; Cython's cached copy of that state would be the
# wrong greenlet's after a switch, so it is turned off (gevent builds its own modules with the same macro).
MACROS = [("CYTHON_FAST_THREAD_STATE", "0")]

extensions = [
    Extension(str(path.with_suffix("")).replace("/", "."), [str(path)], define_macros=MACROS, extra_compile_args=["-O2"])
    for path in sorted(Path("edge").rglob("*.pyx"))
]

setup(
    ext_modules=cythonize(
        extensions,
        build_dir="build/cython",
        compiler_directives={"language_level": 3, "boundscheck": False, "wraparound": False, "freethreading_compatible": False},
    )
)
