# cython: language_level=3
"""Events of many sockets without an object of the event loop for each: an epoll(7) of our own below that of libev.

Rules of this file:
- libev watches one descriptor, that of our epoll. A batch of events is taken with one system call, and each goes to a C
  method: no Python callback, no greenlet.
- Sockets are followed edge-triggered, for all events at once: one epoll_ctl(2) for the life of a socket. Closing its
  descriptor ends that.
- The kernel keeps the address of a `Polled`, so its owner keeps it alive until it is `bury`-ed; what has ended within a
  batch of events stays in memory until the batch is done, because further events of it may be there.
"""

import logging

from gevent import get_hub

from cpython.exc cimport PyErr_SetFromErrno
from libc.errno cimport EINTR, errno
from libc.stdint cimport uint32_t, uint64_t

cdef extern from "sys/epoll.h":
    ctypedef union epoll_data_t:
        uint64_t u64
    struct epoll_event:
        uint32_t events
        epoll_data_t data
    int c_epoll_create1 "epoll_create1"(int flags)
    int c_epoll_ctl "epoll_ctl"(int poller, int what, int fd, epoll_event *event)
    int c_epoll_wait "epoll_wait"(int poller, epoll_event *events, int most, int timeout)
    int EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLL_CTL_MOD
    enum: EPOLLET

cdef enum:
    BATCH = 256
    LOOKS = 4         # batches of one round of the event loop, so that others get their turn
    REST = 16         # rounds without a second look, after one that found nothing
    SIDE = 1          # the bit of an address that says which side of a `Polled` an event is of; objects are aligned

cdef int poller = -1
cdef object watcher = None
cdef epoll_event batch[BATCH]
cdef bint taking = False
cdef int resting = 0   # rounds that are still without a second look
cdef list buried = []
log = logging.getLogger("edge.data")


cdef class Polled:
    """What has one or two sockets; `over`: it has ended, and its events mean nothing."""

    cdef int happened(self, int side, unsigned int events) except -1:
        """EVENTS have come to its socket of SIDE."""
        raise NotImplementedError

    cdef int failed(self) except -1:
        """An exception that is a fault of ours has ended `happened`."""
        raise NotImplementedError


cdef int follow(Polled one, int fd, int side, unsigned int events) except -1:
    """From now on EVENTS of FD go to ONE, as those of its SIDE, 0 or 1."""
    if poller < 0:
        begin()
    return control(EPOLL_CTL_ADD, one, fd, side, events)


cdef int follow_again(Polled one, int fd, int side, unsigned int events) except -1:
    """As `follow`, of what is followed already: what is ready now is an event, although it was one before."""
    return control(EPOLL_CTL_MOD, one, fd, side, events)


cdef int control(int what, Polled one, int fd, int side, unsigned int events) except -1:
    cdef epoll_event event
    event.events = events | <uint32_t>EPOLLET
    event.data.u64 = <uint64_t><void *>one | <uint64_t>side
    if c_epoll_ctl(poller, what, fd, &event) < 0:
        PyErr_SetFromErrno(OSError)
    return 0


cdef int bury(Polled one) except -1:
    """ONE has ended, and its descriptors are closed: its owner may forget it."""
    one.over = True
    if taking:
        buried.append(one)
    return 0


cdef int begin() except -1:
    global poller, watcher
    poller = c_epoll_create1(EPOLL_CLOEXEC)
    if poller < 0:
        PyErr_SetFromErrno(OSError)
    watcher = get_hub().loop.io(poller, 1)
    watcher.start(take)
    return 0


def take():
    """Pass events on, batch after batch for as long as there are some. What is left is reported by the event loop again."""
    global resting
    cdef int looks
    for looks in range(LOOKS):
        if looks and resting:
            resting -= 1
            return
        if take_batch() == 0:
            if looks:
                resting = REST
            return


cdef int take_batch() except -1:
    """Pass a batch of events on; how many there were."""
    global taking
    cdef int i, n
    cdef uint64_t to
    cdef Polled one
    n = c_epoll_wait(poller, batch, BATCH, 0)
    if n < 0:
        if errno != EINTR:
            PyErr_SetFromErrno(OSError)
        n = 0
    taking = True
    for i in range(n):
        to = batch[i].data.u64
        one = <Polled><void *>(to & ~<uint64_t>SIDE)
        if one.over:
            continue
        try:
            one.happened(<int>(to & SIDE), batch[i].events)
        except Exception:
            log.exception("a relayed connection")
            one.failed()
    taking = False
    if buried:
        buried.clear()
    return n
