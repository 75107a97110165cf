# cython: language_level=3
"""Datagrams relayed between clients of one socket and endpoints: many for one system call (recvmmsg(2), sendmmsg(2)).

Rules of this file:
- A session is one client address at one local address. It has a socket of its own, connected to its endpoint: the
  kernel then sorts answers out, and reports ICMP errors of that endpoint.
- Datagrams are read into blocks that all of the process share, and leave from there: nothing is kept, and what a socket
  does not take now is lost, as it would be on the way.
- An answer leaves with the address that the client has sent to, also where the socket is bound to all addresses.
"""

from gevent import get_hub

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.errno cimport EAGAIN, EINTR, errno
from libc.string cimport memcmp, memcpy, memset
from posix.time cimport timespec

from edge.data.net._clock cimport coarse_now as now

cdef extern from *:
    """
    #ifndef _GNU_SOURCE
    #define _GNU_SOURCE
    #endif
    #include <sys/socket.h>
    #include <netinet/in.h>
    #include <arpa/inet.h>
    #include <string.h>

    /* The address that a datagram was sent to, out of its control messages; its size, 0: there is none. */
    static int edge_local(struct msghdr *m, unsigned char *out) {
        struct cmsghdr *c;
        for (c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
            if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
                memcpy(out, &((struct in_pktinfo *)CMSG_DATA(c))->ipi_spec_dst, 4);
                return 4;
            }
            if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
                memcpy(out, &((struct in6_pktinfo *)CMSG_DATA(c))->ipi6_addr, 16);
                return 16;
            }
        }
        return 0;
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
    int edge_local(msghdr *m, unsigned char *out) nogil
    int edge_from(char *control, const unsigned char *local, int size) nogil
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
    CONTROL = 64
    TURNS = 4        # batches of one socket for one event, so that others get their turn
    LONGEST_KEY = 64
    READ = 1

cdef char blocks[BATCH][LARGEST]
cdef char names[BATCH][NAME]
cdef char controls[BATCH][CONTROL]
cdef iovec pieces[BATCH]
cdef mmsghdr incoming[BATCH]
cdef iovec out_pieces[BATCH]
cdef mmsghdr outgoing[BATCH]
cdef unsigned long long from_clients = 0
cdef unsigned long long to_clients = 0
cdef unsigned long long bytes_in = 0
cdef unsigned long long bytes_out = 0
cdef unsigned long long all_dropped = 0


def relayed_datagrams():
    """By this process so far: datagrams from clients, to clients, those of clients that were dropped; bytes from and to
    clients."""
    return from_clients, to_clients, all_dropped, bytes_in, bytes_out


cdef int receive(int fd, bint named) noexcept:
    """Read datagrams into `blocks`; their number, -1 with errno."""
    cdef int i, n
    for i in range(BATCH):
        pieces[i].iov_base = blocks[i]
        pieces[i].iov_len = LARGEST
        memset(&incoming[i].msg_hdr, 0, sizeof(msghdr))
        incoming[i].msg_hdr.msg_iov = &pieces[i]
        incoming[i].msg_hdr.msg_iovlen = 1
        if named:
            incoming[i].msg_hdr.msg_name = names[i]
            incoming[i].msg_hdr.msg_namelen = NAME
            incoming[i].msg_hdr.msg_control = controls[i]
            incoming[i].msg_hdr.msg_controllen = CONTROL
    with nogil:
        n = recvmmsg(fd, incoming, BATCH, MSG_DONTWAIT, NULL)
    return n


cdef int send(int fd, int first, int n, char *name, socklen_t name_size, char *control, size_t control_size) noexcept:
    """Send N datagrams of `blocks`, from FIRST on, to NAME or to whom FD is connected; how many have left, -1 with
    errno where it was none."""
    cdef int i, done
    for i in range(n):
        out_pieces[i].iov_base = blocks[first + i]
        out_pieces[i].iov_len = incoming[first + i].msg_len
        memset(&outgoing[i].msg_hdr, 0, sizeof(msghdr))
        outgoing[i].msg_hdr.msg_iov = &out_pieces[i]
        outgoing[i].msg_hdr.msg_iovlen = 1
        outgoing[i].msg_hdr.msg_name = name
        outgoing[i].msg_hdr.msg_namelen = name_size
        outgoing[i].msg_hdr.msg_control = control if control_size else NULL
        outgoing[i].msg_hdr.msg_controllen = control_size
    with nogil:
        done = sendmmsg(fd, outgoing, n, MSG_DONTWAIT | MSG_NOSIGNAL)
    return done


cdef class DatagramSession:
    """One client's datagrams to one endpoint. What has it begun has a subclass with `ended`."""

    cdef DatagramPort port
    cdef int fd
    cdef object watcher
    cdef bytes key              # the client's address, and the local one behind it
    cdef socklen_t name_size
    cdef long long expected     # answers to each datagram, after which it ends; -1: it ends by silence
    cdef double active
    cdef readonly unsigned long long requests, responses, received, sent
    cdef readonly bint over

    def __init__(self, int fd, long long expected):
        """FD is connected to the endpoint, and is owned from now on. EXPECTED: see `StreamRoute.responses`."""
        self.fd = fd
        self.expected = expected
        self.active = now()

    def __dealloc__(self):
        if not self.over and self.fd >= 0:
            c_close(self.fd)

    def ended(self, int error):
        """It has ended; ERROR: why, as errno; 0: nothing is wrong."""

    @property
    def silence(self):
        """Seconds since the last datagram, in either direction."""
        return now() - self.active

    @property
    def waiting(self):
        """Whether answers are expected that have not come."""
        return self.expected > 0 and self.responses < self.expected * self.requests

    def end(self, int error=0):
        """End it; ERROR: as for `ended`."""
        if self.over:
            return
        self.over = True
        self.port.forget(self)
        self.watcher.stop()
        self.watcher.close()
        self.watcher = None
        c_close(self.fd)
        self.ended(error)

    cdef begin(self, DatagramPort port, bytes key, socklen_t name_size):
        self.port = port
        self.key = key
        self.name_size = name_size
        self.watcher = port.loop.io(self.fd, READ)
        self.watcher.start(self._on_readable)

    cdef int take(self, int first, int n) except -1:
        """Send N datagrams from FIRST on to the endpoint: 0, or the errno for which it has ended."""
        global from_clients, bytes_in, all_dropped
        cdef int done = 0, step, i, error
        cdef long long total = 0
        while done < n:
            step = send(self.fd, first + done, n - done, NULL, 0, NULL, 0)
            if step > 0:
                done += step
                continue
            if errno == EINTR:
                continue
            if errno == EAGAIN:
                all_dropped += n - done
                break
            # The kernel reports an ICMP error of an earlier datagram once, in place of what is asked for.
            error = errno
            self.end(error)
            return error
        for i in range(done):
            total += incoming[first + i].msg_len
        self.requests += done
        self.received += total
        from_clients += done
        bytes_in += total
        self.active = now()
        if self.expected == 0:
            self.end()
        return 0

    def _on_readable(self):
        """Pass answers on to the client."""
        global to_clients, bytes_out
        cdef char control[CONTROL]
        cdef int turn, n, done, step, i
        cdef int local_size = <int>(PyBytes_GET_SIZE(self.key) - self.name_size)
        cdef char *key = PyBytes_AS_STRING(self.key)
        cdef int control_size = edge_from(control, <unsigned char *>key + self.name_size, local_size)
        for turn in range(TURNS):
            n = receive(self.fd, False)
            if n < 0:
                if errno != EAGAIN and errno != EINTR:
                    self.end(errno)
                return
            done = 0
            while done < n:
                step = send(self.port.fd, done, n - done, key, self.name_size, control, control_size)
                if step > 0:
                    for i in range(done, done + step):
                        self.sent += incoming[i].msg_len
                        bytes_out += incoming[i].msg_len
                    to_clients += step
                    done += step
                elif errno != EINTR:
                    done += 1  # this one is lost, as it would be on the way
            self.responses += n
            self.active = now()
            if self.expected >= 0 and self.responses >= self.expected * self.requests:
                self.end()
                return
            if n < BATCH:
                return


cdef class DatagramPort:
    """A socket to which clients send datagrams, which stays its owner's."""

    cdef int fd
    cdef object loop
    cdef object make
    cdef object watcher
    cdef dict sessions

    def __init__(self, int fd, make not None):
        """MAKE(address, port) gives the `DatagramSession` of a client that has none, or None: its datagrams are
        dropped."""
        self.fd = fd
        self.make = make
        self.sessions = {}
        self.loop = get_hub().loop
        self.watcher = self.loop.io(fd, READ)

    def __len__(self):
        return len(self.sessions)

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

    cdef forget(self, DatagramSession session):
        if self.sessions.get(session.key) is session:
            del self.sessions[session.key]

    def _on_readable(self):
        cdef int turn
        for turn in range(TURNS):
            if self.take() < BATCH:
                return

    cdef int take(self) except -2:
        """Pass a batch of datagrams on to endpoints; how many there were."""
        cdef char key[LONGEST_KEY]
        cdef char other[LONGEST_KEY]
        cdef int at = 0, end, size, other_size = 0
        cdef int n = receive(self.fd, True)
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
        return size + edge_local(&incoming[at].msg_hdr, <unsigned char *>key + size)

    cdef dispatch(self, bytes key, int first, int n):
        global all_dropped
        cdef DatagramSession session
        cdef int tries
        for tries in range(2):  # once more where the endpoint of the session turns out to be gone
            session = self.sessions.get(key)
            if session is None:
                session = self.begin(key, first)
            if session is None:
                break
            if session.take(first, n) == 0:
                return
        all_dropped += n

    cdef DatagramSession begin(self, bytes key, int first):
        cdef char text[64]
        cdef int port = 0
        cdef DatagramSession session
        edge_text(<sockaddr *>names[first], text, &port)
        session = self.make((<char *>text).decode("ascii"), port)
        if session is not None:
            self.sessions[key] = session
            session.begin(self, key, incoming[first].msg_hdr.msg_namelen)
        return session
