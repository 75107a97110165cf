# cython: language_level=3
"""Sessions of datagrams: which client has which endpoint, and what is counted of them.

Rules of this file:
- A session begins with a client's first datagram and ends after the answers that are expected, after silence, or with
  an ICMP error of its endpoint, which is then left out for a while.
- Where each datagram is a session, as with DNS, there is one for each: nothing of it is Python.
- Above the limit of sessions, and without an endpoint, datagrams are dropped and counted.
"""

import logging
import os

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.errno cimport errno

from edge.data.net._clock cimport precise_now
from edge.data.net._datagrams cimport DatagramPort, DatagramSession
from edge.data.net._sockets cimport SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK, c_connect, c_socket, sockaddr
from edge.data.streams.plan cimport Destination, StreamPlan, StreamPlans
from edge.data.upstream.target cimport Target

from edge.data.streams import plan as plans
from edge.data.upstream.ejection import note_failure
from edge.table.counters import WorkerWord

cdef extern from "unistd.h":
    int c_close "close"(int fd)

cdef enum:
    S_DONE = 200
    S_BAD_GATEWAY = 502

cdef int SESSIONS_ACTIVE = WorkerWord.SESSIONS_ACTIVE
cdef int C_UDP = plans.UDP
log = logging.getLogger("edge.data")


cdef class Datagrams:
    """The sessions of one worker. `listeners`: those that are open, `edge.data.streams.datagrams.DatagramListener`."""

    def __init__(self, plans, counters, log, *, most):
        """MOST: sessions at a time."""
        self.plans = plans
        self.words = counters
        self.log = log
        self.most = most
        self.listeners = set()

    def expire(self):
        """End sessions that are silent for too long, or whose endpoint is gone; once a second."""
        for listener in list(self.listeners):
            listener.expire()

    def waiting(self, seconds):
        """Whether answers are expected by sessions that have not been silent for SECONDS."""
        sessions = (one for listener in self.listeners for one in listener.port.open())
        return any(one.waiting and one.silence < seconds for one in sessions)


cdef class Port(DatagramPort):
    """A socket for the datagrams of the stream under the key STREAM."""

    def __init__(self, int fd, datagrams, stream):
        DatagramPort.__init__(self, fd)
        self.datagrams = datagrams
        self.stream = stream

    cdef DatagramSession make(self, str client):
        cdef Datagrams datagrams = self.datagrams
        cdef StreamPlan plan = datagrams.plans.find(self.stream)
        cdef Destination destination = plan.destination() if plan is not None else None
        cdef Target target
        cdef Session session
        if destination is None or datagrams.count >= datagrams.most:
            return None
        target = destination.chooser(client).choose(())
        if target is None:
            return None
        session = Session.__new__(Session)
        session.fd = connected(target)
        if session.fd < 0:
            log.error("no socket for endpoint %s: %s", target.name, os.strerror(errno))
            session.over = True
            return None
        session.datagrams = datagrams
        session.destination = destination
        session.target = target
        session.client = client
        session.begun = precise_now()
        session.timeout = plan.idle_timeout
        session.expected = plan.responses
        target.in_flight += 1
        datagrams.count += 1
        datagrams.words.count_up(SESSIONS_ACTIVE, 1)
        return session


cdef class Session(DatagramSession):
    """One client's datagrams to `target`."""

    @property
    def homeless(self):
        """Whether its endpoint is no longer the Service's."""
        balancer = self.destination.balancer
        return balancer.ready() and self.target not in balancer.targets

    cdef int finished(self, int error) except -1:
        """Account for it."""
        cdef Datagrams datagrams = self.datagrams
        cdef Target target = self.target
        cdef int status = S_BAD_GATEWAY if error else S_DONE
        cdef double seconds = precise_now() - self.begun
        target.in_flight -= 1
        datagrams.count -= 1
        datagrams.words.count_up(SESSIONS_ACTIVE, -1)
        if error:
            note_failure(datagrams.words, target, OSError(error, f"{target.name}: {os.strerror(error)}"))
        elif self.responses and target.failures:
            target.succeeded()
        self.destination.series(C_UDP, status).record(seconds, 0, self.received, self.sent)
        if datagrams.log is not None:
            datagrams.log.add(
                "udp", self.client, status, seconds, 0, self.received, self.sent, target.name, self.destination.name,
                self.destination.owner,
            )
        return 0


cdef int connected(Target target) except -2:
    """A non-blocking socket that is connected to TARGET; -1 with errno."""
    cdef sockaddr *to = <sockaddr *>PyBytes_AS_STRING(target.socket_address)
    cdef int fd, fault
    fd = c_socket(to.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
    if fd >= 0 and c_connect(fd, to, PyBytes_GET_SIZE(target.socket_address)) < 0:
        fault = errno
        c_close(fd)
        (&errno)[0] = fault
        return -1
    return fd
