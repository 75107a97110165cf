from libc.time cimport time_t

from edge.data.exchange._outcome cimport Outcome
from edge.data.http._message cimport Message

cdef class Lines:
    cdef char *data
    cdef Py_ssize_t start
    cdef Py_ssize_t end
    cdef Py_ssize_t size
    cdef Py_ssize_t due
    cdef public long long dropped
    cdef bint as_json
    cdef time_t second
    cdef char stamp[40]
    cdef int stamp_size

    cdef char *room(self, Py_ssize_t n) except NULL
    cdef int put(self, const char *p, Py_ssize_t n) except -1
    cdef int put_bytes(self, bytes value) except -1
    cdef int put_str(self, str value) except -1
    cdef int put_escaped(self, const char *p, Py_ssize_t n) except -1
    cdef int put_quoted(self, const char *p, Py_ssize_t n) except -1
    cdef int put_value(self, bytes value) except -1
    cdef int put_number(self, long long number) except -1
    cdef int put_seconds(self, double seconds, int decimals) except -1
    cdef int put_version(self, int version) except -1
    cdef int put_status(self, int status, const char *none, Py_ssize_t n) except -1
    cdef int put_attempts(self, list attempts, long long received) except -1
    cdef int put_earlier(self, list attempts) except -1
    cdef int put_time(self) except -1
    cdef int add_text(self, Message request, str address, bytes name, Outcome outcome) except -1
    cdef int add_json(self, Message request, str address, bytes name, Outcome outcome) except -1
    cpdef bint add(self, Message request, str address, bytes name, Outcome outcome) except -1
    cdef Py_ssize_t piece(self) noexcept
    cdef forget(self)
