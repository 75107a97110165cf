"""A child of the launcher: a forked process that becomes `edge control` or `edge proxy`.

It keeps the memory of the launcher and nothing else: descriptors, environment and title are as if it had been started
by that command line.
"""

from __future__ import annotations

import atexit
import fcntl
import functools
import os
import signal
import sys
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING

from edge import commands, options
from edge.system import title

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.settings import Settings


def program(command: str, settings: Settings) -> Callable[[], int]:
    """A function that runs COMMAND with its share of SETTINGS in a forked process, and returns the exit status."""
    return functools.partial(_become, command, options.of(settings, command))


def _become(command: str, settings: Settings) -> int:
    arguments = options.to_arguments(settings, command)
    _close_descriptors()
    title.take(" ".join(["edge", command, *arguments]), options.without_variables(os.environ))
    sys.argv[1:] = [command, *arguments]
    try:
        return _status(command, settings)
    finally:
        # What the interpreter does at its end, and os._exit does not.
        atexit._run_exitfuncs()  # noqa: SLF001
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()


def _status(command: str, settings: Settings) -> int:
    try:
        return commands.run(command, settings)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except KeyboardInterrupt:  # before anything has come to handle it
        return 128 + signal.SIGINT
    except BaseException:  # noqa: BLE001 - it would return into the launcher
        traceback.print_exc()
        return 1


def _close_descriptors() -> None:
    """Close the descriptors that exec(2) would close: those with FD_CLOEXEC."""
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - numbers, not paths
        with suppress(OSError):  # the descriptor of the folder itself is closed by now
            if fcntl.fcntl(int(name), fcntl.F_GETFD) & fcntl.FD_CLOEXEC:
                os.close(int(name))
