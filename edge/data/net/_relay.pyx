# cython: language_level=3
"""Bytes carried both ways between two plain sockets, by callbacks of the event loop: no greenlet wakes for them.

Rules of this file:
- A direction reads into one block that all of them share, and sends that at once. Only what the other side does not
  take is kept, in memory of its own, and nothing more is read until it is gone (back-pressure).
- A direction in which block after block comes full moves its bytes through a pipe instead (splice(2)): the kernel then
  hands pages on and copies nothing. The pipe goes back when the direction has nothing to read.
- Each direction ends for itself: the end of what one side sends is passed on, and the other direction goes on.
- Silence costs a store: `sweep_relays`, called a few times a second, ends those that were silent for too long.
"""

from gevent import get_hub, getcurrent

from libc.errno cimport EAGAIN, EINTR, errno
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from edge.data.net._clock cimport coarse_now as now

cdef extern from *:
    """
    #ifndef _GNU_SOURCE
    #define _GNU_SOURCE
    #endif
    #include <fcntl.h>
    """
    ctypedef long long loff_t
    Py_ssize_t c_splice "splice"(int source, void *a, int sink, void *b, size_t n, unsigned int flags) nogil
    int c_fcntl "fcntl"(int fd, int command, int value) nogil
    unsigned int SPLICE_F_MOVE, SPLICE_F_NONBLOCK
    int F_SETPIPE_SZ, O_NONBLOCK, O_CLOEXEC

cdef extern from "unistd.h":
    int c_pipe2 "pipe2"(int *ends, int flags) nogil
    int c_close "close"(int fd) nogil

cdef extern from "sys/socket.h":
    Py_ssize_t c_recv "recv"(int fd, void *buf, size_t n, int flags) nogil
    Py_ssize_t c_send "send"(int fd, const void *buf, size_t n, int flags) nogil
    int c_shutdown "shutdown"(int fd, int how) nogil
    int MSG_NOSIGNAL, SHUT_WR

cdef enum:
    BLOCK = 65536
    PIPE_SIZE = 262144
    SPARE_PIPES = 32
    STREAK = 4       # full blocks in a row after which a direction is worth a pipe
    TURNS = 16       # moves of one direction for one event, so that others get their turn
    READ = 1
    WRITE = 2
    AGAIN = -1
    BROKEN = -2

DONE, RESET, SILENT, ENDED = range(4)
"""How a relay ends: both sides have said all, one of them broke off, both were silent for too long, `end` was called."""

cdef char block[BLOCK]
cdef int spare_pipes[SPARE_PIPES][2]
cdef int spares = 0
cdef set live = set()
cdef unsigned long long all_from_clients = 0
cdef unsigned long long all_to_clients = 0


def sweep_relays():
    """End every relay whose sides have been silent for too long."""
    cdef double time = now()
    cdef Relay relay
    for item in [item for item in live if (<Relay>item).deadline(time)]:
        relay = <Relay>item
        relay.finish(SILENT)


def relayed_bytes():
    """Bytes that relays of this process have taken from clients, and given to them, so far."""
    return all_from_clients, all_to_clients


def open_relays():
    """How many relays are under way."""
    return len(live)


cdef class Relay


cdef class Way:
    """One direction of a relay."""

    cdef Relay relay
    cdef int source
    cdef int sink
    cdef bint of_client         # whether it is the client that speaks
    cdef object reader
    cdef object writer
    cdef object on_readable
    cdef bint reading
    cdef char *kept             # bytes that the sink has not taken
    cdef Py_ssize_t start
    cdef Py_ssize_t end
    cdef int pipe[2]
    cdef bint piped
    cdef Py_ssize_t in_pipe
    cdef int streak
    cdef bint over              # the source has said all, and the sink knows
    cdef unsigned long long carried

    def __cinit__(self, Relay relay, int source, int sink, bint of_client):
        self.relay = relay
        self.source = source
        self.sink = sink
        self.of_client = of_client
        self.reader = relay.loop.io(source, READ)
        self.on_readable = self._on_readable
        self.listen()

    def __dealloc__(self):
        free(self.kept)
        self._drop_pipe()

    cdef listen(self):
        if not self.reading and not self.over:
            self.reading = True
            self.reader.start(self.on_readable)

    cdef pause(self):
        """The sink takes no more: wait for it, and not for the source."""
        if self.reading:
            self.reading = False
            self.reader.stop()
        if self.writer is None:
            self.writer = self.relay.loop.io(self.sink, WRITE)
        self.writer.start(self._on_writable)

    cdef stop(self):
        self.reader.stop()
        self.reader.close()
        if self.writer is not None:
            self.writer.stop()
            self.writer.close()
        self.reader = self.writer = self.on_readable = self.relay = None
        self.over = True

    def _on_readable(self):
        self.step()

    def _on_writable(self):
        self.writer.stop()
        self.step()

    cdef step(self):
        """Move what there is to move."""
        cdef Py_ssize_t n = 0
        cdef int turn
        if self.over:
            return
        for turn in range(TURNS):
            if self.start < self.end or self.in_pipe:
                n = self.flush()
                if n == AGAIN:
                    self.pause()
                    return
                if n == BROKEN:
                    self.relay.finish(RESET)
                    return
            n = self.pull()
            if n == AGAIN:
                break
            if n == BROKEN:
                self.relay.finish(RESET)
                return
            if n == 0:
                self.close()
                return
            self.relay.active = now()
            if not self.piped and self.start == self.end and n < BLOCK:
                break  # that was all
        if self.start < self.end or self.in_pipe:
            self.pause()
        else:
            self.listen()

    cdef close(self):
        """The source has said all."""
        self.over = True
        self.reading = False
        self.reader.stop()
        self._give_pipe()
        c_shutdown(self.sink, SHUT_WR)
        self.relay.active = now()
        if self.relay.there.over and self.relay.back.over:
            self.relay.finish(DONE)

    cdef Py_ssize_t pull(self) except -3:
        """Take bytes from the source, and give them to the sink as far as it takes them; 0: it has said all."""
        cdef Py_ssize_t n, done
        if self.piped or (self.streak >= STREAK and self._take_pipe()):
            return self._splice()
        while True:
            n = c_recv(self.source, block, BLOCK, 0)
            if n >= 0 or errno != EINTR:
                break
        if n < 0:
            return AGAIN if errno == EAGAIN else BROKEN
        if n == 0:
            return 0
        self.streak = self.streak + 1 if n == BLOCK else 0
        while True:
            done = c_send(self.sink, block, n, MSG_NOSIGNAL)
            if done >= 0 or errno != EINTR:
                break
        if done < 0:
            if errno != EAGAIN:
                return BROKEN
            done = 0
        self.count(n)
        if done < n:
            self.keep(block + done, n - done)
        return n

    cdef Py_ssize_t _splice(self) except -3:
        cdef Py_ssize_t n
        with nogil:
            n = c_splice(self.source, NULL, self.pipe[1], NULL, PIPE_SIZE, SPLICE_F_MOVE | SPLICE_F_NONBLOCK)
        if n < 0:
            if errno != EAGAIN and errno != EINTR:
                return BROKEN
            self._give_pipe()
            return AGAIN
        self.in_pipe = n
        self.count(n)
        if n and self.flush() == BROKEN:
            return BROKEN
        return n

    cdef Py_ssize_t flush(self) except -3:
        """Give the sink what was taken and not given yet; AGAIN where it does not take all of it."""
        cdef Py_ssize_t n
        while self.in_pipe:
            with nogil:
                n = c_splice(self.pipe[0], NULL, self.sink, NULL, self.in_pipe, SPLICE_F_MOVE | SPLICE_F_NONBLOCK)
            if n <= 0:
                if errno == EINTR:
                    continue
                return AGAIN if errno == EAGAIN else BROKEN
            self.in_pipe -= n
            self.relay.active = now()
        while self.start < self.end:
            n = c_send(self.sink, self.kept + self.start, self.end - self.start, MSG_NOSIGNAL)
            if n < 0:
                if errno == EINTR:
                    continue
                return AGAIN if errno == EAGAIN else BROKEN
            self.start += n
            self.relay.active = now()
        if self.kept != NULL:
            free(self.kept)
            self.kept = NULL
        self.start = self.end = 0
        return 0

    cdef count(self, Py_ssize_t n):
        global all_from_clients, all_to_clients
        self.carried += n
        if self.of_client:
            all_from_clients += n
        else:
            all_to_clients += n

    cdef int keep(self, const char *p, Py_ssize_t n) except -1:
        self.kept = <char *>malloc(n)
        if self.kept == NULL:
            raise MemoryError
        memcpy(self.kept, p, n)
        self.start = 0
        self.end = n
        return 0

    cdef bint _take_pipe(self):
        """Have a pipe; False where there is none to be had."""
        global spares
        if spares:
            spares -= 1
            self.pipe[0] = spare_pipes[spares][0]
            self.pipe[1] = spare_pipes[spares][1]
        else:
            if c_pipe2(self.pipe, O_NONBLOCK | O_CLOEXEC) < 0:
                self.streak = 0
                return False
            c_fcntl(self.pipe[1], F_SETPIPE_SZ, PIPE_SIZE)  # it serves with its usual size, too
        self.piped = True
        return True

    cdef _give_pipe(self):
        """Give the pipe, which is empty, to whom needs one next."""
        global spares
        self.streak = 0
        if self.piped and not self.in_pipe and spares < SPARE_PIPES:
            spare_pipes[spares][0] = self.pipe[0]
            spare_pipes[spares][1] = self.pipe[1]
            spares += 1
            self.piped = False
        self._drop_pipe()

    cdef void _drop_pipe(self) noexcept:
        if self.piped:
            c_close(self.pipe[0])
            c_close(self.pipe[1])
            self.piped = False
        self.in_pipe = 0


cdef class Relay:
    """Carries bytes between two connected, non-blocking sockets, which stay their owner's."""

    cdef object loop
    cdef object hub_switch
    cdef object greenlet
    cdef double timeout
    cdef double active
    cdef readonly int outcome
    cdef Way there
    cdef Way back

    def __init__(self, int client, int endpoint, double timeout):
        """CLIENT, ENDPOINT: descriptors; TIMEOUT: seconds of silence in both directions that end it."""
        hub = get_hub()
        self.loop = hub.loop
        self.hub_switch = hub.switch
        self.timeout = timeout
        self.active = now()
        self.outcome = -1
        self.there = Way(self, client, endpoint, True)
        self.back = Way(self, endpoint, client, False)
        live.add(self)

    def run(self):
        """Wait until it has ended; gives how: `DONE`, `RESET`, `SILENT` or `ENDED`."""
        self.greenlet = getcurrent()
        try:
            while self.outcome < 0:
                self.hub_switch()
        finally:
            self.greenlet = None
            self.finish(ENDED)
        return self.outcome

    def end(self):
        """End it now; the sockets can be closed then."""
        self.finish(ENDED)

    @property
    def from_client(self):
        """Bytes that the client has sent."""
        return self.there.carried

    @property
    def to_client(self):
        """Bytes that were for the client."""
        return self.back.carried

    cdef bint deadline(self, double time):
        return self.active + self.timeout <= time

    cdef finish(self, int outcome):
        if self.outcome >= 0:
            return
        self.outcome = outcome
        self.there.stop()
        self.back.stop()
        live.discard(self)
        if self.greenlet is not None:
            self.loop.run_callback(self._wake)

    def _wake(self):
        if self.greenlet is not None:
            self.greenlet.switch()
