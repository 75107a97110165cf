"""Coverage-guided fuzzing of the code that reads untrusted bytes.

    python tests/fuzz/fuzz.py TARGET [FLAGS OF LIBFUZZER ...]

Works on the instrumented build that `tests/fuzz/build.py fuzz` makes, by atheris (libFuzzer); `make fuzz` does all of
it. The corpus in the repository is the seed, and is run by the ordinary tests too; seeds with a private key are made
at the start of each run. New inputs that a run finds are kept in build/corpus/TARGET. A crashing input is written to
build/crash-*.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CORPUS = Path(__file__).with_name("corpus")
TEXT = ("request", "response", "chunks", "trailers", "lines")
"""Targets that profit from a dictionary of HTTP."""
INSTRUMENTED = ROOT / "build" / "fuzz"


def preload() -> str:
    """The libraries that have to be in the process before Python's own."""
    import atheris  # noqa: PLC0415 - an optional dependency

    return f"{INSTRUMENTED / 'coverage.so'} {Path(atheris.path()) / 'asan_with_fuzzer.so'}"


def start_again(arguments: list[str]) -> int:
    """Run this file with the instruments preloaded."""
    target, *flags = arguments
    found = ROOT / "build" / "corpus" / target
    found.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {
        "LD_PRELOAD": preload(),
        "ASAN_OPTIONS": "detect_leaks=0",
        "PYTHONPATH": f"{INSTRUMENTED}:{ROOT}",
        "PYTHONMALLOC": "malloc",
    }
    command = [sys.executable, __file__, target, f"-artifact_prefix={ROOT / 'build'}/", *flags]
    if target in TEXT:
        command.append(f"-dict={Path(__file__).with_name('http.dict')}")
    folders = [str(folder) for folder in (found, CORPUS / target) if folder.is_dir()]
    return subprocess.run([*command, *folders], env=environment, check=False).returncode


def fuzz(target: str, flags: list[str]) -> None:
    """Run until a fault is found or FLAGS say that it is enough."""
    import atheris  # noqa: PLC0415

    with atheris.instrument_imports(include=["edge"]):
        from tests.fuzz import control_targets  # noqa: PLC0415 - what these import is instrumented on the way
        from tests.fuzz.targets import TARGETS  # noqa: PLC0415
    import edge.data.http.h1._head as head  # noqa: PLC0415

    if not Path(head.__file__).is_relative_to(INSTRUMENTED):
        raise SystemExit(f"{head.__file__} is not instrumented; run this by `make fuzz`")
    for number, seed in enumerate(control_targets.seeds().get(target, ())):
        (ROOT / "build" / "corpus" / target / f"seed-{number}").write_bytes(seed)
    logging.disable()  # an error that is contained is found by the problem that it becomes
    atheris.Setup([sys.argv[0], *flags], TARGETS[target])
    atheris.Fuzz()


if __name__ == "__main__":
    if "LD_PRELOAD" not in os.environ:
        sys.exit(start_again(sys.argv[1:]))
    fuzz(sys.argv[1], sys.argv[2:])
