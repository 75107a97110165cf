"""Chunks of Python's frame stack are kept for the next greenlet."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import gevent
from edge.data.net._frame_stacks import keep_frame_stacks, kept_frame_stacks

def depth(n):
    return depth(n - 1) + 1 if n else 0

keep_frame_stacks()
keep_frame_stacks()  # once more changes nothing
for _ in range(1000):
    assert gevent.spawn(depth, 10).get() == 10
few = kept_frame_stacks()
waiting = [gevent.spawn(lambda: (gevent.sleep(0.01), depth(400))[1]) for _ in range(300)]
assert [one.get() for one in waiting] == [400] * 300
print(few, kept_frame_stacks())
"""


def test_greenlets_one_after_another_share_chunks_and_many_at_once_leave_a_bounded_number():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    few, most = map(int, done.stdout.split())
    assert 1 <= few <= 8
    assert few < most <= 64
