"""The folder source: a thread that follows the manifest files for as long as the control plane lives.

It sends `Synced` when all files of the first survey have been read and every path of --manifests exists.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Final

from edge.control.kinds.changes import Change, Synced
from edge.control.sources.files.following import Follower
from edge.control.sources.files.keeping import Keeper
from edge.control.sources.files.recognition import READ

if TYPE_CHECKING:
    import queue

    from edge.control.kinds.objects import ObjectId
    from edge.settings import Settings

logger = logging.getLogger(__name__)

_AFTER_FAILURE: Final = 1.0
"""Seconds before all files are surveyed again after an internal error."""


class FolderSource:
    """Puts what the files of `settings.manifests` hold into CHANGES."""

    def __init__(self, settings: Settings, changes: queue.SimpleQueue[Change]) -> None:
        """Nothing is read yet."""
        self._changes = changes
        keeper = Keeper(settings.table_directory if settings.shm_dir else None)
        self._follower = Follower(settings.manifests, self._tell, keeper)
        self._synced = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="manifests", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop, and send nothing more."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._follower.wake()
        if self._thread.is_alive():
            self._thread.join()
        self._follower.close()

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds that will be called synced."""
        return READ

    @property
    def by_need(self) -> bool:
        """No: all objects of all files are sent."""
        return False

    def want(self, names: frozenset[ObjectId], *, settled: bool) -> None:
        """Nothing to do: all objects are sent anyway."""

    def watches(self, namespace: str) -> bool:  # noqa: ARG002 - the protocol's
        """Yes: files may have objects of any namespace."""
        return True

    def unsynced(self) -> tuple[str, ...]:
        """The kinds that have not been read in full, each with the reason where there is one."""
        if self._synced:
            return ()
        trouble = self._follower.trouble()
        return tuple(f"{kind}: {trouble}" if trouble else kind for kind in sorted(READ))

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._follower.step()
            except Exception:
                logger.exception("manifests: unexpected error; everything will be looked at again")
                self._follower.look_again()
                time.sleep(_AFTER_FAILURE)
            if not self._synced and self._follower.is_complete():
                self._synced = True
                for kind in sorted(READ):
                    self._tell(Synced(kind))

    def _tell(self, change: Change) -> None:
        if not self._stopping.is_set():
            self._changes.put(change)
