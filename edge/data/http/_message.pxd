cimport cython
from libc.stdint cimport uint8_t

from edge.data.http._fields cimport FieldLines

cdef enum:
    UNKNOWN = -1   # length of content that is framed otherwise
    NONE = -2      # there is no content, and no Content-Length

cdef class Message(FieldLines):
    cdef public bytes method
    cdef public bytes target
    cdef public bytes host
    cdef public bytes reason
    cdef public int version
    cdef public int status
    cdef public long long length
    cdef public bint chunked
    cdef readonly long long content_length
    cdef public bint upgrade
    cdef public bint secure
    cdef public object scope
    cdef public Py_ssize_t size
    cdef readonly bint accel
    cdef bint seen_forwarded
    cdef bint has_date
    cdef bint has_server
    cdef int request_id
    cdef const uint8_t *passes

    cpdef int missing(self) noexcept
    cpdef bytes identify(self)

@cython.final
cdef class Outgoing:
    cdef public Message message
    cdef public bytes method
    cdef public bytes target
    cdef public bytes host
    cdef public bytes forwarded_host
    cdef public bytes added
    cdef public bytes appended
    cdef public bytes request_id
    cdef public long long length
    cdef public bint old
    cdef public object parameters

    cpdef bint streamed(self) noexcept

cdef enum:
    LONGEST_METHOD = 32

cdef bytes method_name(const char *p, Py_ssize_t n)
cpdef bint is_idempotent(bytes method) except -1
cdef int check_method(const char *p, Py_ssize_t n) except -1
cdef int check_encoding(const char *target, Py_ssize_t n) except -1
cdef int check_host(const char *p, Py_ssize_t n) except -1
cdef bytes host_of(const char *p, Py_ssize_t n)
cdef bint expects_continue(const char *p, Py_ssize_t n) except -1
cdef long long read_length(const char *p, Py_ssize_t n, int fault) except -1
