# cython: language_level=3
"""Bytes carried both ways between two plain sockets, by events of the kernel: no greenlet, no Python object for them.

Rules of this file:
- A direction reads into one block that all of them share, and sends that at once. Only what the other side does not
  take is kept, in memory of its own, and nothing more is read until it is gone (back-pressure).
- A direction in which block after block comes full moves its bytes through a pipe instead (splice(2)): the kernel then
  hands pages on and copies nothing. The pipe goes back when the direction has nothing to read.
- Each direction ends for itself: the end of what one side sends is passed on, and the other direction goes on.
- Events are edge-triggered: `readable` and `stuck` say what is known of a socket, until a system call says otherwise.
- Silence costs a store: `sweep_relays`, called a few times a second, ends those that were silent for too long. It looks
  at those whose time may be over, and at no others (`_deadlines`).
"""

from libc.errno cimport EAGAIN, EINTR, errno
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from edge.data.net._clock cimport coarse_now as now
from edge.data.net._deadlines cimport Deadlines, expect_by
from edge.data.net._poller cimport P_ERR, P_HUP, P_IN, P_OUT, P_RDHUP, Polled, bury, follow, follow_again

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
    int c_setsockopt "setsockopt"(int fd, int level, int name, const void *value, unsigned int size) nogil
    struct c_linger "linger":
        int l_onoff
        int l_linger
    int MSG_NOSIGNAL, SHUT_WR, SOL_SOCKET, SO_LINGER

cdef enum:
    BLOCK = 65536
    PIPE_SIZE = 262144
    SPARE_PIPES = 32
    STREAK = 4       # full blocks in a row after which a direction is worth a pipe
    TURNS = 16       # moves of one direction for one event, so that others get their turn
    AGAIN = -1
    BROKEN = -2
    CLIENT = 0       # sides; a way has the number of the side that speaks
    ENDPOINT = 1
    ALL = P_IN | P_OUT | P_RDHUP

DONE, RESET, SILENT, ENDED = range(4)
"""How a relay ends: both sides have said all, one of them broke off, both were silent for too long, `end` was called."""
cdef int C_DONE = DONE, C_RESET = RESET, C_SILENT = SILENT, C_ENDED = ENDED

cdef char block[BLOCK]
cdef int spare_pipes[SPARE_PIPES][2]
cdef int spares = 0
cdef Deadlines deadlines = Deadlines()
cdef unsigned long long carried_bytes[2]


def sweep_relays():
    """End every relay whose sides have been silent for too long."""
    cdef double time = now(), deadline
    cdef Relay relay
    cdef list late = []
    for item in deadlines.due():
        relay = <Relay>item
        deadline = relay.active + relay.timeout
        deadlines.put(&relay.deadline, deadline)
        if deadline <= time:
            late.append(relay)
    for item in late:
        relay = <Relay>item
        if not relay.over:
            relay.late()


def relayed_bytes():
    """Bytes that relays of this process have taken from clients, and given to them, so far."""
    return carried_bytes[CLIENT], carried_bytes[ENDPOINT]


def open_relays():
    """The relays that are under way."""
    return deadlines.all()


cdef class Relay(Polled):
    """Carries bytes between a client and an endpoint, two connected, non-blocking sockets, which it owns and closes.

    A subclass connects to the endpoint: `begin`, then `carry`; and takes note of the end: `finished`. After a change of
    `timeout` it says what to `expect`.
    """

    def __cinit__(self):
        memset(self.ways, 0, sizeof(self.ways))
        self.ways[CLIENT].source = self.ways[ENDPOINT].source = -1
        self.ways[CLIENT].sink = self.ways[ENDPOINT].sink = -1
        self.deadline.owner = <void *>self

    def __dealloc__(self):
        self.drop(False)

    cdef int begin(self, int client) except -1:
        """The relay of CLIENT begins; its endpoint is still to come."""
        self.ways[CLIENT].source = self.ways[ENDPOINT].sink = client
        self.active = now()
        follow(self, client, CLIENT, ALL)
        return 0

    cdef int expect(self) except -1:
        """It is late when nothing has happened for `timeout` seconds since it was `active`."""
        expect_by(deadlines, &self.deadline, self.active + self.timeout)
        return 0

    cdef int carry(self, int endpoint) except -1:
        """ENDPOINT, which is followed, is connected: carry bytes until both sides have ended."""
        self.carrying = True
        self.ways[CLIENT].sink = self.ways[ENDPOINT].source = endpoint
        self.active = now()
        self.expect()
        self.move(CLIENT)
        return self.move(ENDPOINT) if self.ways[ENDPOINT].readable and not self.over else 0

    def end(self):
        """End it now."""
        self.finish(C_ENDED)

    # --- events ---------------------------------------------------------------------------------------------------

    cdef int happened(self, int side, unsigned int events) except -1:
        cdef Way *way = &self.ways[side]
        cdef Way *back = &self.ways[1 - side]
        if events & (P_IN | P_RDHUP | P_HUP | P_ERR):
            way.readable = True
            if events & (P_RDHUP | P_HUP | P_ERR):
                way.last = True
        if way.over and events & (P_ERR | P_HUP):
            return self.finish(C_RESET)  # it has hung up before, so this is a reset
        if not self.carrying:
            return self.happened_early(events) if side == CLIENT else self.happened_connecting(events)
        if back.stuck and events & (P_OUT | P_HUP | P_ERR):
            back.stuck = False
            self.move(1 - side)
        if way.readable and not way.stuck and not self.over:
            self.move(side)
        return 0

    cdef int happened_early(self, unsigned int events) except -1:
        """EVENTS of the client before an endpoint has taken the connection."""
        if events & (P_ERR | P_HUP):
            self.finish(C_RESET)
        return 0

    cdef int happened_connecting(self, unsigned int events) except -1:
        """EVENTS of an endpoint that has not taken the connection yet."""
        raise NotImplementedError

    cdef int failed(self) except -1:
        return self.finish(C_RESET)

    cdef int late(self) except -1:
        """Nothing has happened for `timeout` seconds."""
        return self.finish(C_SILENT)

    # --- carrying -------------------------------------------------------------------------------------------------

    cdef int move(self, int side) except -1:
        """Move what there is to move of what SIDE says."""
        cdef Way *way = &self.ways[side]
        cdef Py_ssize_t n
        cdef int turn
        if way.over:
            return 0
        for turn in range(TURNS):
            if way.start < way.end or way.in_pipe:
                n = self.flush(way)
                if n == AGAIN:
                    way.stuck = True
                    return 0
                if n == BROKEN:
                    return self.finish(C_RESET)
            if not way.readable:
                return 0
            n = self.pull(side, way)
            if n == AGAIN:
                way.readable = False
                return 0
            if n == BROKEN:
                return self.finish(C_RESET)
            if n == 0:
                return self.say_end(way)
            self.active = now()
            if n < BLOCK and not way.piped and not way.last:
                way.readable = False  # that was all; more is another event
                if way.start == way.end:
                    return 0
        # Others get their turn. The kernel reports what is ready once more.
        if way.start < way.end or way.in_pipe:
            way.stuck = True
            return follow_again(self, way.sink, 1 - side, ALL)
        return follow_again(self, way.source, side, ALL)

    cdef int say_end(self, Way *way) except -1:
        """The source has ended: pass the end on to the sink."""
        way.over = True
        give_pipe(way)
        if self.ways[CLIENT].over and self.ways[ENDPOINT].over:
            return self.finish(C_DONE)
        c_shutdown(way.sink, SHUT_WR)
        self.active = now()
        return 0

    cdef Py_ssize_t pull(self, int side, Way *way) except -3:
        """Take bytes from the source, and give them to the sink as far as it takes them; 0: it has said all."""
        cdef Py_ssize_t n, done
        if way.piped or (way.streak >= STREAK and take_pipe(way)):
            return self.splice(side, way)
        while True:
            n = c_recv(way.source, block, BLOCK, 0)
            if n >= 0 or errno != EINTR:
                break
        if n < 0:
            return AGAIN if errno == EAGAIN else BROKEN
        if n == 0:
            return 0
        way.streak = way.streak + 1 if n == BLOCK else 0
        while True:
            done = c_send(way.sink, block, n, MSG_NOSIGNAL)
            if done >= 0 or errno != EINTR:
                break
        if done < 0:
            if errno != EAGAIN:
                return BROKEN
            done = 0
        way.carried += n
        carried_bytes[side] += n
        if done < n:
            put(way, block + done, n - done)
        return n

    cdef Py_ssize_t splice(self, int side, Way *way) except -3:
        cdef Py_ssize_t n
        while True:
            with nogil:
                n = c_splice(way.source, NULL, way.pipe[1], NULL, PIPE_SIZE, SPLICE_F_MOVE | SPLICE_F_NONBLOCK)
            if n >= 0 or errno != EINTR:
                break
        if n < 0:
            if errno != EAGAIN:
                return BROKEN
            give_pipe(way)
            return AGAIN
        way.in_pipe = n
        way.carried += n
        carried_bytes[side] += n
        if n and self.flush(way) == BROKEN:
            return BROKEN
        return n

    cdef Py_ssize_t flush(self, Way *way) noexcept:
        """Give the sink what was taken and not given yet; AGAIN where it does not take all of it."""
        cdef Py_ssize_t n
        while way.in_pipe:
            with nogil:
                n = c_splice(way.pipe[0], NULL, way.sink, NULL, way.in_pipe, SPLICE_F_MOVE | SPLICE_F_NONBLOCK)
            if n <= 0:
                if errno == EINTR:
                    continue
                return AGAIN if errno == EAGAIN else BROKEN
            way.in_pipe -= n
            self.active = now()
        while way.start < way.end:
            n = c_send(way.sink, way.kept + way.start, way.end - way.start, MSG_NOSIGNAL)
            if n < 0:
                if errno == EINTR:
                    continue
                return AGAIN if errno == EAGAIN else BROKEN
            way.start += n
            self.active = now()
        if way.kept != NULL:
            free(way.kept)
            way.kept = NULL
        way.start = way.end = 0
        return 0

    cdef int keep(self, const char *p, Py_ssize_t n) except -1:
        """Before all else the endpoint gets the N bytes at P."""
        return put(&self.ways[CLIENT], p, n)

    # --- the end --------------------------------------------------------------------------------------------------

    cdef int finish(self, int outcome) except -1:
        if self.over:
            return 0
        deadlines.remove(&self.deadline)
        bury(self)
        self.drop(outcome == C_RESET)
        return self.finished(outcome)

    cdef int finished(self, int outcome) except -1:
        """It has ended, by OUTCOME, and its sockets are closed."""
        return 0

    cdef void drop(self, bint abruptly) noexcept:
        """Close the sockets; ABRUPTLY: by a reset, so that the peers do not take the data for complete."""
        cdef c_linger reset
        cdef int side, fd
        for side in range(2):
            fd = self.ways[side].source
            if fd >= 0:
                if abruptly:
                    reset.l_onoff = 1
                    reset.l_linger = 0
                    c_setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset))
                c_close(fd)
                self.ways[side].source = self.ways[1 - side].sink = -1
            free(self.ways[side].kept)
            self.ways[side].kept = NULL
            self.ways[side].start = self.ways[side].end = 0
            drop_pipe(&self.ways[side])


cdef int put(Way *way, const char *p, Py_ssize_t n) except -1:
    cdef char *kept = <char *>malloc(n)
    if kept == NULL:
        raise MemoryError
    memcpy(kept, p, n)
    way.kept = kept
    way.start = 0
    way.end = n
    return 0


cdef bint take_pipe(Way *way) noexcept:
    """Have a pipe; False where there is none to be had."""
    global spares
    if spares:
        spares -= 1
        way.pipe[0] = spare_pipes[spares][0]
        way.pipe[1] = spare_pipes[spares][1]
    else:
        if c_pipe2(way.pipe, O_NONBLOCK | O_CLOEXEC) < 0:
            way.streak = 0
            return False
        c_fcntl(way.pipe[1], F_SETPIPE_SZ, PIPE_SIZE)  # it serves with its usual size, too
    way.piped = True
    return True


cdef void give_pipe(Way *way) noexcept:
    """Keep the pipe, if it is empty, for another direction."""
    global spares
    way.streak = 0
    if way.piped and not way.in_pipe and spares < SPARE_PIPES:
        spare_pipes[spares][0] = way.pipe[0]
        spare_pipes[spares][1] = way.pipe[1]
        spares += 1
        way.piped = False
    drop_pipe(way)


cdef void drop_pipe(Way *way) noexcept:
    if way.piped:
        c_close(way.pipe[0])
        c_close(way.pipe[1])
        way.piped = False
    way.in_pipe = 0
