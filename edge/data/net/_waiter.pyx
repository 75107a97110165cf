# cython: language_level=3
"""What waits for another of the same connection, not for a socket.

Rules of this file:
- One waits at a time, a greenlet or a `Resumable`. It may be woken for no reason, so every caller looks again.
- Who wakes goes on: the waiter runs when it is its turn (`_scheduler`).
- Timeouts cost a store, as those of streams: `sweep_waiters`, called with `sweep`, wakes those who are late.
"""

from edge.data.net._clock cimport coarse_now as now
from edge.data.net._scheduler cimport LATE, READY, Place, Resumable

from edge.data.net.errors import PeerGone, StreamTimeout

cdef double GRACE = 1.0  # seconds that are left to a wait whose other party has hung up, as for streams

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
    """Where one waits for others; `peer`: the state of the other end, for errors (`edge.data.net.errors`)."""

    def __cinit__(self):
        self.place = Place()

    cpdef wait(self, double timeout):
        """Wait until woken, for TIMEOUT seconds at most.

        Raises:
            StreamTimeout: nobody woke it.
            PeerGone: as well, after `hurry`.
            Exception: what `fail` was given.
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
        """Have ONE resumed when woken, or after TIMEOUT seconds; it has to call `wait` then. False: `wait` would raise
        what `fail` was given."""
        if self.failure is not None:
            return False
        self.extend(timeout)
        waiting.add(self)
        self.held = True
        self.place.hold(one)
        return True

    cpdef extend(self, double timeout):
        """There is progress: the wait may take TIMEOUT seconds from now on."""
        self.deadline = now() + (min(timeout, GRACE) if self.hurried else timeout)

    cpdef hurry(self, bint at_once):
        """The other party of the exchange has hung up: end the wait soon."""
        cdef double limit = now() + (0 if at_once else GRACE)
        self.hurried = True
        self.deadline = min(self.deadline, limit)

    cpdef renew(self):
        """Forget what has been said about earlier waits."""
        self.failure = None
        self.hurried = self.held = False

    cpdef wake(self):
        """Let the waiter, if there is one, look again."""
        self.place.wake(READY)

    cpdef fail(self, failure):
        """From now on every wait ends with FAILURE; None: no longer."""
        self.failure = failure
        if failure is not None:
            self.wake()


cdef class Turn:
    """Where a Resumable waits for its turn, and for nothing else."""

    def __cinit__(self):
        self.place = Place()

    cpdef call(self, Resumable one):
        """Have ONE resumed before the event loop waits again."""
        self.place.hold(one)
        self.place.wake(READY)
