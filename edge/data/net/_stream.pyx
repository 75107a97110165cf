# cython: language_level=3
"""Byte streams over non-blocking sockets for sequential greenlet code.

Rules of this file:
- recv(2) and send(2) are called straight into and out of C buffers; "would block" is read from errno, never raised.
- A socket is watched for reading from the first wait on, and stays watched. An event while no greenlet waits ends that
  until the next wait: no epoll_ctl per wait.
- A wait may end for no reason, so every caller tries again (`_scheduler`).
- Timeouts cost a store and a comparison: a wait writes its deadline into a field, and `sweep`, called a few times a
  second, wakes those who are late (`_deadlines`).
- Who reads and never has to wait, because both its peers keep up, waits all the same after a while (`UNBROKEN`): the
  others have their turn, and the event loop looks for more of them.
- Memory follows bytes in flight: a stream that waits with nothing buffered owns no buffer.
"""

from gevent import sleep

from edge.data.net._waiter import sweep_waiters
from edge.data.net.errors import PeerGone, StreamClosed, StreamError, StreamTimeout
from edge.data.net.private import adopted_socket, tls_connection

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.errno cimport EAGAIN, EINTR, errno
from libc.stdlib cimport free, malloc
from libc.stdio cimport snprintf
from libc.string cimport memcpy

from edge.data.net._buffer cimport EDGE_BLOCK, Buffer
from edge.data.net._clock cimport coarse_now as now
from edge.data.net._deadlines cimport Deadlines, expect_by
from edge.data.net._outbox cimport Outbox
from edge.data.net._scheduler cimport CLOSED, GONE, LATE, READ, READY, WRITE, Resumable, Watch
from edge.data.net._waiter cimport Waiter
from edge.data.net._tls cimport (
    FAILED, RESET, WANT_READ, WANT_WRITE, OpenSslTls, PythonTls, Session, Tls, openssl_is_known,
)

cdef extern from "sys/types.h":
    ctypedef Py_ssize_t ssize_t

cdef extern from "sys/socket.h":
    ssize_t c_recv "recv"(int fd, void *buf, size_t n, int flags) nogil
    ssize_t c_send "send"(int fd, const void *buf, size_t n, int flags) nogil
    int MSG_NOSIGNAL, MSG_PEEK, MSG_DONTWAIT, MSG_MORE
    struct msghdr:
        void *msg_name
        unsigned int msg_namelen
        iovec *msg_iov
        size_t msg_iovlen
        void *msg_control
        size_t msg_controllen
        int msg_flags
    ssize_t c_sendmsg "sendmsg"(int fd, const msghdr *m, int flags) nogil
    struct c_linger "linger":
        int l_onoff
        int l_linger
    int c_setsockopt "setsockopt"(int fd, int level, int name, const void *value, unsigned int size) nogil
    int c_shutdown "shutdown"(int fd, int how) nogil
    int SOL_SOCKET, SO_LINGER, SHUT_WR

cdef extern from "sys/uio.h":
    struct iovec:
        void *iov_base
        size_t iov_len

cdef extern from "poll.h":
    struct pollfd:
        int fd
        short events
        short revents
    int c_poll "poll"(pollfd *fds, unsigned long n, int timeout) nogil
    short POLLIN, POLLRDHUP, POLLERR, POLLHUP

cdef extern from "unistd.h":
    int c_close "close"(int fd) nogil

cdef enum:
    OUT_BLOCK = 16384     # also the largest TLS record: a head and a small body leave in one
    TAKEN = 65536         # what is taken out of a socket at a time, before its protocol begins
    UNBROKEN = 1 << 18    # bytes read without a wait; to pass them on takes about a quarter of a millisecond
    SPARE_BLOCKS = 64     # freed output blocks kept for the next writer

cdef double GRACE = 1.0
"""Seconds that an endpoint still gets to answer after its client's FIN: the client may have closed one half only."""

cdef char *spare_out[SPARE_BLOCKS]
cdef int spare_outs = 0
cdef char taken[TAKEN]

cdef set live = set()
cdef Deadlines deadlines = Deadlines()
cdef set blind = set()  # streams whose peer is watched and whose end of stream causes no event
cdef Py_ssize_t unbroken = 0  # bytes read since the last wait, and so by the one that runs

cdef unsigned long long global_received = 0
cdef unsigned long long global_sent = 0


cdef hasten(other, bint at_once):
    """End the wait for OTHER, a stream or a waiter, because the other party of its exchange has closed the connection."""
    if isinstance(other, Stream):
        (<Stream>other).hurry(at_once)
    else:
        (<Waiter>other).hurry(at_once)


def sweep():
    """Wake every wait whose deadline has passed. For a timer of the event loop, several times a second.

    Also check watched peers whose end of stream is behind bytes that are not read yet.
    """
    sweep_waiters()
    cdef double time = now()
    for item in deadlines.due():
        (<Stream>item).lapse(time)
    for item in list(blind):
        (<Stream>item).look()


def counted_bytes():
    """Bytes received from and sent to the peers of streams that are `counted`, by this process so far."""
    return global_received, global_sent


def open_streams():
    """How many streams are not closed."""
    return len(live)


cdef class Stream(Buffer):
    """A connected, non-blocking socket with an input and an output buffer.

    At most one greenlet reads and at most one writes at a time. Owns the descriptor: `close` ends it.
    """

    def __init__(self, sock not None):
        """Take over SOCK, a non-blocking `_socket.socket` or the bare descriptor of one."""
        if isinstance(sock, int):
            self.fd = sock
        else:
            self.sock = sock
            self.fd = sock.fileno()
        self.reads = Watch()
        self.reads.open(self.fd, READ)
        self.reads.on_idle = self._unawaited
        self.read_timeout = self.write_timeout = 60.0
        self.active = now()
        self.deadline.owner = <void *>self
        live.add(self)

    def __dealloc__(self):
        self._release_out()

    def __repr__(self):
        return f"<Stream fd={self.fd} {'tls ' if self.tls is not None else ''}buffered={self.end - self.start}{' closed' if self.closed else ''}>"

    # --- waiting --------------------------------------------------------------------------------------------------

    def _unawaited(self):
        """There is an event and no reader: early bytes, or the peer has closed the connection."""
        cdef Py_ssize_t n
        cdef char byte
        n = c_recv(self.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT)
        if n == 0 or (n < 0 and errno != EAGAIN and errno != EINTR):
            self.hung_up = True
            if self.partner is not None:
                hasten(self.partner, n < 0)
        elif self.partner is not None:
            blind.add(self)
        if self.on_surprise is not None:
            self.on_surprise(self)

    cdef look(self):
        """Check whether the peer has closed, although there are unread bytes."""
        cdef pollfd one
        if self.partner is None or self.reads.armed or self.hung_up:
            blind.discard(self)
            return
        one.fd = self.fd
        one.events = POLLRDHUP
        one.revents = 0
        if c_poll(&one, 1, 0) == 1:
            self.hung_up = True
            hasten(self.partner, (one.revents & (POLLERR | POLLHUP)) != 0)

    cpdef watch(self, other):
        """From now on the end of this stream's peer ends the wait for OTHER, a stream or a waiter; None: no longer."""
        self.partner = other
        if other is None:
            return
        if self.hung_up:
            hasten(other, False)
        elif not self.reads.armed:
            blind.add(self)

    cdef int expect(self, double deadline) except -1:
        """A wait is to end at DEADLINE."""
        expect_by(deadlines, &self.deadline, deadline)
        return 0

    cdef int lapse(self, double time) except -1:
        """A deadline may have passed by TIME: wake those who are late, and expect the other ones."""
        if self.reads.waiting is not None and self.read_deadline > 0:
            if self.read_deadline <= time:
                self.reads.wake(GONE if self.hung_up else LATE)
            else:
                self.expect(self.read_deadline)
        if self.writes is not None and self.write_deadline > 0:
            if self.write_deadline <= time:
                self.writes.wake(LATE)
            else:
                self.expect(self.write_deadline)
        return 0

    cpdef restart(self, double timeout):
        """TIMEOUT is the read timeout from now on, also of a wait that is already on."""
        self.read_timeout = min(timeout, GRACE) if self.hung_up else timeout
        if self.reads.waiting is not None:
            self.read_deadline = now() + self.read_timeout
            if 0 < self.limit < self.read_deadline:
                self.read_deadline = self.limit
            self.expect(self.read_deadline)

    cdef hurry(self, bint at_once):
        """The other party of the exchange has hung up: end the wait for this stream soon."""
        cdef double limit = now() + (0 if at_once else GRACE)
        self.hung_up = True
        if self.read_deadline == 0 or self.read_deadline > limit:
            self.read_deadline = limit
            self.read_timeout = min(self.read_timeout, GRACE)
            self.expect(limit)

    cdef int check(self, int woken) except -1:
        """Raise what the wake-up said."""
        if self.failure is not None:
            failure, self.failure = self.failure, None
            raise failure
        if self.closed:
            raise StreamClosed("closed", self)
        if woken == LATE:
            raise StreamTimeout("silent for too long", self)
        if woken == GONE:
            raise PeerGone("the other side hung up", self)
        return 0

    cdef int _watch_reads(self) except -1:
        """Look out for what can be read, as long as `read_timeout` and `limit` say."""
        global unbroken
        unbroken = 0
        if not self.reads.armed:
            self.reads.arm()
        self.read_deadline = now() + self.read_timeout
        if 0 < self.limit < self.read_deadline:
            self.read_deadline = self.limit
        return self.expect(self.read_deadline)

    cpdef bint await_read(self, Resumable one) except -1:
        """Have ONE resumed when there is something to read, or when the wait fails: then the next `fill` raises the
        error. False: `fill` would not wait."""
        if self.closed or self.failure is not None or (self.tls is not None and self.tls.pending()):
            return False
        if self.start == self.end:
            self.release()
        self._watch_reads()
        self.held = True
        self.reads.hold(one)
        return True

    cdef int wait_read(self) except -1:
        if self.closed:
            raise StreamClosed("closed", self)
        self._watch_reads()
        try:
            self.reads.pause()
        finally:
            self.read_deadline = 0
        return self.check(self.reads.woken)

    cdef int wait_write(self) except -1:
        global unbroken
        unbroken = 0
        if self.closed:
            raise StreamClosed("closed", self)
        if self.writes is None:
            self.writes = Watch()
            self.writes.open(self.fd, WRITE)
        self.writes.arm()
        self.write_deadline = now() + self.write_timeout
        self.expect(self.write_deadline)
        try:
            self.writes.pause()
        finally:
            self.write_deadline = 0
            self.writes.disarm()
        return self.check(self.writes.woken)

    def wait_readable(self):
        """Wait until there is something to read, or the end."""
        if self.tls is not None and self.tls.pending():
            return
        self.wait_read()

    def wait_writable(self):
        """Wait until the socket is connected, or can take more."""
        self.wait_write()

    def expire_in(self, double seconds):
        """From now on no read may wait past SECONDS from now; 0 lifts the limit."""
        self.limit = now() + seconds if seconds > 0 else 0

    def overdue(self):
        """What is read has taken too long: end the wait for it. For a limit that is kept more exactly than by `sweep`."""
        if self.reads.waiting is not None:
            self.reads.wake(GONE if self.hung_up else LATE)

    @property
    def socket(self):
        """The socket below, a `_socket.socket`; it stays this stream's."""
        if self.sock is None:
            self.sock = adopted_socket(self.fd)
        return self.sock

    # --- reading --------------------------------------------------------------------------------------------------

    cpdef Py_ssize_t fill(self, bint wait=False) except -1:
        """Read more behind what is buffered; the number of new bytes, 0 at the end of the stream.

        WAIT says that nothing can have arrived yet, so that the first try is spared. Nothing is read into a full
        buffer: that gives -1 with an error.

        Raises:
            StreamTimeout: nothing came within `read_timeout`.
            StreamClosed: reset, or closed by this side.
            PeerGone: the `partner` hung up.
        """
        global global_received, unbroken
        cdef Py_ssize_t n, room
        if self.closed:
            raise StreamClosed("closed", self)
        if self.held:  # and has been resumed
            self.held = wait = False
            self.read_deadline = 0
            self.check(self.reads.woken)
        elif self.failure is not None:
            self.check(READY)
        if (wait or unbroken > UNBROKEN) and not (self.tls is not None and self.tls.pending()):
            if self.start == self.end:
                self.release()
            self.wait_read()
        while True:
            self.reserve()
            room = EDGE_BLOCK - self.end
            if room == 0:
                raise BufferError("no room to read into")
            if self.tls is not None:
                n = self._tls_read(room)
            else:
                n = c_recv(self.fd, self.data + self.end, room, 0)
            if n > 0:
                self.end += n
                self.received += n
                unbroken += n
                if self.counted:
                    global_received += n
                self.active = now()
                return n
            if n == 0:
                self.hung_up = True
                return 0
            if self.tls is None:
                if errno == EINTR:
                    continue
                if errno != EAGAIN:
                    raise StreamClosed("reset by the peer", self)
            if self.start == self.end:
                self.release()
            self.wait_read()

    cdef Py_ssize_t _tls_read(self, Py_ssize_t room) except -2:
        """As recv(2): -1 where it would block."""
        cdef Py_ssize_t n
        while True:
            n = self.tls.read(self.data + self.end, room)
            if n >= 0:
                return n
            if n == WANT_READ:
                return -1
            if n != WANT_WRITE:
                raise self._tls_fault(n)
            self._wait_across(True)
            if self.tls is None:
                raise StreamClosed("TLS has ended", self)

    cdef Py_ssize_t _tls_write(self, const char *p, Py_ssize_t n) except -2:
        """As send(2): -1 where it would block."""
        cdef Py_ssize_t done
        while True:
            done = self.tls.write(p, n)
            if done >= 0:
                return done
            if done == WANT_WRITE:
                return -1
            if done != WANT_READ:
                raise self._tls_fault(done)
            self._wait_across(False)
            if self.tls is None:
                raise StreamClosed("TLS has ended", self)

    cdef _tls_fault(self, Py_ssize_t step):
        return StreamClosed(self.tls.reason() if step == FAILED else "reset by the peer", self)

    cdef int _wait_across(self, bint for_write) except -1:
        """Wait for the other direction than the one that TLS is used in; another greenlet may be waiting for it."""
        if for_write and (self.writes is None or self.writes.waiting is None):
            return self.wait_write()
        if not for_write and self.reads.waiting is None:
            return self.wait_read()
        sleep(0.005)
        if self.closed:
            raise StreamClosed("closed", self)
        return 0

    # --- writing --------------------------------------------------------------------------------------------------

    cdef void _release_out(self) noexcept:
        global spare_outs
        if self.out != NULL:
            if self.out_size == OUT_BLOCK and spare_outs < SPARE_BLOCKS:
                spare_out[spare_outs] = self.out
                spare_outs += 1
            else:
                free(self.out)
            self.out = NULL
            self.out_end = self.out_size = 0

    cdef char *room(self, Py_ssize_t n) except NULL:
        """A pointer to room for N more bytes of output; the caller adds the bytes it wrote to `out_end`."""
        global spare_outs
        cdef char *larger
        cdef Py_ssize_t size
        if self.out == NULL and n <= OUT_BLOCK:
            if spare_outs:
                spare_outs -= 1
                self.out = spare_out[spare_outs]
            else:
                self.out = <char *>malloc(OUT_BLOCK)
                if self.out == NULL:
                    raise MemoryError
            self.out_size = OUT_BLOCK
            self.out_end = 0
        elif self.out_size - self.out_end < n:
            size = 2 * (self.out_end + n)
            larger = <char *>malloc(size)
            if larger == NULL:
                raise MemoryError
            if self.out != NULL:
                memcpy(larger, self.out, self.out_end)
                n = self.out_end
                self._release_out()
                self.out_end = n
            else:
                self.out_end = 0
            self.out = larger
            self.out_size = size
        return self.out + self.out_end

    cdef int put(self, const char *p, Py_ssize_t n) except -1:
        memcpy(self.room(n), p, n)
        self.out_end += n
        return 0

    cpdef write(self, bytes data):
        """Put DATA into the output buffer; `flush` or the next `send_from` sends it."""
        self.put(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))

    cpdef flush(self):
        """Send the output buffer.

        Raises:
            StreamTimeout: the peer took nothing for `write_timeout`.
            StreamClosed: the peer is gone.
        """
        cdef Py_ssize_t n = self.out_end
        if n:
            self.send_bytes(self.out, n)
            self.out_end = 0
        self._release_out()

    def discard_output(self):
        """Drop bytes that `write` has queued and that are not sent yet."""
        self._release_out()

    def take_output(self):
        """What `write` has queued and is not sent yet; it will not be sent."""
        cdef bytes queued = PyBytes_FromStringAndSize(self.out, self.out_end) if self.out_end else b""
        self._release_out()
        return queued

    def linger(self, double seconds, Py_ssize_t most):
        """Read and drop what the peer still sends, for SECONDS or MOST bytes, so that it can read our last answer.

        Closing with unread bytes would reset the connection and destroy that answer (RFC 9112, section 9.6).
        """
        self.shutdown_output()
        self.tls = None  # what follows is dropped unread
        self.expire_in(seconds)
        try:
            while most > 0:
                self.start = self.end
                most -= 1
                if self.fill(False) == 0:
                    break
                most -= self.end - self.start
        except StreamError:
            pass

    cpdef shutdown_output(self):
        """Close the sending half; reading goes on."""
        if self.tls is not None and not self.ended:
            self.tls.say_goodbye()
        if not self.closed:
            c_shutdown(self.fd, SHUT_WR)

    def fail(self, failure not None):
        """Raise FAILURE in the greenlet that waits for this stream, now or next."""
        self.failure = failure
        if self.reads.waiting is not None:
            self.reads.wake(READY)
        elif self.writes is not None:
            self.writes.wake(READY)

    @property
    def silence(self):
        """Seconds since something was read."""
        return now() - self.active

    @property
    def pending(self):
        """Bytes in the output buffer."""
        return self.out_end

    cpdef send_from(self, Buffer source, Py_ssize_t n, int chunked=0):
        """Send the output buffer and the first N bytes of SOURCE, which are consumed.

        CHUNKED: 1 makes them a chunk of the chunked coding (RFC 9112, section 7.1), 2 the last one, with the end of
        the body behind it.
        """
        if n < 0 or n > source.end - source.start:
            raise ValueError("more than is buffered")
        # A wait in here may see SOURCE closed by another greenlet: its block must not become another stream's then.
        source.lent += 1
        try:
            self.send_pieces(source.data + source.start, n, chunked)
        finally:
            source.lent -= 1
        source.start += n

    cpdef end_with(self, Buffer source, Py_ssize_t n, int chunked=0):
        """As `send_from`, and close the sending half: the last bytes, close_notify and the end leave in one packet where
        they fit."""
        self.more = MSG_MORE
        if self.tls is not None:
            self.tls.begin_end()
        self.send_from(source, n, chunked)
        while self.tls is not None and self.tls.say_goodbye() == WANT_WRITE:
            self.wait_write()
        self.ended = True
        self.shutdown_output()

    def send(self, data not None, int chunked=0):
        """Send the output buffer and DATA (bytes-like)."""
        cdef const unsigned char[::1] view = data
        cdef const char *p = b""
        if view.shape[0]:
            p = <const char *>&view[0]
        self.send_pieces(p, view.shape[0], chunked)

    cdef int send_pieces(self, const char *p, Py_ssize_t n, int chunked) except -1:
        global global_sent
        cdef const char *end = b"\r\n0\r\n\r\n"
        cdef Py_ssize_t end_length = 0 if chunked == 0 else 2 if chunked == 1 else 7
        cdef iovec pieces[3]
        cdef msghdr message
        cdef Py_ssize_t done
        cdef int count = 0
        if self.closed:
            raise StreamClosed("closed", self)
        if n == 0 and chunked:
            # A chunk of no bytes would end the body.
            if chunked == 2:
                self.put(b"0\r\n\r\n", 5)
            chunked = end_length = 0
        if chunked:
            self.room(24)
            self.out_end += snprintf(self.out + self.out_end, 24, b"%zx\r\n", n)
        if self.tls is not None or n + self.out_end < 2048:
            # One record, or one small copy, is cheaper than a second piece.
            done = min(n, max(0, OUT_BLOCK - end_length - self.out_end)) if self.tls is not None else n
            self.put(p, done)
            if done == n:
                self.put(end, end_length)
            self.flush()
            if done < n:
                self.send_bytes(p + done, n - done)
                self.send_bytes(end, end_length)
            return 0
        if self.out_end:
            pieces[count].iov_base = self.out
            pieces[count].iov_len = self.out_end
            count += 1
        pieces[count].iov_base = <void *>p
        pieces[count].iov_len = n
        count += 1
        if chunked:
            pieces[count].iov_base = <void *>end
            pieces[count].iov_len = end_length
            count += 1
        message.msg_name = message.msg_control = NULL
        message.msg_namelen = 0
        message.msg_controllen = 0
        message.msg_flags = 0
        message.msg_iov = pieces
        message.msg_iovlen = count
        while True:
            done = c_sendmsg(self.fd, &message, MSG_NOSIGNAL | self.more)
            if done >= 0:
                break
            if errno == EAGAIN:
                self.wait_write()
            elif errno != EINTR:
                raise StreamClosed("reset by the peer", self)
        self.sent += done
        if self.counted:
            global_sent += done
        # What is left of each piece goes the simple way.
        for index in range(count):
            if done >= <Py_ssize_t>pieces[index].iov_len:
                done -= pieces[index].iov_len
            else:
                self.send_bytes(<char *>pieces[index].iov_base + done, pieces[index].iov_len - done)
                done = 0
        self._release_out()
        return 0

    cdef int send_bytes(self, const char *p, Py_ssize_t n) except -1:
        global global_sent
        cdef Py_ssize_t done
        if self.closed:
            raise StreamClosed("closed", self)
        while n:
            if self.tls is not None:
                done = self._tls_write(p, n)
            else:
                done = c_send(self.fd, p, n, MSG_NOSIGNAL | self.more)
            if done >= 0:
                p += done
                n -= done
                self.sent += done
                if self.counted:
                    global_sent += done
                continue
            if self.tls is None:
                if errno == EINTR:
                    continue
                if errno != EAGAIN:
                    raise StreamClosed("reset by the peer", self)
            self.wait_write()
        return 0

    cpdef bint offer(self, Outbox box) except -1:
        """Send what BOX holds as far as the peer takes it now; whether that was all. It never waits.

        Raises:
            StreamClosed: the peer is gone, or this side closed the stream.
        """
        global global_sent
        cdef Py_ssize_t done
        if self.closed:
            raise StreamClosed("closed", self)
        while box.start < box.end:
            if self.tls is not None:
                done = self.tls.write(box.data + box.start, box.end - box.start)
                if done == WANT_WRITE:
                    return False
                if done < 0:
                    raise self._tls_fault(done)
            else:
                done = c_send(self.fd, box.data + box.start, box.end - box.start, MSG_NOSIGNAL)
                if done < 0:
                    if errno == EINTR:
                        continue
                    if errno == EAGAIN:
                        return False
                    raise StreamClosed("reset by the peer", self)
            box.start += done
            self.sent += done
            if self.counted:
                global_sent += done
        box.release()
        return True

    # --- TLS and the end ------------------------------------------------------------------------------------------

    cpdef accept_tls(self, context, size_t address=0, bytes ahead=b""):
        """Speak TLS from here on, as its server by CONTEXT (an `ssl.SSLContext`): do the handshake.

        ADDRESS is that of OpenSSL's structure below CONTEXT, 0 where it is not known. AHEAD are bytes that were taken
        out of the socket before; without ADDRESS there can be none. Gives whether a session was resumed.

        Raises:
            ssl.SSLError: the handshake failed.
            StreamError: the peer went away or was too slow.
        """
        cdef Tls tls
        if address and openssl_is_known():
            tls = OpenSslTls(context, address, self.fd, ahead)
        elif ahead:
            raise ValueError("bytes can be given to OpenSSL itself only")
        else:
            tls = PythonTls(tls_connection(context, self.socket, server_side=True))
        return self._shake_hands(tls)

    def connect_tls(self, context not None, size_t address, bytes server_name, tuple names, Session session not None):
        """Speak TLS from here on, as its client by CONTEXT: do the handshake.

        ADDRESS as for `accept_tls`. SERVER_NAME is sent; empty: none is. Where CONTEXT verifies the server's certificate,
        it has to be for one of NAMES, none of which can be given without ADDRESS. SESSION is resumed if it is known, and
        keeps new ones. Gives whether it was resumed.

        Raises:
            ssl.SSLError: the handshake failed.
            StreamError: the peer went away or was too slow.
        """
        cdef Tls tls
        if address and openssl_is_known():
            tls = OpenSslTls(context, address, self.fd)
            (<OpenSslTls>tls).as_client(server_name, names, session)
        elif names:
            raise ValueError("names can be given to OpenSSL itself only")
        else:
            tls = PythonTls(
                tls_connection(context, self.socket, server_side=False, server_name=server_name.decode() or None)
            )
        return self._shake_hands(tls)

    cdef bint _shake_hands(self, Tls tls) except -1:
        cdef Py_ssize_t step
        while True:
            step = tls.handshake()
            if step == WANT_READ:
                self.wait_read()
            elif step == WANT_WRITE:
                self.wait_write()
            elif step == RESET:
                raise StreamClosed("hung up by the peer", self)
            else:
                break
        self.tls = tls
        return tls.resumed()

    @property
    def tls_address(self):
        """Where OpenSSL has the TLS connection; 0: there is none, or it is not known."""
        return self.tls.address() if self.tls is not None else 0

    def peek_socket(self, Py_ssize_t n):
        """Up to N bytes that wait in the socket, without taking them; b"" at the end, None when there are none yet."""
        cdef bytes data = PyBytes_FromStringAndSize(NULL, n)
        cdef Py_ssize_t got = c_recv(self.fd, PyBytes_AS_STRING(data), n, MSG_PEEK | MSG_DONTWAIT)
        if got < 0:
            if errno == EAGAIN or errno == EINTR:
                return None
            raise StreamClosed("reset by the peer", self)
        return data[:got]

    cpdef take_socket(self, Py_ssize_t n):
        """As `peek_socket`, but the bytes are taken: for what precedes a protocol that reads the socket itself.

        It takes 64 KiB at most.
        """
        cdef Py_ssize_t got = c_recv(self.fd, taken, min(n, TAKEN), MSG_DONTWAIT)
        if got < 0:
            if errno == EAGAIN or errno == EINTR:
                return None
            raise StreamClosed("reset by the peer", self)
        self.received += got
        return taken[:got]

    @property
    def protocol(self):
        """What both sides agreed on by ALPN, empty: nothing; of a stream that speaks TLS."""
        return self.tls.protocol()

    cpdef bint readable(self):
        """Whether something has arrived that has not been taken out of the socket; the end of the stream is something."""
        cdef pollfd one
        if self.closed or self.hung_up:
            return True
        one.fd = self.fd
        one.events = POLLIN
        one.revents = 0
        return c_poll(&one, 1, 0) == 1

    cpdef bint drained(self):
        """Whether the peer has neither ended the stream nor sent anything that has been taken out of the socket and not
        consumed."""
        if self.closed or self.hung_up or self.start != self.end:
            return False
        return self.tls is None or not self.tls.pending() or self._is_silent()

    cpdef bint usable(self):
        """Whether an idle connection still looks open: no byte and no end has arrived."""
        cdef char byte
        cdef Py_ssize_t n
        if not self.drained():
            return False
        n = c_recv(self.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT)
        if n > 0 and self.tls is not None:
            return self._is_silent()
        return n < 0 and (errno == EAGAIN or errno == EINTR)

    cdef bint _is_silent(self) except -1:
        """Whether what has arrived is TLS's own, such as session tickets, and no content."""
        cdef char byte
        return self.tls.read(&byte, 1) == WANT_READ

    cpdef park(self):
        """Prepare for a long idle time: release memory and let the watcher look for the peer's end."""
        if self.start == self.end:
            self.release()
        if not self.reads.armed and not self.closed:
            self.reads.arm()

    def abort(self):
        """End the stream so that the peer cannot take what it got for complete: reset, and no TLS closure alert."""
        cdef c_linger reset
        self.tls = None
        if not self.closed:
            reset.l_onoff = 1
            reset.l_linger = 0
            c_setsockopt(self.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset))
        self.close()

    def detach(self):
        """Close the stream and return its open descriptor, which the caller owns. Buffered bytes are lost."""
        if self.closed:
            raise StreamClosed("closed", self)
        self.detached = True
        if self.sock is not None:
            self.sock.detach()
        self.close()
        return self.fd

    def close(self):
        """Close the stream; a greenlet that waits for it gets `StreamClosed`. May be called again."""
        if self.closed:
            return
        self.closed = True
        live.discard(self)
        blind.discard(self)
        deadlines.remove(&self.deadline)
        if self.tls is not None:
            if not self.ended:
                self.tls.say_goodbye()
            self.tls = None
        self.reads.close()
        if self.writes is not None:
            self.writes.close()
        self.partner = self.on_surprise = None
        if self.sock is not None:
            self.sock.close()
        elif not self.detached:
            c_close(self.fd)
        self.release()
        self._release_out()
        self.reads.wake(CLOSED)
        if self.writes is not None:
            self.writes.wake(CLOSED)
