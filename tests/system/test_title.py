"""What is shown of a process."""

from __future__ import annotations

import subprocess
import sys

import pytest

SHOWN = """
import os, subprocess, sys
from edge.system import title
title.take({title}, {{"PATH": "/usr/bin:/bin", "B": "2"}})
print(open("/proc/self/cmdline").read().strip(chr(0)))
print(subprocess.run(["env"], capture_output=True, text=True).stdout.strip().replace(chr(10), " "))
print(os.environ["B"], "A" in os.environ)
"""


def shown(title: str, **environment: str) -> list[str]:
    """TITLE is an expression. The command line, the environment that a child gets, and what Python has of it."""
    command = [sys.executable, "-c", SHOWN.format(title=title)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=True)
    return done.stdout.splitlines()


@pytest.mark.parametrize("title", ["short", "long " * 100 + "end"])
def test_a_title_is_shown_in_place_of_the_command_line(title: str) -> None:
    """Also one that is longer than the command line, as far as the room of the environment goes."""
    first, second, third = shown(repr(title), A="1" * 1000)
    assert first == title
    assert second == "PATH=/usr/bin:/bin B=2"
    assert third == "2 False"


def test_a_title_without_room_is_cut() -> None:
    """Nothing beyond is written."""
    (first, *_) = shown("'x' * 10_000", A="1")
    assert 10 < len(first) < 10_000
    assert set(first) == {"x"}
