"""What holds for a run of tests as a whole: it leaves nothing behind, however it ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.system import compiled

if (compiled.PACKAGE.parent / "setup.py").exists() and (complaint := compiled.complaint()):
    raise SystemExit(complaint)  # before anything compiled is imported, which may fail in ways that are hard to read

from tests.support.edge import STARTED, members


def pytest_configure() -> None:
    """SIGTERM ends a run as Ctrl-C does: what tests have started is ended, what they have made is removed."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _nothing_is_left_behind() -> Iterator[None]:
    """No process of an Edge that a test has started, and no directory of its table."""
    yield
    assert not {one: left for one in STARTED if (left := members(one))}
    assert not list(Path("/dev/shm").glob(f"test-*-{os.getpid()}-*"))
