# cython: language_level=3
"""Waits for another greenlet of the same connection, not for a socket.

Rules of this file:
- One greenlet or `Resumable` waits at a time. Spurious wake-ups are possible, so every caller checks again.
- `wake` does not switch: the waiter runs when it is its turn (`_scheduler`).
- Timeouts cost a store, as those of streams: `sweep_waiters`, called with `sweep`, wakes those whose deadline has
  passed.
"""

from edge.data.net._clock cimport coarse_now as now
from edge.data.net._scheduler cimport LATE, READY, Place, Resumable

from edge.data.net.errors import PeerGone, StreamTimeout

cdef double GRACE = 1.0  # seconds for a wait after the other party has closed its connection, as for streams

cdef set waiting = set()


def sweep_waiters():
    """Wake every waiter whose deadline has passed."""
    cdef double time = now()
    cdef Waiter waiter
    for item in list(waiting):
        waiter = <Waiter>item
        if waiter.deadline <= time:
            waiter.place.wake(LATE)


cdef class Waiter:
    """A place to wait for others; `peer`: the state of the other end, for errors (`edge.data.net.errors`)."""

    def __cinit__(self):
        self.place = Place()

    cpdef wait(self, double timeout):
        """Wait until woken, for TIMEOUT seconds at most.

        Raises:
            StreamTimeout: it was not woken in time.
            PeerGone: as well, after `hurry`.
            Exception: the argument of `fail`.
        """
        if not self.held:
            if self.failure is not None:
                raise self.failure
            self.extend(timeout)
            waiting.add(self)
            try:
                self.place.pause()
            finally:
                waiting.discard(self)
        else:  # it has been resumed
            self.held = False
            waiting.discard(self)
        if self.failure is not None:
            raise self.failure
        if self.place.woken == LATE and self.hurried:
            raise PeerGone("the other side hung up", self.peer)
        if self.place.woken == LATE:
            raise StreamTimeout("silent for too long", self.peer)

    cpdef bint hold(self, Resumable one, double timeout) except -1:
        """Resume ONE when woken, or after TIMEOUT seconds; it must call `wait` then. False: `wait` would raise the
        argument of `fail`."""
        if self.failure is not None:
            return False
        self.extend(timeout)
        waiting.add(self)
        self.held = True
        self.place.hold(one)
        return True

    cpdef extend(self, double timeout):
        """There is progress: the wait may take TIMEOUT more seconds."""
        self.deadline = now() + (min(timeout, GRACE) if self.hurried else timeout)

    cpdef hurry(self, bint at_once):
        """The other party of the exchange has closed its connection: end the wait soon."""
        cdef double limit = now() + (0 if at_once else GRACE)
        self.hurried = True
        self.deadline = min(self.deadline, limit)

    cpdef renew(self):
        """Forget the results of earlier waits."""
        self.failure = None
        self.hurried = self.held = False

    cpdef wake(self):
        """Make the waiter, if there is one, check again."""
        self.place.wake(READY)

    cpdef fail(self, failure):
        """End every wait with FAILURE from now on; None: no longer."""
        self.failure = failure
        if failure is not None:
            self.wake()


cdef class Turn:
    """A place where a Resumable only waits for its turn."""

    def __cinit__(self):
        self.place = Place()

    cpdef call(self, Resumable one):
        """Resume ONE before the event loop waits again."""
        self.place.hold(one)
        self.place.wake(READY)
