from libc.stdint cimport uint8_t

from edge.data.net._buffer cimport Buffer
from edge.data.http._fields cimport Field, FieldLines, Limits
from edge.data.net._stream cimport Stream

cdef class Head(FieldLines):
    cdef public bytes method
    cdef public bytes target
    cdef public bytes host
    cdef public bytes reason
    cdef public int version
    cdef public int status
    cdef public long long length
    cdef public bint chunked
    cdef public bint keep_alive
    cdef public bint expect_continue
    cdef public bint upgrade
    cdef public Py_ssize_t size
    cdef bint seen_forwarded
    cdef bint has_date
    cdef bint has_server
    cdef bint absolute
    cdef bint closing
    cdef bint persists
    cdef bint switches
    cdef int options
    cdef int request_id
    cdef const uint8_t *passes

    cdef int reset(self) except -1
    cdef int interpret(self, bint request) except -1
    cdef int _refuse(self, const char *p, Py_ssize_t first_end, Limits limits, int status, reason) except -1
    cdef int request_line(self, Py_ssize_t end, Limits limits) except -1
    cdef int status_line(self, Py_ssize_t end) except -1
    cdef int connection_options(self, Field *field, int fault) except -1
    cdef int expectations(self, const char *p, Py_ssize_t n) except -1
    cdef int absolute_form(self, Py_ssize_t begin, Py_ssize_t end) except -1
    cdef Py_ssize_t _await_head(self, Buffer source, Limits limits, bint request) except -1
    cdef int check_host(self, const char *p, Py_ssize_t n) except -1
    cdef int check_status(self, bint upgrade) except -1
    cdef int check_encoding(self, Py_ssize_t at, Py_ssize_t end) except -1
    cdef bint empty_line(self, Buffer source, Limits limits) except -1
    cdef _content_length(self, const char *value, Py_ssize_t n, int fault)
    cdef put_framing(self, Stream out, long long length, bint chunked)
    cpdef bint read_request(self, Buffer source, Limits limits) except -1
    cpdef read_response(self, Buffer source, Limits limits, bint wait=*)
    cpdef write_request(self, Stream out, bytes target, bytes host, bytes forwarded_host, bytes added, bytes request_id)
    cpdef write_response(self, Stream out, bytes added, long long length, bint chunked, bint keep_alive, bint old_client=*, bint hsts=*)
    cpdef int missing(self)
    cpdef bytes identify(self)
