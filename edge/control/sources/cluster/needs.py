"""Secrets and ConfigMaps: read one by one, because something names them.

Rules of this file:
- The content of objects that are not needed is never fetched: one watch for metadata alone reports changes,
  and needed objects are then read by name. Nothing is requested before something is needed.
- An object of another namespace than `--watch-namespace` that a flag names has a watch of its own, by its name.
- Where a watch is forbidden, fails from the start, or does not cover an object, the needed objects are read again every
  POLL seconds; only the verb `get` is required then. An object that the API server forbids to get is read again as
  well, because no watch reports that it is allowed now.
- An object that the API server fails to return delays neither the other objects nor the first table.
- An object that is no longer needed is forgotten.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from edge.control.api.backoff import Backoff
from edge.control.api.errors import KubernetesError, RefusedError
from edge.control.api.reading import Reader
from edge.control.api.reflector import Reflector
from edge.control.api.threads import persist

if TYPE_CHECKING:
    from collections.abc import Mapping

    import msgspec

    from edge.control.api.list_watch import Timing
    from edge.control.api.transport import Transport
    from edge.control.kinds.changes import Invalid
    from edge.control.kinds.objects import Key, Object
    from edge.control.kinds.resources import Collection, Kind
    from edge.control.sources.cluster.feed import Feed

logger = logging.getLogger(__name__)

POLL = 10.0
"""Seconds between two reads of an object that cannot be watched."""
POLL_RATE = 20.0
"""Most such reads per second; with more objects each waits longer."""
BULK = 64
"""If there are this many objects to read, they are taken from one list instead."""
PATIENCE = 5.0
"""Seconds that the first reads wait for the metadata, which show which objects do not exist."""
FAILURES = 3
"""Failures in a row after which a round of reads is stopped, or an object is called unreadable if others can be
read."""


class Needs:
    """The needed objects of one kind."""

    def __init__(
        self,
        transport: Transport,
        kind: Kind,
        collection: Collection,
        feed: Feed,
        *,
        further: Mapping[Key, Collection] | None = None,
        timing: Timing | None = None,
    ) -> None:
        """COLLECTION is what the metadata watch covers; FURTHER: collections of one object each beside it."""
        self._kind = kind
        self._collection = collection
        self._feed = feed
        self._reader = Reader(transport, kind, collection)
        self._reflector: Reflector[None] = Reflector(transport, collection, self, timing=timing)
        self._further: dict[Key, Reflector[None]] = {
            key: Reflector(transport, one, self, timing=timing) for key, one in (further or {}).items()
        }
        self._changed = threading.Condition()
        self._wanted: frozenset[Key] | None = None
        self._dirty: set[Key] = set()
        self._settled = False
        self._announced = False
        self._stopping = False
        self._next_poll = 0.0
        self._again: set[Key] = set()
        """To be read once more, at `_again_at` (monotonic seconds)."""
        self._again_at = 0.0
        self._failures: dict[Key, int] = {}
        """Failures of the API server to return an object, in a row."""
        self._forbidden: set[Key] = set()
        """Objects that the API server forbids to get."""
        self._has_read = False
        self._trouble = ""
        self._backoff = Backoff()
        self._thread = threading.Thread(
            target=persist, args=(self._turn,), name=f"read {collection.resource}", daemon=True
        )

    def start(self) -> None:
        """Begin; nothing is read before the first `want`."""
        self._thread.start()

    def stop(self) -> None:
        """End soon."""
        for reflector in (self._reflector, *self._further.values()):
            reflector.stop()
        with self._changed:
            self._stopping = True
            self._changed.notify()

    @property
    def kind(self) -> str:
        """The kind's name."""
        return self._kind.name

    def want(self, keys: frozenset[Key], *, settled: bool) -> None:
        """KEYS are needed, all others are not; with SETTLED, the kind is synced when these have been read."""
        with self._changed:
            before = self._wanted or frozenset()
            self._wanted = keys
            self._settled = self._settled or settled
            self._dirty |= keys - before
            self._dirty -= before - keys
            self._again -= before - keys
            for reflector in {self._reflector_of(key) for key in keys}:
                if not reflector.started:
                    reflector.start()
            self._changed.notify()
            for key in before - keys:
                self._failures.pop(key, None)
                self._forbidden.discard(key)
                self._feed.drop(self._kind.name, key)

    @property
    def trouble(self) -> str:
        """Why the metadata cannot be watched, or an object cannot be read; empty if all is well."""
        return self._reflector.trouble or self._trouble

    def _reflector_of(self, key: Key) -> Reflector[None]:
        """The watch that covers KEY, if one does."""
        return self._further.get(key, self._reflector)

    # --- the metadata watch -----------------------------------------------------------------------------------------

    def decode(self, key: Key, raw: msgspec.Raw) -> None:
        """Nothing: only the version is needed, which the reflector keeps."""

    def put(self, key: Key, value: None) -> None:  # noqa: ARG002  # the sink's signature
        """The object is new or different."""
        with self._changed:
            if key in (self._wanted or ()):
                self._dirty.add(key)
                self._changed.notify()

    def drop(self, key: Key) -> None:
        """The object is gone."""
        self.put(key, None)

    def synced(self) -> None:
        """From now on the metadata show which objects exist."""
        with self._changed:
            self._changed.notify()

    def refused(self, times: int) -> None:
        """The metadata may not be watched."""
        if times == 1:
            logger.warning("%s cannot be watched: those in use are read every %g s", self._collection.resource, POLL)
        with self._changed:
            self._changed.notify()

    def _is_watched(self, key: Key) -> bool:
        """Whether the metadata watch covers KEY."""
        reflector = self._reflector_of(key)
        return reflector.has_synced and not reflector.trouble and self._is_in_reach(key)

    def _is_in_reach(self, key: Key) -> bool:
        """Whether a watch covers KEY, if it is allowed."""
        return key in self._further or self._collection.scope in ("", key[0])

    # --- reading ----------------------------------------------------------------------------------------------------

    def _turn(self) -> bool:
        """Read the objects that are due; False: stop."""
        keys = self._next()
        if keys is None:
            return False
        left = set(keys)
        try:
            self._read_all(left)
        except KubernetesError as error:
            self._retry_later(left, error)
        except Exception:
            with self._changed:
                self._dirty |= left & (self._wanted or frozenset())
            raise
        if not self._again:
            self._backoff.reset()
            self._trouble = ""
        self._announce()
        return True

    def _next(self) -> set[Key] | None:
        """The next objects to read; waits for them. None: stop."""
        with self._changed:
            while not self._stopping:
                if self._wanted is not None and (self._dirty or self._may_announce()) and self._informed():
                    dirty, self._dirty = self._dirty, set()
                    return dirty
                again = self._again_at - time.monotonic() if self._again else None
                if again is not None and again <= 0:
                    keys, self._again = self._again, set()
                    return keys
                due = self._poll_due()
                if due is not None and due <= 0:
                    return self._polled()
                self._changed.wait(min((wait for wait in (again, due) if wait is not None), default=None))
            return None

    def _informed(self) -> bool:
        """Whether the metadata are there, or will not come; waits a little."""

        def over() -> bool:
            watches = {self._reflector_of(key) for key in self._wanted or ()}
            return self._stopping or all(one.has_synced or one.refusals > 0 for one in watches)

        if self._wanted:
            self._changed.wait_for(over, PATIENCE)
        return not self._stopping

    def _poll_due(self) -> float | None:
        """Seconds until the next read of what cannot be watched; None: there is no such object."""
        polled = self._polled()
        if not polled:
            return None
        if not self._next_poll:
            self._next_poll = time.monotonic() + max(POLL, len(polled) / POLL_RATE)
        due = self._next_poll - time.monotonic()
        if due <= 0:
            self._next_poll = 0.0
        return due

    def _polled(self) -> set[Key]:
        wanted = self._wanted or frozenset()
        unseen = {key for key in wanted if _is_blind(self._reflector_of(key)) or not self._is_in_reach(key)}
        return unseen | (self._forbidden & wanted)

    def _is_unreadable(self, key: Key) -> bool:
        return self._has_read and self._failures.get(key, 0) >= FAILURES

    def _read_all(self, left: set[Key]) -> None:
        """Read what is LEFT, and take out of it what has been read.

        Raises:
            KubernetesError: something is still left.
        """
        self._forbidden -= left
        for key in [key for key in left if not self._may_exist(key)]:
            self._feed.absent(self._kind.name, key)
            self._done(left, key)
        if len(left) >= BULK and not self._reflector.refusals:
            self._read_list(left)
        failed: RefusedError | None = None
        failures = 0
        for key in sorted(left, key=lambda key: (self._failures.get(key, 0), key)):
            try:
                self._read(key)
            except RefusedError as error:
                if error.code < 500:
                    raise
                failed, failures = error, failures + 1
                self._failed(key, error)
                if failures >= FAILURES:
                    break
            else:
                failures = 0
                self._done(left, key)
        if failed is not None:
            raise failed

    def _read_list(self, left: set[Key]) -> None:
        try:
            for key, value in self._reader.several(frozenset(left)):
                self._take(key, value)
                self._done(left, key)
        except RefusedError as error:
            if error.code < 500:
                raise
            # One object that the API server cannot return makes the list fail; the others can be read by name.

    def _read(self, key: Key) -> None:
        try:
            value = self._reader.one(key)
        except RefusedError as error:
            if error.code != 403:
                raise
            self._forbidden.add(key)
            message = f"the API server forbids to get it ({error.message}); grant the verb get"
            value = self._reader.invalid(key, message)
        if value is None:
            self._feed.absent(self._kind.name, key)
        else:
            self._take(key, value)
            self._has_read = True

    def _done(self, left: set[Key], key: Key) -> None:
        """KEY has been read, or does not exist."""
        left.discard(key)
        self._failures.pop(key, None)
        with self._changed:
            self._again.discard(key)

    def _failed(self, key: Key, error: RefusedError) -> None:
        """The API server cannot return KEY; if it returns others, the fault is that of the object."""
        self._failures[key] = self._failures.get(key, 0) + 1
        if self._is_unreadable(key):
            self._take(key, self._reader.invalid(key, f"the API server cannot give it ({error})"))

    def _may_exist(self, key: Key) -> bool:
        return not self._is_watched(key) or self._reflector_of(key).version_of(key) is not None

    def _take(self, key: Key, value: Object | Invalid) -> None:
        with self._changed:
            if key in (self._wanted or ()):
                self._feed.put(key, value)

    def _retry_later(self, keys: set[Key], error: KubernetesError) -> None:
        """Read KEYS again after a while; others do not wait for that."""
        delay = self._backoff.next()
        if isinstance(error, RefusedError):
            delay += error.retry_after or 0.0
        trouble = f"{self._collection.resource}: {error}"
        if trouble != self._trouble:
            logger.warning("%s; trying again in %.1f s", trouble, delay)
        self._trouble = trouble
        with self._changed:
            self._again |= keys & (self._wanted or frozenset())
            self._again_at = time.monotonic() + delay

    def _may_announce(self) -> bool:
        waited_for = self._dirty or not all(self._is_unreadable(key) for key in self._again)
        return self._settled and not self._announced and not waited_for

    def _announce(self) -> None:
        with self._changed:
            if not self._may_announce():
                return
            self._announced = True
        self._feed.synced(self._kind.name)


def _is_blind(reflector: Reflector[None]) -> bool:
    """Whether REFLECTOR is not allowed to watch, or has failed from the start."""
    return reflector.refusals > 0 or (bool(reflector.trouble) and not reflector.has_synced)
