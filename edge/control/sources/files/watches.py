"""Events of folders from the kernel (inotify).

Rules of this file:
- Folders are watched and not files: files are replaced by others of the same name, folders seldom. A file that
  --manifests names is watched too: if it is mounted alone into a container, the kernel has it in another folder than we
  do.
- A watch belongs to the folder itself and not to its path. Every survey therefore watches each path again, which
  costs nothing if the folder is still the same.
- When the kernel has no more watches to give, the caller is informed and must poll instead.

Source: inotify(7).
"""

from __future__ import annotations

import errno
import math
import os
import select
from typing import TYPE_CHECKING, Final, NamedTuple

from inotify_simple import INotify, flags  # type: ignore[import-untyped]  # it has no type hints

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: Final = flags.CREATE | flags.MOVED_FROM | flags.MOVED_TO | flags.DELETE | flags.DELETE_SELF | flags.MOVE_SELF
"""Events that change the names in a folder."""
CONTENTS: Final = NAMES | flags.MODIFY | flags.CLOSE_WRITE | flags.ATTRIB
"""The same, and events that change the content of the files."""
ITSELF: Final = flags.MODIFY | flags.CLOSE_WRITE | flags.ATTRIB | flags.DELETE_SELF | flags.MOVE_SELF
"""Events of a single file."""


class Happening(NamedTuple):
    """Something that happened to NAME in FOLDER, or that events were lost (Q_OVERFLOW in the mask)."""

    folder: str
    """Or the path of the file that is watched."""
    name: str
    """Empty: the event is about the folder or file itself."""
    mask: int
    cookie: int
    """The same for both halves of a rename."""

    @property
    def path(self) -> str:
        """The path that it happened to."""
        if not self.name:
            return self.folder
        return os.path.join(self.folder, self.name)


class Watches:
    """The watched folders, by path; for one thread, except `wake`."""

    def __init__(self) -> None:
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._poll = select.poll()
        self._poll.register(self._wake, select.POLLIN)
        self._wake_only = select.poll()
        self._wake_only.register(self._wake, select.POLLIN)
        self._inotify: INotify | None = None
        self._descriptors: dict[str, int] = {}
        self._paths: dict[int, set[str]] = {}
        self._wanted: set[str] = set()
        self.trouble = ""
        """Why some folders are not watched; empty: all are."""

    def begin(self) -> None:
        """From now until `end`, `watch` names all folders that are to be watched."""
        self._wanted = set()
        self.trouble = ""
        if self._inotify is None:
            try:
                self._inotify = INotify(nonblocking=True)
                self._poll.register(self._inotify.fileno(), select.POLLIN)
            except OSError as error:
                self._complain(error)

    def watch(self, folder: str, mask: int) -> None:
        """Watch FOLDER, or a file if MASK is `ITSELF`; of no effect if there is no such thing."""
        if self._inotify is None:
            return
        try:
            kind = 0 if mask == ITSELF else flags.ONLYDIR
            descriptor = self._inotify.add_watch(folder or ".", mask | kind | flags.MASK_ADD)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.ELOOP):
                self._complain(error)
            return
        self._wanted.add(folder)
        known = self._descriptors.get(folder)
        if known != descriptor:
            if known is not None:
                self._forget(folder, known)
            self._descriptors[folder] = descriptor
            self._paths.setdefault(descriptor, set()).add(folder)

    def end(self) -> None:
        """Watch no other folders than those named since `begin`."""
        for folder in self._descriptors.keys() - self._wanted:
            self._forget(folder, self._descriptors.pop(folder))

    def wait(self, timeout: float) -> None:
        """Wait until something happens, `wake` is called, or TIMEOUT seconds have passed."""
        ready = self._poll.poll(math.ceil(max(0.0, timeout) * 1000))
        if any(descriptor == self._wake for descriptor, _ in ready):
            os.eventfd_read(self._wake)

    def rest(self, seconds: float) -> None:
        """Sleep for SECONDS, or until `wake` is called; events are kept for later."""
        if seconds > 0:
            self._wake_only.poll(math.ceil(seconds * 1000))

    def happenings(self) -> list[Happening]:
        """All that has happened, in order."""
        if self._inotify is None:
            return []
        return [one for event in self._inotify.read(timeout=0) for one in self._placed(*event)]

    def wake(self) -> None:
        """End a `wait`, from any thread."""
        os.eventfd_write(self._wake, 1)

    def close(self) -> None:
        """Watch nothing."""
        if self._inotify is not None:
            self._inotify.close()
        os.close(self._wake)

    def _placed(self, descriptor: int, mask: int, cookie: int, name: str) -> Iterator[Happening]:
        if mask & flags.Q_OVERFLOW:
            yield Happening("", "", mask, cookie)
        for folder in sorted(self._paths.get(descriptor, ())):
            yield Happening(folder, name, mask, cookie)
        if mask & flags.IGNORED:  # the folder is gone, and so is the watch
            for folder in self._paths.pop(descriptor, set()):
                self._descriptors.pop(folder, None)

    def _forget(self, folder: str, descriptor: int) -> None:
        others = self._paths.get(descriptor, set())
        others.discard(folder)
        if not others:
            self._paths.pop(descriptor, None)
            try:
                if self._inotify is not None:
                    self._inotify.rm_watch(descriptor)
            except OSError:
                pass  # the folder went first

    def _complain(self, error: OSError) -> None:
        reason = error.strerror or str(error)
        if error.errno == errno.ENOSPC:
            reason = "no inotify watches left; raise the limit fs.inotify.max_user_watches"
        if error.errno == errno.EMFILE:
            reason = "no inotify instances left; raise the limit fs.inotify.max_user_instances"
        self.trouble = reason
