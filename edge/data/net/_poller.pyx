# cython: language_level=3
"""Events of many sockets without an object of the event loop for each: an epoll(7) of our own below that of libev.

Rules of this file:
- libev watches one descriptor, that of our epoll. A batch of events is taken with one system call, and each goes to a C
  method: no Python callback, no greenlet.
- Sockets are followed edge-triggered, for all events at once: one epoll_ctl(2) for the life of a socket. Closing its
  descriptor ends that. What is `watch`-ed, a listening socket, is reported as long as it is readable.
- The kernel keeps the address of a `Polled`, so its owner keeps it alive until it is `bury`-ed; what has ended within a
  batch of events stays in memory until the batch is done, because further events of it may be there.
"""

import logging
import sys

from cpython.exc cimport PyErr_SetFromErrno
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.stdint cimport uint32_t, uint64_t

from edge.data.net._scheduler cimport READ, Watch

cdef extern from "sys/epoll.h":
    ctypedef union epoll_data_t:
        uint64_t u64
    struct epoll_event:
        uint32_t events
        epoll_data_t data
    int c_epoll_create1 "epoll_create1"(int flags)
    int c_epoll_ctl "epoll_ctl"(int poller, int what, int fd, epoll_event *event)
    int c_epoll_wait "epoll_wait"(int poller, epoll_event *events, int most, int timeout)
    int EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD
    enum: EPOLLET

cdef enum:
    BATCH = 256
    LOOKS = 4         # batches of one round of the event loop, so that others get their turn
    REST = 16         # rounds without a second look, after one that found nothing
    SIDE = 1          # the bit of an address that says which side of a `Polled` an event is of; objects are aligned

cdef int poller = -1
cdef Events watcher = None
cdef epoll_event batch[BATCH]
cdef bint taking = False
cdef unsigned int batches = 1   # that were taken, and one
cdef bint added = False   # sockets have been added since a batch was taken
cdef int resting[2]       # rounds that are still without a second look: after a batch that added no sockets, and one that did
resting[0] = resting[1] = 0
cdef void *buried = NULL   # the last `Polled` that has ended within the batch, and `behind` it the others
log = logging.getLogger("edge.data")


cdef class Polled:
    """What has one or two sockets; `over`: it has ended, and its events mean nothing."""

    cdef int happened(self, int side, unsigned int events) except -1:
        """EVENTS have come to its socket of SIDE."""
        raise NotImplementedError

    cdef int failed(self) except -1:
        """An exception that is a fault of ours has ended `happened`."""
        raise NotImplementedError


cdef class Readable(Polled):
    """Calls a function while a descriptor is readable, as a watcher of the event loop does.

    `again`: it was readable in the batch before, too, so that one call does not take all that comes. A subclass may
    override `call`, so that an event costs no call of Python.
    """

    def __init__(self, int fd):
        self.fd = fd

    def start(self, callback):
        """Call CALLBACK from now on."""
        if self.callback is None:
            watch(self, self.fd)
        self.callback = callback

    def stop(self):
        """Call nothing, for now."""
        if self.callback is not None:
            self.callback = None
            unwatch(self, self.fd)

    def close(self):
        """Call nothing any more."""
        self.stop()
        bury(self)

    cdef int happened(self, int side, unsigned int events) except -1:
        self.again = self.batch + 1 == batches
        self.batch = batches
        if self.callback is not None:
            self.call()
        return 0

    cdef int call(self) except -1:
        self.callback()
        return 0

    cdef int failed(self) except -1:
        return 0


cdef class Events(Watch):
    """Those of our epoll, as the event loop reports them."""

    cdef void fire(self) noexcept:
        take()


cdef int follow(Polled one, int fd, int side, unsigned int events) except -1:
    """From now on EVENTS of FD go to ONE, as those of its SIDE, 0 or 1."""
    global added
    added = True
    return control(EPOLL_CTL_ADD, one, fd, side, events | <uint32_t>EPOLLET)


cdef int follow_again(Polled one, int fd, int side, unsigned int events) except -1:
    """As `follow`, of what is followed already: what is ready now is an event, although it was one before."""
    return control(EPOLL_CTL_MOD, one, fd, side, events | <uint32_t>EPOLLET)


cdef int watch(Polled one, int fd) except -1:
    """From now on ONE has an event in each batch for as long as FD is readable."""
    return control(EPOLL_CTL_ADD, one, fd, 0, P_IN)


cdef int unwatch(Polled one, int fd) except -1:
    """End `watch`; it may begin again."""
    return control(EPOLL_CTL_DEL, one, fd, 0, 0)


cdef int control(int what, Polled one, int fd, int side, unsigned int events) except -1:
    cdef epoll_event event
    if poller < 0:
        begin()
    event.events = events
    event.data.u64 = <uint64_t><void *>one | <uint64_t>side
    if c_epoll_ctl(poller, what, fd, &event) < 0:
        PyErr_SetFromErrno(OSError)
    return 0


cdef int bury(Polled one) except -1:
    """ONE has ended, and its descriptors are closed: its owner may forget it."""
    global buried
    if one.over:
        return 0  # twice among the buried, it would be behind itself
    one.over = True
    if taking:
        Py_INCREF(one)
        one.behind = buried
        buried = <void *>one
    return 0


cdef int begin() except -1:
    global poller, watcher
    poller = c_epoll_create1(EPOLL_CLOEXEC)
    if poller < 0:
        PyErr_SetFromErrno(OSError)
    watcher = Events()
    watcher.open(poller, READ)
    watcher.arm()
    return 0


cdef void take() noexcept:
    """Pass events on, batch after batch for as long as there are some. What is left is reported by the event loop again.

    Where a batch has added sockets, the next one often has events of them: what connects within this machine is
    connected by then, and a client has sent what it begins with.
    """
    cdef int looks, kind = 0
    for looks in range(LOOKS):
        if looks and resting[kind]:
            resting[kind] -= 1
            return
        if take_batch() == 0:
            if looks:
                resting[kind] = REST
            return
        kind = added


cdef int take_batch() noexcept:
    """Pass a batch of events on; how many there were."""
    global added, batches, taking
    cdef int n = c_epoll_wait(poller, batch, BATCH, 0)
    cdef int at = 0
    if n <= 0:
        return 0
    taking = True
    added = False
    batches += 1
    while at < n:
        try:
            while at < n:
                at += 1
                pass_on(&batch[at - 1])
        except BaseException:
            # The rest of the batch has its turn all the same: those events do not come again.
            give_up(&batch[at - 1])
    taking = False
    forget_buried()
    return n


cdef void forget_buried() noexcept:
    global buried
    cdef Polled one
    while buried != NULL:
        one = <Polled>buried
        buried = one.behind
        Py_DECREF(one)


cdef inline Polled owner(epoll_event *event):
    return <Polled><void *>(event.data.u64 & ~<uint64_t>SIDE)


cdef inline int pass_on(epoll_event *event) except -1:
    cdef Polled one = owner(event)
    if not one.over:
        one.happened(<int>(event.data.u64 & SIDE), event.events)
    return 0


cdef void give_up(epoll_event *event) noexcept:
    """What the event has led to has raised an exception, which is a fault of ours."""
    cdef Polled one = owner(event)
    try:
        if not isinstance(sys.exc_info()[1], Exception):
            raise
        log.exception("a relayed connection")
        one.failed()
    except BaseException:  # as gevent handles what a callback raises
        watcher.scheduler.loop.handle_error(one, *sys.exc_info())
