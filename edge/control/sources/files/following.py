"""Follows the manifest files: reads those that change, and updates the ledger.

Rules of this file:
- A file is read as soon as it is closed or has been replaced.
- The content is used only if the file has not changed while it was read.
- The whole tree is surveyed when folders or links change, when the kernel has lost events, and now and then in any
  case: some file systems send no events.
- Folders above the manifests are watched too, and may be busy, as /tmp is. After events that are not about manifests
  there is a pause, so that they take a tenth of a processor at most.
- Files under a path that cannot be read, or that was named on the command line and no longer exists, keep their last
  content: a volume that is being replaced must not take all routes with it.
"""

from __future__ import annotations

import logging
import os
import time
from math import inf
from typing import TYPE_CHECKING, Final, NamedTuple

from inotify_simple import flags  # type: ignore[import-untyped]  # it has no type hints

from edge.control.sources.files import manifest, reading, tree
from edge.control.sources.files.ledger import FileKey, Ledger
from edge.control.sources.files.manifest import Manifest
from edge.control.sources.files.pending import GRACE, Motion, Pending
from edge.control.sources.files.watches import NAMES, Watches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from edge.control.kinds.changes import Change
    from edge.control.sources.files.keeping import Keeper
    from edge.control.sources.files.tree import File, Survey
    from edge.control.sources.files.watches import Happening

logger = logging.getLogger(__name__)

SURVEY: Final = 60.0
"""Seconds between surveys without cause."""
POLL: Final = 1.0
"""The same where the kernel does not report changes."""
_REST: Final = 9.0
"""Seconds of pause for each second that was spent on events of other files."""
_LONGEST_REST: Final = 0.1
"""Seconds. The kernel keeps thousands of events for longer than that."""


class Reading(NamedTuple):
    """A file that has been read."""

    file: File
    said: Manifest
    unfinished: bool


class Follower:
    """Passes the content of the files under ROOTS to SEND; for one thread, except `wake`."""

    def __init__(self, roots: Sequence[str], send: Callable[[Change], None], keeper: Keeper) -> None:
        """Looks at nothing yet."""
        self._keeper = keeper
        self._roots = [tree.rooted(path) for path in roots]
        self._watches = Watches()
        self._ledger = Ledger(send)
        self._pending = Pending()
        self._survey = tree.Survey()
        self._surveyed = -inf
        """Time of the last survey; minus infinity: one is due."""
        self._rest = 0.0
        """Seconds to wait before the next events are read."""
        self._first: set[str] | None = None
        """Files of the first survey that have not been read yet; None: there has been no survey."""

    def step(self) -> None:
        """Wait until there is something to do, or for `wake`, and do it."""
        self._watches.rest(min(self._rest, self._idle()))
        self._watches.wait(self._idle())
        began = time.thread_time()
        about_others = self._listen()
        self._rest = min(_REST * (time.thread_time() - began), _LONGEST_REST) if about_others else 0.0
        if time.monotonic() >= self._next_survey():
            self._look_around()
        self._read(self._pending.due(time.monotonic()))

    def wake(self) -> None:
        """Make `step` return, from any thread."""
        self._watches.wake()

    def look_again(self) -> None:
        """Survey the tree again, and assume that events were lost."""
        self._surveyed = -inf
        self._pending.lost(time.monotonic())

    def close(self) -> None:
        """Follow nothing."""
        self._watches.close()

    def is_complete(self) -> bool:
        """Whether all files of the first survey have been read, and all roots exist."""
        if self._first is None:
            return False
        self._first = {path for path in self._first if path in self._pending and not self._is_known(path)}
        return not self._first and not self.trouble()

    def _is_known(self, path: str) -> bool:
        file = self._survey.files.get(path)
        return file is not None and self._ledger.get(file.key) is not None

    def trouble(self) -> str:
        """A root that cannot be read, and why; empty: there is none."""
        blind = dict(self._survey.blind)
        return next((f"{root}: {blind[root]}" for root in self._roots if root in blind), "")

    def _idle(self) -> float:
        """Seconds until there is something to do without an event."""
        return min(self._pending.next(), self._next_survey()) - time.monotonic()

    def _next_survey(self) -> float:
        return self._surveyed + (POLL if self._watches.trouble else SURVEY)

    # --- hearing --------------------------------------------------------------------------------------------------

    def _listen(self) -> bool:
        """Note all events, and return whether there were some, but none about the manifests."""
        happenings = self._watches.happenings()
        for one in happenings:
            if one.mask & flags.Q_OVERFLOW:
                self.look_again()
            elif self._changes_the_tree(one):
                self._surveyed = -inf
        events = [(path, one) for one in happenings if not one.mask & flags.ISDIR for path in self._meant(one)]
        renamed = {one.cookie for _, one in events if one.mask & flags.MOVED_TO}
        for path, one in events:
            self._note(path, one.mask, moved=one.cookie in renamed)
        return bool(happenings) and not events and self._surveyed > -inf

    def _changes_the_tree(self, one: Happening) -> bool:
        """Whether a survey may find other files after ONE."""
        if not one.name:
            return bool(one.mask & (flags.DELETE_SELF | flags.MOVE_SELF | flags.UNMOUNT) or self._survey.blind)
        if one.name in self._survey.crossings.get(one.folder, ()) and one.mask & NAMES:
            return True
        if one.folder not in self._survey.folders or one.name.startswith("."):
            return False
        if one.mask & flags.ISDIR:
            return bool(one.mask & NAMES or self._survey.blind)
        return bool(one.mask & (flags.CREATE | flags.MOVED_TO)) and os.path.islink(one.path)

    def _meant(self, one: Happening) -> Iterable[str]:
        """The paths of manifest files that ONE is about."""
        if one.name and one.folder in self._survey.folders and tree.counts(one.name):
            return (one.path,)
        return self._survey.targets.get(one.path) or ((one.path,) if one.path in self._survey.files else ())

    def _note(self, path: str, mask: int, *, moved: bool) -> None:
        now = time.monotonic()
        known = path in self._survey.files
        if mask & (flags.CREATE | flags.MOVED_TO) and not reading.is_plain(path):
            self._surveyed = -inf  # a link, or another name for a file that is known already
            if not known:
                return
        if mask & flags.CREATE:
            self._pending.created(path, now)
        elif mask & flags.MODIFY:
            self._pending.written(path, now)
        elif mask & (flags.CLOSE_WRITE | flags.MOVED_TO) or (mask & flags.ATTRIB and path not in self._pending):
            self._pending.closed(path, now)
        elif mask & (flags.DELETE | flags.MOVED_FROM):
            self._pending.gone(path, now, moved=moved)

    # --- looking --------------------------------------------------------------------------------------------------

    def _look_around(self) -> None:
        """Find all files, and those among them that are new, different, or gone."""
        trouble = self._watches.trouble
        self._watches.begin()
        survey = tree.survey(self._roots, self._watches.watch)
        self._watches.end()
        if self._watches.trouble and self._watches.trouble != trouble:
            logger.warning("manifests: %s; looking for changes every %g s", self._watches.trouble, POLL)
        self._surveyed = now = time.monotonic()
        old, self._survey = self._survey, survey
        self._compare(old, now)
        self._report_blind(old, now)
        if self._first is None:
            self._first = set(survey.files)

    def _compare(self, old: Survey, now: float) -> None:
        """Note what is different from the OLD survey."""
        survey, clock = self._survey, time.time()
        for path, file in survey.files.items():
            known = old.files.get(path)
            if known is not None and known.signature == file.signature:
                continue
            if path not in self._pending:
                self._pending.found(path, file.modified - clock + now, now)
            elif known is not None and known.signature[:2] != file.signature[:2] and self._pending.is_open(path):
                self._pending.replaced(path, now)
        for path, file in old.files.items():
            if path not in survey.files:
                survey.files[path] = file  # until it is certain that it is gone
                # When an open file is moved with its folder, the kernel does not report that it is closed.
                seen = path not in self._pending or self._pending.is_open(path)
                if seen and not self._is_out_of_sight(file):
                    self._pending.gone(path, now, moved=path in survey.shadowed)

    def _report_blind(self, old: Survey, now: float) -> None:
        """Report paths that cannot be read, if that lasts."""
        new, known = self._survey.blind, old.blind
        if new.keys() - known.keys():
            self._surveyed = min(self._surveyed, now + GRACE - SURVEY)
        changed: dict[FileKey, Manifest | None] = {}
        for path in known:
            changed[tree.key_of(reading.OUTSIDE, path)] = Manifest(path).unreadable(new[path]) if path in new else None
        self._ledger.update(changed)

    def _is_out_of_sight(self, file: File) -> bool:
        """Whether FILE may exist, although the survey did not find it."""
        root = self._roots[file.key.root]
        return any(path == root or file.path.startswith(path + "/") for path in self._survey.blind)

    # --- reading --------------------------------------------------------------------------------------------------

    def _read(self, due: Sequence[tuple[str, Motion]]) -> None:
        """Read the files that are DUE, and send what is different."""
        if not due:
            return
        readings: list[Reading] = []
        gone: list[str] = []
        for path, motion in due:
            if motion is not Motion.GONE:
                readings += self._read_file(path, motion)
            elif path in self._survey.shadowed or not reading.exists(path):
                gone.append(path)
            else:
                readings += self._read_file(path, Motion.CLOSED)
        self._listen()
        files = {one.file.key: self._take(one) for one in readings if one.file.path not in self._pending}
        files.update({key: None for path in gone if path not in self._pending for key in self._lose(path)})
        self._keeper.keep(files)
        self._ledger.update(files)

    def _read_file(self, path: str, motion: Motion) -> Iterator[Reading]:
        known = self._survey.files.get(path)
        root = known.key.root if known is not None else self._survey.folders.get(os.path.dirname(path))
        if root is None:
            return  # its folder has gone
        key = tree.key_of(root, path)
        last = self._ledger.get(key) or self._keeper.last(key, path)
        try:
            text, signature = reading.load(path)
        except FileNotFoundError:
            self._pending.gone(path, time.monotonic())
            return
        except (OSError, UnicodeDecodeError) as error:
            yield Reading(
                tree.File(key, path, ()), (last or Manifest(path)).unreadable(reading.reason(error)), unfinished=False
            )
            return
        if not text and (motion in (Motion.CREATED, Motion.WRITTEN) or (motion is Motion.CLOSED and last is not None)):
            self._pending.empty(path, motion, time.monotonic())
            return
        unfinished = motion is Motion.WRITTEN
        yield Reading(tree.File(key, path, signature), manifest.read(path, text, last, partial=unfinished), unfinished)

    def _take(self, one: Reading) -> Manifest | None:
        self._survey.files[one.file.path] = one.file
        if one.unfinished:
            self._pending.open(one.file.path)
        return one.said

    def _lose(self, path: str) -> Iterator[FileKey]:
        """The key of the file that was at PATH, if there was one, unless all of its root is gone."""
        file = self._survey.files.get(path)
        if file is not None and reading.exists(self._roots[file.key.root]):
            del self._survey.files[path]
            yield file.key
