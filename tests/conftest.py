"""What holds for a run of tests as a whole: it leaves nothing behind, however it ends."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from edge.system import compiled

if (compiled.PACKAGE.parent / "setup.py").exists() and (complaint := compiled.complaint()):
    raise SystemExit(complaint)  # before anything compiled is imported, which may fail in ways that are hard to read

from tests.support.edge import STARTED, children, members
from tests.support.waiting import eventually

# The same examples each time, so that a run fails for what has changed only; with EDGE_TEST_EXAMPLES, new ones.
settings.register_profile("edge", derandomize="EDGE_TEST_EXAMPLES" not in os.environ, deadline=None)
settings.load_profile("edge")

SLOW_FIRST = ("e2e", "grafana", "deploy", "data")
"""Folders whose tests take long, longest first."""


def pytest_configure(config: pytest.Config) -> None:
    """SIGTERM ends a run as Ctrl-C does: what tests have started is ended, what they have made is removed."""
    signal.signal(signal.SIGTERM, _interrupt)
    if hasattr(config, "workerinput"):
        signal.signal(signal.SIGINT, _interrupt)
    elif config.getoption("numprocesses", None):
        config.pluginmanager.register(_Controller())


def _interrupt(*_: object) -> None:
    """Interrupt the test, once: a second signal must not interrupt what cleans up."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


class _Controller:
    """The process that hands the tests out to others."""

    def pytest_keyboard_interrupt(self) -> None:
        """Interrupt the others too, and wait until they have cleaned up: xdist kills them soon."""
        others = children(os.getpid())
        for pid in others:
            os.kill(pid, signal.SIGTERM)
        with contextlib.suppress(AssertionError):
            eventually(lambda: not any(children(pid) for pid in others))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Processes of `-n auto`: more than cores, because most tests wait most of the time."""
    return min(2 * len(os.sched_getaffinity(0)), 16)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Side by side, what takes long comes first, so that all processes end at about the same time."""
    if hasattr(config, "workerinput"):
        folders = [Path(__file__).parent / name for name in SLOW_FIRST]
        items.sort(key=lambda item: [not item.path.is_relative_to(folder) for folder in folders])


@pytest.fixture(scope="session", autouse=True)
def _nothing_is_left_behind() -> Iterator[None]:
    """No process of an Edge that a test has started, and no directory of its table."""
    yield
    assert not {one: left for one in STARTED if (left := members(one))}
    assert not list(Path("/dev/shm").glob(f"test-*-{os.getpid()}-*"))
