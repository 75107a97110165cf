from libc.string cimport memcpy

from edge.data.net._buffer cimport Buffer
from edge.data.net._deadlines cimport Deadline
from edge.data.net._outbox cimport Outbox
from edge.data.net._scheduler cimport Resumable, Watch
from edge.data.net._tls cimport Tls


cdef class Stream(Buffer):
    cdef readonly int fd
    cdef object sock
    cdef Tls tls
    cdef Watch reads
    cdef Watch writes
    cdef double read_deadline
    cdef double write_deadline
    cdef Deadline deadline    # the earlier one of these
    cdef public double read_timeout
    cdef public double write_timeout
    cdef public double limit
    cdef object partner
    cdef public object on_surprise
    cdef public bint hung_up
    cdef public bint counted
    cdef public bint to_endpoint
    cdef public bytes alpn
    cdef readonly bint closed
    cdef bint ended           # the sending half is closed, behind all that was sent
    cdef int more             # MSG_MORE, once the last bytes are sent
    cdef bint detached
    cdef bint held
    cdef readonly double active
    cdef object failure
    cdef readonly unsigned long long received
    cdef readonly unsigned long long sent
    cdef char *out
    cdef Py_ssize_t out_end
    cdef Py_ssize_t out_size

    cdef char *room(self, Py_ssize_t n) except NULL
    cdef int put(self, const char *p, Py_ssize_t n) except -1
    cdef int expect(self, double deadline) except -1
    cdef int lapse(self, double time) except -1
    cdef int _watch_reads(self) except -1
    cpdef bint await_read(self, Resumable one) except -1
    cdef int wait_read(self) except -1
    cdef int wait_write(self) except -1
    cdef int send_bytes(self, const char *p, Py_ssize_t n) except -1
    cdef int send_pieces(self, const char *p, Py_ssize_t n, int chunked) except -1
    cdef int check(self, int woken) except -1
    cdef int _wait_across(self, bint for_write) except -1
    cdef hurry(self, bint at_once)
    cdef look(self)
    cpdef watch(self, other)
    cpdef restart(self, double timeout)
    cdef Py_ssize_t _tls_read(self, Py_ssize_t room) except -2
    cdef Py_ssize_t _tls_write(self, const char *p, Py_ssize_t n) except -2
    cdef _tls_fault(self, Py_ssize_t step)
    cdef void _release_out(self) noexcept
    cpdef flush(self)
    cpdef bint offer(self, Outbox box) except -1
    cpdef send_from(self, Buffer source, Py_ssize_t n, int chunked=*)
    cpdef end_with(self, Buffer source, Py_ssize_t n, int chunked=*)
    cpdef shutdown_output(self)
    cpdef Py_ssize_t fill(self, bint wait=*) except -1
    cpdef accept_tls(self, context, size_t address=*, bytes ahead=*)
    cpdef take_socket(self, Py_ssize_t n)
    cdef bint _shake_hands(self, Tls tls) except -1
    cdef bint _is_silent(self) except -1
    cpdef bint readable(self)
    cpdef bint drained(self)
    cpdef bint usable(self)
    cpdef park(self)
    cpdef write(self, bytes data)


cdef inline int append(Stream out, const char *p, Py_ssize_t n) except -1:
    """As `put`, without a call where there is room."""
    if out.out_size - out.out_end <= n:
        return out.put(p, n)
    memcpy(out.out + out.out_end, p, n)
    out.out_end += n
    return 0
