"""Leader election by a Lease: which instance writes status and Events. Routing never depends on it.

Rules of this file:
- Fencing is by time, as client-go does it: a leader stops leading RENEW_DEADLINE after its last renewal *began*,
  others take over DURATION after they *saw* it; with clocks that run at the same rate both are never true at once.
  Writers ask `remaining` before each write and give it no longer than that.
- Clocks of different machines are never compared: of a Lease that another instance holds, only the fact that it changed
  counts. The times in it are for people. Time is that of CLOCK_BOOTTIME, which goes on while the machine sleeps.
- Each write names the resourceVersion that it is based on, so of two instances that write at the same time one gets
  409.
- No failure ends the thread.

https://kubernetes.io/docs/concepts/architecture/leases/
"""

from __future__ import annotations

import datetime
import logging
import random
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from edge.control.api.errors import KubernetesError, MalformedError, RefusedError
from edge.control.api.threads import persist
from edge.control.kinds import resources

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.control.api.transport import Transport

logger = logging.getLogger(__name__)

RELEASE_TIMEOUT = 2.0
"""Longest wait for the API server at a clean exit, seconds."""
Lease = dict[str, Any]
"""The whole object, so that what others have put into it survives our writes."""


@dataclass(frozen=True)
class Term:
    """Times of an election, in seconds: client-go's defaults."""

    duration: int = 15
    """How long others leave a Lease alone that is not renewed."""
    deadline: float = 10.0
    """How long a leader goes on without a renewal; less than `duration`."""
    retry: float = 2.0
    """Between two tries to get or renew it."""

    @classmethod
    def of(cls, duration: float) -> Term:
        """The times of an election whose Lease holds for DURATION seconds, in client-go's proportions."""
        whole = round(duration)
        return cls(whole, whole * 2 / 3, whole * 2 / 15)


class Election:
    """One candidate; `leads` says whether it is the leader at this moment."""

    def __init__(
        self,
        transport: Transport,
        *,
        namespace: str,
        name: str,
        identity: str,
        term: Term | None = None,
        clock: Callable[[], float] = lambda: time.clock_gettime(time.CLOCK_BOOTTIME),
    ) -> None:
        """IDENTITY must be unique: not even this process's predecessor had it."""
        self.identity = identity
        self.holder = ""
        """The holder of the Lease as far as we know; empty: none."""
        self.trouble = ""
        """Why the last try failed, for people; empty while all is well."""
        self.listeners: list[Callable[[bool], None]] = []
        """Called, by the thread of the election, when leadership begins (True) or is over."""
        self._transport = transport
        self._collection = resources.LEASE.collection(namespace)
        self._path = resources.LEASE.path_of((namespace, name))
        self._name = name
        self._namespace = namespace
        self._term = term or Term()
        self._clock = clock
        self._until = 0.0
        """Leader until then."""
        self._notified = False
        self._seen: Lease = {}
        """The last `spec` of the Lease, and when it was first seen."""
        self._seen_at = 0.0
        self._lease: Lease | None = None
        """The Lease as our last write left it: renewed without being read again."""
        self._hold = threading.Lock()
        """Held during work on the Lease."""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=persist, args=(self._turn,), name="leader election", daemon=True)

    def start(self) -> None:
        """Begin in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Stop being a candidate, and release the Lease if it is ours, so that another instance need not wait until it
        expires."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(self._term.deadline + 1)
        if self.leads and self._hold.acquire(timeout=1):
            self._release()
            self._hold.release()
        self._until = 0.0
        self._notify()

    def is_alone(self, patience: float) -> bool:
        """Whether there is no other candidate: release the Lease, and acquire it again if it is still free.

        PATIENCE in seconds must be longer than `Term.retry`. False also if that is unknown.
        """
        with self._hold:
            if not self.leads or not self._release():
                return False
            end = self._clock() + patience
            while True:
                now = self._clock()
                try:
                    if now >= end:
                        mine = self._acquire()
                        self._until = now + self._term.deadline if mine else 0.0
                        return mine
                    holder = ((self._get() or {}).get("spec") or {}).get("holderIdentity")
                except KubernetesError:
                    return False
                if holder:
                    return False
                time.sleep(min(0.25, patience / 4))

    @property
    def leads(self) -> bool:
        """Whether this instance is the leader, and will be for some time."""
        return self.remaining > 0

    @property
    def remaining(self) -> float:
        """Seconds for which it is certain that no other instance leads; 0: none."""
        return max(0.0, self._until - self._clock())

    # --- the thread -------------------------------------------------------------------------------------------------

    def _turn(self) -> bool:
        """One try to get or keep the Lease, and the wait after it; False: stop."""
        self._notify()  # leadership may have ended during the wait, and the try takes a while
        with self._hold:
            self._step()
        self._notify()
        return not self._stopping.wait(self._pause())

    def _pause(self) -> float:
        retry = self._term.retry
        if not self.leads:
            return random.uniform(retry, 1.2 * retry)  # noqa: S311  # so that candidates do not ask at the same time
        # Wake when our leadership ends, because listeners must be called at once.
        return min(retry, max(self.remaining, 0.001))

    def _step(self) -> None:
        began = self._clock()
        try:
            ours = self._renew() if self.leads else self._acquire()
        except KubernetesError as error:
            self._lease = None  # whether a write has arrived is not known
            self._failed(error)
            return
        self._well()
        if ours:
            self._notify()  # it may have ended during the try: a writer that saw this waits for the next election
            self._until = began + self._term.deadline
        elif self.holder != self.identity:
            self._until = 0.0

    def _acquire(self) -> bool:
        """Take the Lease if it is free; whether it is ours.

        Raises:
            KubernetesError: it is not known whose it is.
        """
        lease = self._get()
        if lease is None:
            return self._create()
        now = self._clock()  # not the time before the request: the holder may have renewed the Lease meanwhile
        spec = lease.get("spec") or {}
        if spec != self._seen:
            self._seen, self._seen_at = spec, now
        self.holder = spec.get("holderIdentity") or ""
        if self.holder not in ("", self.identity):
            duration = spec.get("leaseDurationSeconds") or self._term.duration
            if now < self._seen_at + duration:
                return False
        return self._put(lease, spec)

    def _renew(self) -> bool:
        if self._lease is not None and self._put(self._lease, self._lease.get("spec") or {}):
            return True
        return self._acquire()

    # --- requests ---------------------------------------------------------------------------------------------------

    def _get(self, patience: float | None = None) -> Lease | None:
        try:
            return _decode(self._transport.request("GET", self._path, read_timeout=patience or self._patience()))
        except RefusedError as error:
            if error.code == 404:
                return None
            raise

    def _create(self) -> bool:
        lease = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self._name, "namespace": self._namespace},
            "spec": self._spec({}),
        }
        return self._write("POST", self._collection.path, lease)

    def _put(self, lease: Lease, spec: Lease) -> bool:
        return self._write("PUT", self._path, {**lease, "spec": {**spec, **self._spec(spec)}})

    def _write(self, method: str, path: str, lease: Lease) -> bool:
        try:
            answer = self._transport.request(method, path, body=lease, read_timeout=self._patience())
        except RefusedError as error:
            if error.code == 409:  # another instance was faster
                self._lease = None
                return False
            raise
        self._lease = _decode(answer)
        self.holder = self.identity
        return True

    def _spec(self, old: Lease) -> Lease:
        now = microtime()
        transitions: int = old.get("leaseTransitions") or 0
        spec = {
            "holderIdentity": self.identity,
            "leaseDurationSeconds": self._term.duration,
            "acquireTime": now,
            "renewTime": now,
            "leaseTransitions": transitions,
        }
        if old.get("holderIdentity") == self.identity and old.get("acquireTime"):
            spec["acquireTime"] = old["acquireTime"]
        elif old:
            spec["leaseTransitions"] = transitions + 1
        return spec

    def _release(self) -> bool:
        """Release the Lease; whether that worked."""
        self._until = 0.0
        lease, self._lease = self._lease, None
        now = microtime()
        free = {"holderIdentity": "", "leaseDurationSeconds": 1, "acquireTime": now, "renewTime": now}
        try:
            lease = lease or self._get(RELEASE_TIMEOUT)  # after a renewal of unknown outcome
            spec = (lease or {}).get("spec") or {}
            if lease is None or spec.get("holderIdentity") != self.identity:
                return False
            body = {**lease, "spec": {**spec, **free}}
            self._transport.request("PUT", self._path, body=body, read_timeout=RELEASE_TIMEOUT)
        except KubernetesError as error:
            logger.warning("lease %s: not released, others wait for its end: %s", self._name, error)
            return False
        self.holder = ""
        return True

    def _patience(self) -> float:
        """Longest silence of the API server in one try, seconds: there must be time for another one."""
        return self._term.deadline / 2

    # --- notifying --------------------------------------------------------------------------------------------------

    def _notify(self) -> None:
        leads = self.leads
        if leads == self._notified:
            return
        self._notified = leads
        logger.info("lease %s: %s", self._name, "this instance leads" if leads else "this instance no longer leads")
        for listener in self.listeners:
            listener(leads)

    def _failed(self, error: KubernetesError) -> None:
        message = f"lease {self._namespace}/{self._name}: {error}"
        if isinstance(error, RefusedError) and error.code == 403:
            message += "; grant the verbs create, get and update on leases.coordination.k8s.io in that namespace"
        if message != self.trouble:
            logger.warning("%s; status and Events wait", message)
        self.trouble = message

    def _well(self) -> None:
        if self.trouble:
            logger.info("lease %s: working again", self._name)
        self.trouble = ""


def _decode(data: bytes) -> Lease:
    try:
        lease = msgspec.json.decode(data)
    except msgspec.DecodeError as error:
        raise MalformedError(f"lease: {error}") from error
    if not isinstance(lease, dict) or not isinstance(lease.get("spec") or {}, dict):
        raise MalformedError("lease: not a Lease")
    return lease


def microtime() -> str:
    """Now, as a MicroTime: RFC 3339 in UTC with six digits of a second."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
