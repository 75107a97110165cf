# cython: language_level=3
"""Datagrams relayed between clients of one socket and endpoints: many for one system call (recvmmsg(2), sendmmsg(2)).

Rules of this file:
- A session is one client address at one local address. It has a socket of its own, connected to its endpoint: the
  kernel then sorts answers out, and reports ICMP errors of that endpoint.
- Datagrams are read into blocks that all of the process share, and leave from there: nothing is kept, and what a socket
  does not take now is lost, as it would be on the way.
- An answer leaves with the address that the client has sent to, also where the socket is bound to all addresses.
- Datagrams of one size in a row leave as one message that the kernel or the device cuts up (UDP_SEGMENT); such messages
  come in whole, too (UDP_GRO). Where a path does not take them, datagrams leave one by one.
"""

from gevent import get_hub

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.errno cimport EAGAIN, EINTR, EINVAL, EIO, EMSGSIZE, EOPNOTSUPP, errno
from libc.string cimport memcmp, memcpy, memset
from posix.time cimport timespec

from edge.data.net._clock cimport coarse_now as now
from edge.data.net._poller cimport P_IN, Polled, bury, follow, follow_again

cdef extern from *:
    """
    #ifndef _GNU_SOURCE
    #define _GNU_SOURCE
    #endif
    #include <sys/socket.h>
    #include <netinet/in.h>
    #include <arpa/inet.h>
    #include <string.h>
    #ifndef SOL_UDP
    #define SOL_UDP 17
    #endif
    #ifndef UDP_SEGMENT
    #define UDP_SEGMENT 103
    #endif
    #ifndef UDP_GRO
    #define UDP_GRO 104
    #endif

    /* What the control messages of a message say: the address that it was sent to goes to OUT, gives its size, 0: there
       is none; SEGMENT: the size of the datagrams in it, 0: it is one. */
    static int edge_read_control(struct msghdr *m, unsigned char *out, int *segment) {
        struct cmsghdr *c;
        int size = 0;
        *segment = 0;
        for (c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
            if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
                memcpy(segment, CMSG_DATA(c), sizeof(int));
            } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
                memcpy(out, &((struct in_pktinfo *)CMSG_DATA(c))->ipi_spec_dst, 4);
                size = 4;
            } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
                memcpy(out, &((struct in6_pktinfo *)CMSG_DATA(c))->ipi6_addr, 16);
                size = 16;
            }
        }
        return size;
    }

    /* Control messages that have datagrams leave with the address LOCAL of SIZE bytes; their size. */
    static int edge_from(char *control, const unsigned char *local, int size) {
        struct msghdr m;
        struct cmsghdr *c;
        if (!size)
            return 0;
        memset(&m, 0, sizeof m);
        memset(control, 0, 64);
        m.msg_control = control;
        m.msg_controllen = size == 4 ? CMSG_SPACE(sizeof(struct in_pktinfo)) : CMSG_SPACE(sizeof(struct in6_pktinfo));
        c = CMSG_FIRSTHDR(&m);
        if (size == 4) {
            c->cmsg_level = IPPROTO_IP;
            c->cmsg_type = IP_PKTINFO;
            c->cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo));
            memcpy(&((struct in_pktinfo *)CMSG_DATA(c))->ipi_spec_dst, local, 4);
        } else {
            c->cmsg_level = IPPROTO_IPV6;
            c->cmsg_type = IPV6_PKTINFO;
            c->cmsg_len = CMSG_LEN(sizeof(struct in6_pktinfo));
            memcpy(&((struct in6_pktinfo *)CMSG_DATA(c))->ipi6_addr, local, 16);
        }
        return (int)m.msg_controllen;
    }

    /* A control message at CONTROL that has a message cut up into datagrams of SEGMENT bytes; its size. */
    static int edge_cut(char *control, int segment) {
        struct cmsghdr *c = (struct cmsghdr *)control;
        uint16_t value = (uint16_t)segment;
        memset(control, 0, CMSG_SPACE(sizeof value));
        c->cmsg_level = SOL_UDP;
        c->cmsg_type = UDP_SEGMENT;
        c->cmsg_len = CMSG_LEN(sizeof value);
        memcpy(CMSG_DATA(c), &value, sizeof value);
        return (int)CMSG_SPACE(sizeof value);
    }

    static void edge_take_whole(int fd) {
        int on = 1;
        setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof on);  /* without it all works as well */
    }

    static const char *edge_text(const struct sockaddr *a, char *text, int *port) {
        if (a->sa_family == AF_INET6) {
            *port = ntohs(((const struct sockaddr_in6 *)a)->sin6_port);
            return inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)a)->sin6_addr, text, INET6_ADDRSTRLEN);
        }
        *port = ntohs(((const struct sockaddr_in *)a)->sin_port);
        return inet_ntop(AF_INET, &((const struct sockaddr_in *)a)->sin_addr, text, INET6_ADDRSTRLEN);
    }
    """
    ctypedef unsigned int socklen_t
    struct sockaddr:
        pass
    struct msghdr:
        void *msg_name
        socklen_t msg_namelen
        iovec *msg_iov
        size_t msg_iovlen
        void *msg_control
        size_t msg_controllen
        int msg_flags
    struct mmsghdr:
        msghdr msg_hdr
        unsigned int msg_len
    int recvmmsg(int fd, mmsghdr *messages, unsigned int n, int flags, timespec *timeout) nogil
    int sendmmsg(int fd, mmsghdr *messages, unsigned int n, int flags) nogil
    int edge_read_control(msghdr *m, unsigned char *out, int *segment) nogil
    int edge_from(char *control, const unsigned char *local, int size) nogil
    int edge_cut(char *control, int segment) nogil
    void edge_take_whole(int fd) nogil
    const char *edge_text(const sockaddr *a, char *text, int *port)
    int MSG_DONTWAIT, MSG_NOSIGNAL, INET6_ADDRSTRLEN

cdef extern from "sys/uio.h":
    struct iovec:
        void *iov_base
        size_t iov_len

cdef extern from "unistd.h":
    int c_close "close"(int fd) nogil

cdef enum:
    BATCH = 64
    LARGEST = 65536
    NAME = 32        # an address of either family
    CONTROL = 96
    TURNS = 4        # batches of one socket for one event, so that others get their turn
    LONGEST_KEY = 64
    CUTS = 64        # datagrams of one message, at most (udp(7))
    WHOLE = 65000    # bytes of one message that is cut up
    READ = 1

cdef char blocks[BATCH][LARGEST]
cdef char names[BATCH][NAME]
cdef char controls[BATCH][CONTROL]
cdef iovec pieces[BATCH]
cdef mmsghdr incoming[BATCH]
cdef int segments[BATCH]     # bytes of each of the datagrams in a message that came in; 0: it is one
cdef int dirty = BATCH       # headers of `incoming` that the kernel has written to

cdef char out_controls[BATCH][CONTROL]
cdef iovec out_pieces[BATCH]
cdef mmsghdr outgoing[BATCH]
cdef int covers[BATCH]       # how many of `incoming` leave with a message
cdef int cut[BATCH]          # into datagrams of how many bytes it is cut up; 0: it is one

cdef unsigned long long from_clients = 0
cdef unsigned long long to_clients = 0
cdef unsigned long long bytes_in = 0
cdef unsigned long long bytes_out = 0
cdef unsigned long long all_dropped = 0


def relayed_datagrams():
    """By this process so far: datagrams from clients, to clients, those of clients that were dropped; bytes from and to
    clients."""
    return from_clients, to_clients, all_dropped, bytes_in, bytes_out


cdef int receive(int fd) noexcept:
    """Read messages into `blocks`; their number, -1 with errno."""
    global dirty
    cdef int i, n
    for i in range(dirty):
        pieces[i].iov_base = blocks[i]
        pieces[i].iov_len = LARGEST
        incoming[i].msg_hdr.msg_iov = &pieces[i]
        incoming[i].msg_hdr.msg_iovlen = 1
        incoming[i].msg_hdr.msg_name = names[i]
        incoming[i].msg_hdr.msg_namelen = NAME
        incoming[i].msg_hdr.msg_control = controls[i]
        incoming[i].msg_hdr.msg_controllen = CONTROL
    with nogil:
        n = recvmmsg(fd, incoming, BATCH, MSG_DONTWAIT, NULL)
    dirty = max(n, 1)
    return n


cdef inline int datagrams_in(int at) noexcept:
    """How many datagrams the message AT has."""
    if not segments[at]:
        return 1
    return (<int>incoming[at].msg_len + segments[at] - 1) // segments[at]


cdef struct Path:
    int fd
    int longest          # datagrams of more bytes are not known to leave in one message with others
    char *name           # NULL: the socket is connected
    socklen_t name_size
    char *control
    int control_size


cdef void address(Path *to, mmsghdr *message, iovec *piece, int count) noexcept:
    memset(&message.msg_hdr, 0, sizeof(msghdr))
    message.msg_hdr.msg_iov = piece
    message.msg_hdr.msg_iovlen = count
    message.msg_hdr.msg_name = to.name
    message.msg_hdr.msg_namelen = to.name_size
    if to.control_size:
        message.msg_hdr.msg_control = to.control
        message.msg_hdr.msg_controllen = to.control_size


cdef int split(Path *to, int at) noexcept:
    """Put the datagrams of the message AT into messages of their own; how many those are."""
    cdef int i, n = min(datagrams_in(at), BATCH), size = segments[at]
    for i in range(n):
        out_pieces[i].iov_base = blocks[at] + i * size
        out_pieces[i].iov_len = min(size, <int>incoming[at].msg_len - i * size)
        address(to, &outgoing[i], &out_pieces[i], 1)
        covers[i] = i == n - 1
        cut[i] = 0
    return n


cdef int arrange(Path *to, int first, int end) noexcept:
    """Put what came in, from FIRST to END, into as few messages as may be; how many those are."""
    cdef int at = first, count, size, total, number, m = 0
    while at < end:
        size = segments[at] if segments[at] else <int>incoming[at].msg_len
        if segments[at] and size > to.longest:
            return m if m else split(to, at)
        total = incoming[at].msg_len
        number = datagrams_in(at)
        out_pieces[at].iov_base = blocks[at]
        out_pieces[at].iov_len = total
        count = 1
        if 0 < size <= to.longest:
            # All but the last datagram of a message have its size.
            while at + count < end and total == number * size:
                if not 0 < <int>incoming[at + count].msg_len or (
                    segments[at + count] if segments[at + count] else <int>incoming[at + count].msg_len
                ) > size or (segments[at + count] and segments[at + count] != size):
                    break
                if total + <int>incoming[at + count].msg_len > WHOLE or number + datagrams_in(at + count) > CUTS:
                    break
                out_pieces[at + count].iov_base = blocks[at + count]
                out_pieces[at + count].iov_len = incoming[at + count].msg_len
                total += incoming[at + count].msg_len
                number += datagrams_in(at + count)
                count += 1
        address(to, &outgoing[m], &out_pieces[at], count)
        covers[m] = count
        cut[m] = size if number > 1 else 0
        if cut[m]:
            if to.control_size:
                memcpy(out_controls[m], to.control, to.control_size)
            outgoing[m].msg_hdr.msg_control = out_controls[m]
            outgoing[m].msg_hdr.msg_controllen = to.control_size + edge_cut(out_controls[m] + to.control_size, size)
        at += count
        m += 1
    return m


cdef int pass_on(Path *to, int first, int n, int *lost) noexcept:
    """Send N of the messages that came in, from FIRST on; LOST: datagrams that have not left.

    Gives 0, or the errno of a connected socket, for which the rest has not left.
    """
    cdef int done = 0, step, m, i
    lost[0] = 0
    while done < n:
        m = arrange(to, first + done, first + n)
        with nogil:
            step = sendmmsg(to.fd, outgoing, m, MSG_DONTWAIT | MSG_NOSIGNAL)
        if step > 0:
            if step < m and not covers[step - 1]:  # the datagrams of one message, and not all of them
                lost[0] += m - step
                done += 1
                continue
            for i in range(step):
                done += covers[i]
            continue
        if errno == EINTR:
            continue
        if cut[0] and (errno == EINVAL or errno == EMSGSIZE):
            to.longest = cut[0] - 1  # it is larger than a packet of this path
            continue
        if cut[0] and (errno == EIO or errno == EOPNOTSUPP):
            to.longest = 0
            continue
        if errno != EAGAIN and to.name == NULL:
            return errno
        # It is lost, as it would be on the way; where the socket is full, so is the rest.
        while True:
            lost[0] += datagrams_in(first + done)
            done += 1
            if done == n or errno != EAGAIN:
                break
    return 0


cdef class DatagramSession(Polled):
    """One client's datagrams to one endpoint. What has it begun has a subclass with `finished`."""

    def __cinit__(self):
        self.fd = -1
        self.longest = self.longest_answer = LARGEST
        self.active = now()

    def __dealloc__(self):
        if self.fd >= 0:
            c_close(self.fd)

    cdef int finished(self, int error) except -1:
        """It has ended; ERROR: why, as errno; 0: nothing is wrong."""
        return 0

    @property
    def silence(self):
        """Seconds since the last datagram, in either direction."""
        return now() - self.active

    @property
    def waiting(self):
        """Whether answers are expected that have not come."""
        return self.expected > 0 and self.responses < self.expected * self.requests

    def end(self):
        """End it."""
        self.finish(0)

    cdef int finish(self, int error) except -1:
        if self.over:
            return 0
        self.port.forget(self)
        bury(self)
        if self.fd >= 0:
            c_close(self.fd)
            self.fd = -1
        return self.finished(error)

    cdef int failed(self) except -1:
        return self.finish(0)

    cdef int begin(self, DatagramPort port, bytes key, socklen_t name_size) except -1:
        """It has a socket and an endpoint: relay answers of it."""
        self.port = port
        self.key = key
        self.name_size = name_size
        edge_take_whole(self.fd)
        follow(self, self.fd, 0, P_IN)
        return 0

    cdef int take(self, int first, int n) except -1:
        """Send N messages from FIRST on to the endpoint: 0, or the errno for which it has ended."""
        global from_clients, bytes_in, all_dropped
        cdef int i, lost = 0, number = 0, error
        cdef long long total = 0
        cdef Path to
        to.fd = self.fd
        to.name = to.control = NULL
        to.name_size = to.control_size = 0
        to.longest = self.longest
        error = pass_on(&to, first, n, &lost)
        self.longest = to.longest
        if error:
            # The kernel reports an ICMP error of an earlier datagram once, in place of what is asked for.
            self.finish(error)
            return error
        for i in range(first, first + n):
            number += datagrams_in(i)
            total += incoming[i].msg_len
        all_dropped += lost
        from_clients += number - lost
        bytes_in += total
        self.requests += number
        self.received += total
        self.active = now()
        if self.expected == 0:
            self.finish(0)
        return 0

    cdef int happened(self, int side, unsigned int events) except -1:
        """Pass answers on to the client."""
        global to_clients, bytes_out
        cdef char control[CONTROL]
        cdef int turn, n, i, lost = 0
        cdef unsigned char nobody[16]
        cdef char *key = PyBytes_AS_STRING(self.key)
        cdef Path to
        to.fd = self.port.fd
        to.name = key
        to.name_size = self.name_size
        to.control = control
        to.control_size = edge_from(
            control, <unsigned char *>key + self.name_size, <int>(PyBytes_GET_SIZE(self.key) - self.name_size)
        )
        for turn in range(TURNS):
            n = receive(self.fd)
            if n < 0:
                return 0 if errno == EAGAIN else self.happened(side, events) if errno == EINTR else self.finish(errno)
            for i in range(n):
                edge_read_control(&incoming[i].msg_hdr, nobody, &segments[i])
                self.responses += datagrams_in(i)
                to_clients += datagrams_in(i)
                self.sent += incoming[i].msg_len
                bytes_out += incoming[i].msg_len
            to.longest = self.longest_answer
            pass_on(&to, 0, n, &lost)
            self.longest_answer = to.longest
            to_clients -= lost
            self.active = now()
            if self.expected >= 0 and self.responses >= self.expected * self.requests:
                return self.finish(0)
            if n < BATCH:
                return 0
        return follow_again(self, self.fd, 0, P_IN)


cdef class DatagramPort:
    """A socket to which clients send datagrams, which stays its owner's. What has it opened has a subclass with `make`."""

    def __init__(self, int fd):
        self.fd = fd
        self.sessions = {}
        self.watcher = get_hub().loop.io(fd, READ)
        edge_take_whole(fd)

    def __len__(self):
        return len(self.sessions)

    cdef DatagramSession make(self, str client):
        """A session of CLIENT, an address, whose socket is connected; None: its datagrams are dropped."""
        return None

    def start(self):
        """Take datagrams of clients."""
        self.watcher.start(self._on_readable)

    def stop(self):
        """Take no more; answers are still passed on."""
        if self.watcher is not None:
            self.watcher.stop()
            self.watcher.close()
            self.watcher = None

    def open(self):
        """The sessions there are."""
        return list(self.sessions.values())

    cdef int forget(self, DatagramSession session) except -1:
        if self.sessions.get(session.key) is session:
            del self.sessions[session.key]
        return 0

    def _on_readable(self):
        cdef int turn
        for turn in range(TURNS):
            if self.take() < BATCH:
                return

    cdef int take(self) except -2:
        """Pass a batch of datagrams on to endpoints; how many messages there were."""
        cdef char key[LONGEST_KEY]
        cdef char other[LONGEST_KEY]
        cdef int at = 0, end, size, other_size = 0
        cdef int n = receive(self.fd)
        if n <= 0:
            return 0
        size = self.read_key(0, key)
        while at < n:
            end = at + 1
            while end < n:
                other_size = self.read_key(end, other)
                if other_size != size or memcmp(key, other, size) != 0:
                    break
                end += 1
            self.dispatch(key[:size], at, end - at)
            if end < n:
                size = other_size
                memcpy(key, other, size)
            at = end
        return n

    cdef int read_key(self, int at, char *key) noexcept:
        cdef int size = incoming[at].msg_hdr.msg_namelen
        memcpy(key, names[at], size)
        return size + edge_read_control(&incoming[at].msg_hdr, <unsigned char *>key + size, &segments[at])

    cdef int dispatch(self, bytes key, int first, int n) except -1:
        global all_dropped
        cdef DatagramSession session
        cdef int tries, i
        for tries in range(2):  # once more where the endpoint of the session turns out to be gone
            session = self.sessions.get(key)
            if session is None:
                session = self.begin(key, first)
            if session is None:
                break
            if session.take(first, n) == 0:
                return 0
        for i in range(first, first + n):
            all_dropped += datagrams_in(i)
        return 0

    cdef DatagramSession begin(self, bytes key, int first):
        cdef char text[64]
        cdef int port = 0
        cdef DatagramSession session
        edge_text(<sockaddr *>names[first], text, &port)
        session = self.make((<char *>text).decode("ascii"))
        if session is not None:
            self.sessions[key] = session
            session.begin(self, key, incoming[first].msg_hdr.msg_namelen)
        return session
