"""List and watch of one collection: a thread that keeps a sink true to what the API server has.

Rules of this file:
- A list is applied when all its pages are there. Until then the sink keeps what it has, and then it gets only the
  differences. What is known of each object is its resourceVersion, compared for equality only.
- A watch goes on from the last version seen, in an event or a bookmark, however it ended; only where the API server
  has forgotten that version (410), or the stream cannot be decoded, is the collection listed again.
- No failure ends the thread. A watch that ends at once, even without an error, is not repeated in a hot loop. Time is
  monotonic.

https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from edge.control.api import list_watch
from edge.control.api.backoff import Backoff
from edge.control.api.errors import RELIST, ExpiredError, KubernetesError, MalformedError, RefusedError
from edge.control.api.list_watch import Timing

if TYPE_CHECKING:
    import msgspec

    from edge.control.api.transport import Stream, Transport
    from edge.control.kinds.objects import Key
    from edge.control.kinds.resources import Collection

logger = logging.getLogger(__name__)
T = TypeVar("T")

HEALTHY = 5.0
"""A watch that held this long, in seconds, was a success; one that ends sooner counts as a failure."""
GATHERING = 0.004
"""Seconds to wait after an event that had to be waited for: the events that come meanwhile are read together, so that a
thousand events a second do not wake us a thousand times. A single event is not delayed."""
AT_ONCE = 0.0005
"""Seconds: a read that takes less did not have to wait."""


class Sink(Protocol[T]):
    """Receives the objects; all calls come from the reflector's thread."""

    def decode(self, key: Key, raw: msgspec.Raw) -> T:
        """The object in RAW; whatever is wrong with it must be part of the result, not an exception."""

    def put(self, key: Key, value: T) -> None:
        """The object exists, or is different."""

    def drop(self, key: Key) -> None:
        """The object is gone."""

    def synced(self) -> None:
        """The first list has been passed on completely."""

    def refused(self, times: int) -> None:
        """The API server has forbidden it, TIMES times in a row."""


class Reflector(Generic[T]):
    """Keeps SINK true to COLLECTION."""

    def __init__(
        self,
        transport: Transport,
        collection: Collection,
        sink: Sink[T],
        *,
        timing: Timing | None = None,
        backoff: Backoff | None = None,
        absent_for: float | None = None,
    ) -> None:
        """ABSENT_FOR: if the collection need not exist (404), the seconds between two attempts to find it."""
        self.collection = collection
        self.trouble = ""
        """Why the last try failed, for people; empty while all is well."""
        self.has_synced = False
        self.refusals = 0
        """Answers 403 in a row; 0 while access is allowed."""
        self._transport = transport
        self._sink = sink
        self._timing = timing or Timing()
        self._backoff = backoff or Backoff()
        self._absent_for = absent_for
        self._known: dict[Key, str] = {}
        self._version = ""
        """The resourceVersion to watch from; empty: list first."""
        self._reached = ""
        """The resourceVersion that the last watch reached."""
        self._logged = ""
        """The trouble that was logged last."""
        self._stopping = threading.Event()
        self._rouse = threading.Event()
        """Ends a wait between two tries: the API server is back."""
        self._not_before = 0.0
        """Earliest time of the next request (Retry-After); monotonic seconds."""
        transport.listeners.append(self._rouse.set)
        self._stream: Stream | None = None
        self._thread = threading.Thread(target=self._run, name=f"watch {collection.resource}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End soon; after the end of the thread the sink is not called any more."""
        self._stopping.set()
        self._rouse.set()
        stream = self._stream
        if stream is not None:
            stream.stop()

    @property
    def started(self) -> bool:
        """Whether `start` was called."""
        return self._thread.ident is not None

    def version_of(self, key: Key) -> str | None:
        """The resourceVersion of the object as far as we know; None: it does not exist."""
        return self._known.get(key)

    def join(self, timeout: float) -> None:
        """Wait for the end after `stop`."""
        if self.started:
            self._thread.join(timeout)

    # --- one try after another ------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._rouse.clear()
            try:
                delay = self._try()
            except Exception:
                logger.exception("%s: internal error; listing again (please report this)", self.collection)
                # It is not known what the sink has got, so all objects are sent again.
                self._relist()
                self._known = dict.fromkeys(self._known, "")
                delay = self._backoff.next()
            if delay and not self._stopping.is_set():
                self._rouse.wait(delay)
                self._stopping.wait(max(0.0, self._not_before - time.monotonic()))

    def _try(self) -> float:
        """List if need be, watch until that ends; gives the seconds to wait before the next try."""
        try:
            if not self._version:
                self._list()
            held = self._watch()
        except ExpiredError:
            self._relist()
            # One expiry after a long outage is normal; a second one in a row is retried with a delay.
            first, delay = not self._backoff.failures, self._backoff.next()
            return 0.0 if first else delay
        except RefusedError as error:
            return self._refused(error)
        except MalformedError as error:
            self._relist()
            return self._failed(f"{self.collection}: {error}")
        except KubernetesError as error:
            return self._failed(f"{self.collection}: {error}")
        return 0.0 if held else self._backoff.next()

    def _relist(self) -> None:
        self._reached, self._version = self._version or self._reached, ""

    def _refused(self, error: RefusedError) -> float:
        if error.code == 404 and self._absent_for is not None:
            self._relist()
            self._take_up({}, [])
            return self._absent_for
        verb = "watch" if self._version else "list"
        if error.code == 403:
            self.refusals += 1
            self._sink.refused(self.refusals)
            missing = f"grant the verb {verb} on {self.collection.resource}"
            return self._failed(f"{self.collection}: forbidden to {verb}; {missing} ({error.message})", at_once=True)
        if error.code == 401:
            return self._failed(
                f"{self.collection}: the API server does not accept our credentials to {verb} (401)", at_once=True
            )
        if error.code in RELIST:
            self._relist()
        rest = error.retry_after or 0.0
        self._not_before = time.monotonic() + rest
        return rest + self._failed(f"{self.collection}: {error}")

    def _failed(self, message: str, *, at_once: bool = False) -> float:
        """Note MESSAGE, and return the time to wait.

        A watch that breaks now and then is normal: it is logged only if the next try fails too.
        """
        self.trouble = message
        if (at_once or self._backoff.failures) and message != self._logged and not self._stopping.is_set():
            logger.warning("%s", message)
            self._logged = message
        return self._backoff.next()

    def _well(self) -> None:
        if self._logged:
            logger.info("%s: working again", self.collection)
        self.trouble = self._logged = ""
        self.refusals = 0

    # --- list -----------------------------------------------------------------------------------------------------

    def _list(self) -> None:
        """Read the whole collection.

        Raises:
            ExpiredError: the list grew too old between two pages.
            KubernetesError: whatever else went wrong; nothing was taken up.
        """
        versions: dict[Key, str] = {}
        changed: list[tuple[Key, T]] = []
        query = {"limit": str(list_watch.PAGE), **self.collection.query}
        while True:
            page = list_watch.page(self._transport, self.collection, query)
            if list_watch.is_older(page.metadata.resource_version, self._reached):
                self._known = dict.fromkeys(self._known, "")  # a restored cluster: its versions start over
            for raw in page.items or ():
                metadata = list_watch.metadata(raw)
                versions[metadata.key] = metadata.resource_version
                if self._known.get(metadata.key) != metadata.resource_version:
                    changed.append((metadata.key, self._sink.decode(metadata.key, raw)))
            if self._stopping.is_set():
                return
            if not page.metadata.continue_:
                break
            query["continue"] = page.metadata.continue_
        self._take_up(versions, changed)
        self._version = page.metadata.resource_version

    def _take_up(self, versions: dict[Key, str], changed: list[tuple[Key, T]]) -> None:
        gone = [key for key in self._known if key not in versions]
        self._known = versions
        for key in gone:
            self._sink.drop(key)
        for key, value in changed:
            self._sink.put(key, value)
        self._well()
        if not self.has_synced:
            self.has_synced = True
            self._sink.synced()

    # --- watch ----------------------------------------------------------------------------------------------------

    def _watch(self) -> bool:
        """Follow the collection until the watch ends in an orderly way; whether it held for a while.

        Raises:
            ExpiredError: the API server has forgotten our version.
            KubernetesError: it ended otherwise.
        """
        if self._stopping.is_set():
            return True
        with list_watch.watch(self._transport, self.collection, self._version, self._timing) as stream:
            self._stream = stream
            self._well()
            began = time.monotonic()
            try:
                self._follow(stream)
            finally:
                self._stream = None
                held = time.monotonic() - began >= HEALTHY
                if held:  # whichever way it ended: earlier failures do not make the next try wait longer
                    self._backoff.reset()
        return held

    def _follow(self, stream: Stream) -> None:
        rest = b""
        while not self._stopping.is_set():
            began = time.monotonic()
            data = stream.read()
            if not data:
                break
            was_awaited = time.monotonic() - began > AT_ONCE
            *lines, rest = (rest + data).split(b"\n") if rest else data.split(b"\n")
            for line in lines:
                if line:
                    self._event(line)
            if was_awaited:
                time.sleep(GATHERING)
        # REST is an event that the end of the stream cut off. It comes again, because its version was not noted.

    def _event(self, line: bytes) -> None:
        event = list_watch.event(line)
        metadata = list_watch.metadata(event.object)
        if event.type in ("ADDED", "MODIFIED"):
            if self._known.get(metadata.key) != metadata.resource_version:
                value = self._sink.decode(metadata.key, event.object)
                self._known[metadata.key] = metadata.resource_version
                self._sink.put(metadata.key, value)
        elif event.type == "DELETED" and self._known.pop(metadata.key, None) is not None:
            self._sink.drop(metadata.key)
        self._version = metadata.resource_version
