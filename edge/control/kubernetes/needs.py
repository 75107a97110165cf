"""Secrets and ConfigMaps: read one by one, because something names them.

Rules of this file:
- Of the objects that nobody needs, not even the content crosses the wire: one watch for metadata alone tells when
  an object changes, and what is needed is then read by name. Nothing at all is asked for before something is needed.
- Where that watch is forbidden, or does not reach (a namespace other than `--watch-namespace`), the needed objects are
  read again every POLL seconds; only the verb `get` is required then.
- What is needed no longer is forgotten.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

import msgspec

from edge.control.changes import Invalid
from edge.control.kubernetes import wire
from edge.control.kubernetes.backoff import Backoff
from edge.control.kubernetes.errors import KubernetesError, MalformedError, RefusedError
from edge.control.kubernetes.reflector import PAGE, Reflector, Timing
from edge.control.kubernetes.threads import persist
from edge.control.objects import Object, ObjectError, decode

if TYPE_CHECKING:
    from collections.abc import Set

    from edge.control.kubernetes.feed import Feed
    from edge.control.kubernetes.reflector import Collection
    from edge.control.kubernetes.resources import Kind
    from edge.control.kubernetes.transport import Transport
    from edge.control.kubernetes.wire import Key

logger = logging.getLogger(__name__)

POLL = 10.0
"""Seconds between two looks at an object that cannot be watched."""
POLL_RATE = 20.0
"""Most such looks per second; with more objects each waits longer."""
BULK = 64
"""From this many objects to read on, they are taken from one list instead."""
PATIENCE = 5.0
"""Seconds that the first reads wait for the metadata, which tell what need not be asked for."""


class Needs:
    """The needed objects of one kind."""

    def __init__(
        self, transport: Transport, kind: Kind, collection: Collection, feed: Feed, *, timing: Timing | None = None
    ) -> None:
        """COLLECTION is what the metadata watch covers."""
        self._transport = transport
        self._kind = kind
        self._collection = collection
        self._feed = feed
        self._reflector: Reflector[None] = Reflector(transport, collection, self, timing=timing)
        self._changed = threading.Condition()
        self._wanted: frozenset[Key] | None = None
        self._dirty: set[Key] = set()
        self._settled = False
        self._announced = False
        self._stopping = False
        self._next_poll = 0.0
        self._backoff = Backoff()
        self._thread = threading.Thread(
            target=persist, args=(self._turn,), name=f"read {collection.resource}", daemon=True
        )

    def start(self) -> None:
        """Begin; nothing is read before the first `want`."""
        self._thread.start()

    def stop(self) -> None:
        """End soon."""
        self._reflector.stop()
        with self._changed:
            self._stopping = True
            self._changed.notify()

    @property
    def kind(self) -> str:
        """The kind's name."""
        return self._kind.name

    def want(self, keys: frozenset[Key], *, settled: bool) -> None:
        """KEYS are needed, all others are not; with SETTLED, the kind is synced when these have been looked for."""
        with self._changed:
            before = self._wanted or frozenset()
            self._wanted = keys
            self._settled = self._settled or settled
            self._dirty |= keys - before
            self._dirty -= before - keys
            if keys and not self._reflector.started:
                self._reflector.start()
            self._changed.notify()
            for key in before - keys:
                self._feed.drop(self._kind.name, key)

    @property
    def trouble(self) -> str:
        """Why the metadata cannot be watched; empty when they can."""
        return self._reflector.trouble

    # --- the metadata watch -----------------------------------------------------------------------------------------

    def decode(self, key: Key, raw: msgspec.Raw) -> None:
        """Nothing but the version is of interest, and that the reflector knows."""

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
        """From now on the metadata tell what is there."""
        with self._changed:
            self._changed.notify()

    def refused(self, times: int) -> None:
        """The metadata may not be watched."""
        if times == 1:
            logger.warning("%s cannot be watched: those in use are read every %g s", self._collection.resource, POLL)
        with self._changed:
            self._changed.notify()

    def _is_watched(self, key: Key) -> bool:
        """Whether the metadata watch would tell of KEY."""
        reflector, scope = self._reflector, self._collection.scope
        return reflector.has_synced and not reflector.refusals and scope in ("", key[0])

    # --- reading ----------------------------------------------------------------------------------------------------

    def _turn(self) -> bool:
        """Read what is to be read; False: stop."""
        keys = self._next()
        if keys is None:
            return False
        try:
            self._read_all(keys)
        except KubernetesError as error:
            self._retry_later(keys, error)
        except Exception:
            with self._changed:
                self._dirty |= keys & (self._wanted or frozenset())
            raise
        else:
            self._backoff.reset()
            self._announce()
        return True

    def _next(self) -> set[Key] | None:
        """The next objects to read; waits for them. None: stop."""
        with self._changed:
            while not self._stopping:
                if (
                    self._wanted is not None
                    and (self._dirty or (self._settled and not self._announced))
                    and self._informed()
                ):
                    dirty, self._dirty = self._dirty, set()
                    return dirty
                due = self._poll_due()
                if due is not None and due <= 0:
                    return self._polled()
                self._changed.wait(due)
            return None

    def _informed(self) -> bool:
        """Whether the metadata are there, or there is no point in waiting for them; waits a little."""

        def over() -> bool:
            return self._reflector.has_synced or self._reflector.refusals > 0 or self._stopping

        if self._wanted:
            self._changed.wait_for(over, PATIENCE)
        return not self._stopping

    def _poll_due(self) -> float | None:
        """Seconds until the next look at what cannot be watched; None: there is nothing of that sort."""
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
        refused, scope = self._reflector.refusals > 0, self._collection.scope
        return {key for key in wanted if refused or scope not in ("", key[0])}

    def _read_all(self, keys: Set[Key]) -> None:
        missing = {key for key in keys if not self._may_exist(key)}
        for key in missing:
            self._feed.absent(self._kind.name, key)
        left = set(keys) - missing
        if len(left) >= BULK and not self._reflector.refusals:
            left -= self._read_list(left)
        for key in left:
            self._read(key)

    def _may_exist(self, key: Key) -> bool:
        return not self._is_watched(key) or self._reflector.version_of(key) is not None

    def _read(self, key: Key) -> None:
        path = self._kind.path_of(key)
        try:
            raw = self._transport.request("GET", path)
        except RefusedError as error:
            if error.code == 404:
                self._feed.absent(self._kind.name, key)
                return
            if error.code == 403:
                self._feed.put(
                    key,
                    Invalid(
                        path,
                        self._kind.name,
                        *key,
                        f"the API server forbids to get it ({error.message}); grant the verb get",
                    ),
                )
                return
            raise
        self._take(key, raw)

    def _read_list(self, keys: set[Key]) -> set[Key]:
        """Take KEYS out of a list of all objects of the usual type; gives those that were there."""
        found: set[Key] = set()
        query = {"limit": str(PAGE), **self._kind.bulk_query}
        while True:
            try:
                page = wire.decode_page(self._transport.request("GET", self._collection.path, query=query))
            except msgspec.DecodeError as error:
                raise MalformedError(f"{self._collection.resource}: {error}") from error
            for raw in page.items or ():
                key = wire.decode_partial(raw).metadata.key
                if key in keys:
                    self._take(key, raw)
                    found.add(key)
            if not page.metadata.continue_:
                return found
            query["continue"] = page.metadata.continue_

    def _take(self, key: Key, raw: bytes | msgspec.Raw) -> None:
        value: Object | Invalid
        try:
            value = decode(raw, self._kind.name)
        except ObjectError as error:
            value = Invalid(self._kind.path_of(key), self._kind.name, *key, str(error))
        with self._changed:
            if key in (self._wanted or ()):
                self._feed.put(key, value)

    def _retry_later(self, keys: set[Key], error: KubernetesError) -> None:
        delay = self._backoff.next()
        logger.warning("%s: %s; trying again in %.1f s", self._collection.resource, error, delay)
        with self._changed:
            self._dirty |= keys & (self._wanted or frozenset())
            self._changed.wait_for(lambda: self._stopping, delay)

    def _announce(self) -> None:
        with self._changed:
            if self._announced or self._dirty or not self._settled:
                return
            self._announced = True
        self._feed.synced(self._kind.name)
