"""The command `edge run`: starts control plane and proxy, and becomes their launcher.

Both are forked, so that they share the pages of the modules that both import (`edge.common`).
Nothing here holds credentials, sockets or objects that a child could inherit.
"""

from __future__ import annotations

import gc
import importlib
import logging
import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

from edge import child, launcher, options
from edge.system import directories, prctl

if TYPE_CHECKING:
    from edge.settings import Settings

logger = logging.getLogger(__name__)


def run(settings: Settings) -> NoReturn:
    """Run a whole Edge until a signal stops it.

    Raises:
        DirectoryError: there is no directory for the table.
    """
    if settings.shm_dir:
        _launch(settings, None)
    with directories.private() as directory:
        _launch(settings.with_(shm_dir=str(directory.path)), directory)


def _launch(settings: Settings, directory: directories.Private | None) -> NoReturn:
    """Start both and become the launcher, which removes DIRECTORY at its end."""
    importlib.import_module("edge.common")
    signal.pthread_sigmask(signal.SIG_BLOCK, launcher.WAITED)
    prctl.become_subreaper()
    # Pages stay shared as long as no collector writes to them.
    gc.collect()
    gc.freeze()
    control = launcher.spawn(child.program("control", settings))
    logger.info("started the control plane, process %d", control)
    proxy = launcher.spawn(child.program("proxy", settings))
    logger.info("started the proxy, process %d", proxy)
    words = launcher.command(
        control=control,
        proxy=proxy,
        directory=str(directory.path) if directory is not None else "",
        lock=directory.lock if directory is not None else -1,
        log=(settings.log_format, settings.log_level),
    )
    if directory is not None:
        os.set_inheritable(directory.lock, True)
    # -P: as for the command `edge` itself, the current folder is no place for modules.
    words += [sys.executable, "-P", "-m", "edge", "control", *options.to_arguments(settings, "control")]
    os.execve(words[0], words, options.without_variables(os.environ))  # noqa: S606 - no shell is wanted
