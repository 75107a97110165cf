"""When a worker gives memory back to the kernel."""

from __future__ import annotations

import subprocess
import sys

import pytest

from edge.data.process.slack import Slack


@pytest.mark.parametrize(
    ("connections", "times"),
    [
        ([0, 0, 0], 0),
        ([10, 31, 0, 0], 0),
        ([10, 32, 0, 0], 1),
        ([100, 60, 26, 60], 0),
        ([100, 60, 25, 25], 1),
        ([1000, 250, 62, 62, 15], 3),
        ([100, 0, 100, 0], 2),
        ([100, 100, 100], 0),
    ],
)
def test_memory_is_given_back_once_few_of_many_connections_are_left(connections: list[int], times: int) -> None:
    """And not again until there have been many again."""
    given: list[None] = []
    slack = Slack(lambda: given.append(None))
    for number in connections:
        slack.look(number)
    assert len(given) == times


FREED = """
import ctypes, re
from pathlib import Path
from edge.data.process.slack import trim
def dirty():
    return int(re.search(r"^Private_Dirty: +(\\d+)", Path("/proc/self/smaps_rollup").read_text(), re.M)[1])
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
blocks = [libc.malloc(4096) for _ in range(8192)]
for block in blocks:
    ctypes.memset(block, 1, 4096)
for block in blocks[:-1]:  # the last one keeps the heap from being cut off
    libc.free(ctypes.c_void_p(block))
before = dirty()
trim()
print(before - dirty())
"""


def test_the_kernel_gets_pages_without_content() -> None:
    """Also those below a block that is in use."""
    done = subprocess.run([sys.executable, "-c", FREED], capture_output=True, text=True, check=True, timeout=60)
    assert int(done.stdout) > 16 << 10
