# cython: language_level=3
"""Connections that are relayed without a greenlet: accepted, connected to an endpoint, carried, accounted for.

Rules of this file:
- A session is a state machine on events of the kernel (`edge.data.net._poller`). What it does for each connection is C;
  Python is called where an endpoint fails.
- An endpoint that does not take the connection is left out for a while, as for requests, and another one is tried.
  From its first byte on the connection is that endpoint's, whatever becomes of the stream in the table.
- A session counts as a connection of the worker, so that limits and draining know of it.
"""

import logging
import os
import socket

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.exc cimport PyErr_SetFromErrno
from libc.errno cimport EAGAIN, EINPROGRESS, EINTR, errno

from edge.data.net._clock cimport coarse_now, precise_now
from edge.data.net._poller cimport P_ERR, P_HUP, P_IN, P_OUT, P_RDHUP, follow
from edge.data.net._relay cimport Relay
from edge.data.net._sockets cimport (
    INET6_ADDRSTRLEN, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM, c_connect, c_socket, get_address, sockaddr, sockaddr_in6,
    socklen_t,
)
from edge.data.observe._stream_log cimport StreamLog
from edge.data.streams.plan cimport Destination, StreamPlan
from edge.data.upstream.target cimport Target
from edge.table._counters cimport ProcessWords

from edge.data.net import _relay
from edge.data.streams import plan as plans
from edge.data.streams.proxy_header import Ends, header
from edge.data.upstream.ejection import note_failure
from edge.data.upstream import pool as pools
from edge.table.counters import WorkerWord

cdef extern from "sys/socket.h":
    int c_accept4 "accept4"(int fd, sockaddr *address, socklen_t *size, int flags)
    int c_getsockopt "getsockopt"(int fd, int level, int name, void *value, socklen_t *size)
    int c_setsockopt "setsockopt"(int fd, int level, int name, const void *value, socklen_t size)
    int SOL_SOCKET, SO_ERROR

cdef extern from "netinet/tcp.h":
    int IPPROTO_TCP, TCP_NODELAY

cdef extern from "unistd.h":
    int c_close "close"(int fd)

cdef enum:
    ENDPOINT = 1
    CLIENT = 0
    S_DONE = 200      # statuses of a session, as nginx counts them (stream module, $status)
    S_OURS = 500
    S_BAD_GATEWAY = 502
    S_UNAVAILABLE = 503
    LATE = -1         # in place of an errno: the time for connecting is over

cdef int ACCEPTED = WorkerWord.CONNECTIONS_ACCEPTED
cdef int HANDLED = WorkerWord.CONNECTIONS_HANDLED
cdef int ACTIVE = WorkerWord.CONNECTIONS_ACTIVE
cdef int STREAMS_ACTIVE = WorkerWord.STREAMS_ACTIVE
cdef int UPSTREAM_CONNECTIONS = WorkerWord.UPSTREAM_CONNECTIONS
cdef int RETRIES = WorkerWord.RETRIES
cdef int C_ENDED = _relay.ENDED
cdef int C_RESET = _relay.RESET
cdef int C_PLAIN = plans.TCP
cdef tuple protocols = plans.PROTOCOLS
cdef object lacking = pools.LACKING
cdef object of_this_machine = pools.OURS
log = logging.getLogger("edge.data")


cdef class Sessions:
    """Those of one worker."""

    def __init__(self, pool, counters, connections, log):
        """CONNECTIONS: all of the worker, `edge.data.connections.connections.Connections`. LOG: None: there is none."""
        self.pool = pool
        self.words = counters
        self.connections = connections
        self.log = log

    cpdef int accept(self, int listener, StreamPlan plan, int most) except -1:
        """Accept MOST connections that wait at the socket LISTENER, and relay them by PLAN; how many there were.

        It is for the caller to count these as `accepted`.

        Raises:
            OSError: as accept4(2).
        """
        cdef sockaddr_in6 peer
        cdef socklen_t size
        cdef Session session
        cdef int fd, done = 0
        while done < most:
            size = sizeof(peer)
            fd = c_accept4(listener, <sockaddr *>&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC)
            if fd < 0:
                if errno == EAGAIN or errno == EINTR or done:  # an error comes again
                    break
                PyErr_SetFromErrno(OSError)
            done += 1
            self.words.count_up(ACCEPTED, 1)
            self.words.count_up(HANDLED, 1)
            session = Session.__new__(Session)
            session.peer = peer
            session.protocol = C_PLAIN
            self.begin(session, plan, fd)
        return done

    def adopt(self, int client, StreamPlan plan, str address, int protocol, ends, bytes ahead):
        """Relay CLIENT, a descriptor that becomes ours and whose peer is ADDRESS, by PLAN.

        PROTOCOL: an index of `PROTOCOLS`. ENDS: as a balancer in front says; None: as the socket says. AHEAD: bytes that
        were taken from the client.
        """
        cdef Session session = Session.__new__(Session)
        session.text = address
        session.protocol = protocol
        session.ends = ends
        session.ahead = ahead
        self.connections.accepted += 1
        self.begin(session, plan, client)

    cdef int begin(self, Session session, StreamPlan plan, int client) except -1:
        session.home = self
        session.plan = plan
        session.destination = plan.destination()
        if session.destination is None:
            c_close(client)
            self.connections.accepted -= 1
            return 0
        self.words.count_up(ACTIVE, 1)
        self.words.count_up(STREAMS_ACTIVE, 1)
        session.begun = precise_now()
        try:
            session.chooser = session.destination.chooser(session.address() if plan.by_client else "")
            session.begin(client)
            session.connect()
        except Exception:
            log.exception("connection from %s", session.address())
            session.status = S_OURS
            session.failed()
        return 0

    def end_all(self):
        """End all sessions at once; how many there were."""
        found = _relay.open_relays()
        for one in found:
            one.end()
        return len(found)


@cython.no_gc  # nothing that a session refers to refers to it
cdef class Session(Relay):
    """One of them."""

    def __cinit__(self):
        self.tried = ()
        self.name = ""
        self.status = S_UNAVAILABLE
        self.connecting = -1

    cdef str address(self):
        """The client's, as text."""
        cdef char text[INET6_ADDRSTRLEN]
        if self.text is None:
            self.text = text.decode("ascii") if get_address(&self.peer, text) else ""
        return self.text

    # --- connecting -----------------------------------------------------------------------------------------------

    cdef int connect(self) except -1:
        """Ask one endpoint after the other, until one may take the connection; the end, if none does."""
        cdef Target target
        cdef int code
        self.timeout = self.plan.connect_timeout
        while True:
            target = self.chooser.choose(self.tried)
            if target is None:
                return self.finish(C_ENDED)
            self.target = target
            self.name = target.name
            target.in_flight += 1
            self.active = coarse_now()
            self.expect()
            code = self.ask(target)
            if code == 0:
                return 0
            if not self.refused(code):
                return self.finish(C_ENDED)

    cdef int ask(self, Target target) except -1:
        """Begin to connect to TARGET: 0, or the errno for which that cannot be."""
        cdef sockaddr *to = <sockaddr *>PyBytes_AS_STRING(target.socket_address)
        cdef int fd, code = 0, on = 1
        while True:
            fd = c_socket(to.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
            if fd >= 0:
                break
            code = errno
            if code not in lacking or not self.home.pool.shed():
                return code
        c_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on))
        self.ways[ENDPOINT].source = self.ways[CLIENT].sink = fd
        self.ways[ENDPOINT].readable = self.ways[ENDPOINT].last = False
        if c_connect(fd, to, PyBytes_GET_SIZE(target.socket_address)) < 0 and errno != EINPROGRESS:
            return errno
        follow(self, fd, ENDPOINT, P_IN | P_OUT | P_RDHUP)
        return 0

    cdef int happened_connecting(self, unsigned int events) except -1:
        cdef int code = 0
        cdef socklen_t size = sizeof(code)
        if events & (P_ERR | P_HUP):
            c_getsockopt(self.ways[ENDPOINT].source, SOL_SOCKET, SO_ERROR, &code, &size)
        elif not events & P_OUT:
            return 0
        if code == 0:
            return self.connected()
        return self.connect() if self.refused(code) else self.finish(C_ENDED)

    cdef int late(self) except -1:
        if self.carrying:
            return Relay.late(self)
        return self.connect() if self.refused(LATE) else self.finish(C_ENDED)

    cdef bint refused(self, int code) except -1:
        """The endpoint that was asked does not take the connection; whether another one is to be tried."""
        cdef Target target = self.target
        cdef StreamPlan plan = self.plan
        self.stop_asking()
        self.connecting = precise_now() - self.begun
        ours = code in of_this_machine
        self.status = S_OURS if ours else S_BAD_GATEWAY
        why = f"no connection within {plan.connect_timeout:g} s" if code == LATE else os.strerror(code)
        if ours:
            log.error("no connection to endpoint %s: %s", target.name, why)
            return False
        note_failure(self.home.words, target, pools.ConnectError(S_BAD_GATEWAY, f"{target.name}: {why}"))
        self.tried = (*self.tried, target)
        if len(self.tried) == plan.tries or (plan.tries_timeout and self.connecting > plan.tries_timeout):
            return False
        self.home.words.count_up(RETRIES, 1)
        return True

    cdef int stop_asking(self) except -1:
        cdef int fd = self.ways[ENDPOINT].source
        self.target.in_flight -= 1
        self.target = None
        if fd >= 0:
            c_close(fd)
            self.ways[ENDPOINT].source = self.ways[CLIENT].sink = -1
        return 0

    cdef int connected(self) except -1:
        """The endpoint has taken the connection."""
        cdef bytes first = self.ahead
        if self.target.failures:
            self.target.succeeded()
        self.connecting = precise_now() - self.begun
        self.status = S_DONE
        self.home.words.count_up(UPSTREAM_CONNECTIONS, 1)
        if self.plan.sends_header:
            if self.ends is None:
                try:
                    self.ends = ends_of(self.ways[CLIENT].source)
                except OSError:  # the client has reset the connection, and that event is still to come
                    return self.finish(C_RESET)
            first = header(self.plan.record.send_proxy, self.ends) + (first or b"")
        if first:
            self.keep(PyBytes_AS_STRING(first), PyBytes_GET_SIZE(first))
        self.timeout = self.plan.idle_timeout
        return self.carry(self.ways[ENDPOINT].source)

    # --- the end --------------------------------------------------------------------------------------------------

    cdef int happened_early(self, unsigned int events) except -1:
        if events & (P_ERR | P_HUP) and self.target is not None:
            self.status = S_DONE  # the client has broken off
        return Relay.happened_early(self, events)

    cdef int finished(self, int outcome) except -1:
        """Account for it."""
        cdef Sessions home = self.home
        cdef double seconds = precise_now() - self.begun
        cdef unsigned long long received = self.ways[CLIENT].carried, sent = self.ways[ENDPOINT].carried
        if self.ahead is not None:
            received += PyBytes_GET_SIZE(self.ahead)
        if self.target is not None:
            self.target.in_flight -= 1
            self.target = None
        home.words.count_up(ACTIVE, -1)
        home.words.count_up(STREAMS_ACTIVE, -1)
        home.connections.accepted -= 1
        self.destination.series(self.protocol, self.status).record(seconds, self.connecting, received, sent)
        if home.log is not None:
            home.log.add(
                protocols[self.protocol], self.address(), self.status, seconds, self.connecting, received, sent,
                self.name, self.destination.name, self.destination.owner,
            )
        return 0


cdef object ends_of(int fd):
    """The ends of a client's connection as its socket FD has them."""
    sock = socket.socket(fileno=os.dup(fd))
    try:
        return Ends(*sock.getpeername()[:2], *sock.getsockname()[:2])
    finally:
        sock.close()
