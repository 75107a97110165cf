from edge.data.net._deadlines cimport Deadline
from edge.data.net._poller cimport Polled

cdef struct Way:
    int source
    int sink
    bint readable      # there may be something to read
    bint last          # the source has hung up: it is read to its end
    bint stuck         # the sink takes no more
    bint over          # the source has said all, and the sink knows
    bint piped
    int pipe[2]
    int streak
    Py_ssize_t in_pipe
    char *kept         # bytes that the sink has not taken
    Py_ssize_t start
    Py_ssize_t end
    unsigned long long carried


cdef class Relay(Polled):
    cdef Way ways[2]
    cdef double timeout
    cdef double active
    cdef Deadline deadline
    cdef bint carrying

    cdef int begin(self, int client) except -1
    cdef int expect(self) except -1
    cdef int carry(self, int endpoint) except -1
    cdef int keep(self, const char *p, Py_ssize_t n) except -1
    cdef int move(self, int side) except -1
    cdef int say_end(self, Way *way) except -1
    cdef Py_ssize_t pull(self, int side, Way *way) except -3
    cdef Py_ssize_t splice(self, int side, Way *way) except -3
    cdef Py_ssize_t flush(self, Way *way) noexcept
    cdef int happened_early(self, unsigned int events) except -1
    cdef int happened_connecting(self, unsigned int events) except -1
    cdef int late(self) except -1
    cdef int finish(self, int outcome) except -1
    cdef int finished(self, int outcome) except -1
    cdef void drop(self, bint abruptly) noexcept
