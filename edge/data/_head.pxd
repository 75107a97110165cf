from libc.stdint cimport uint8_t, uint16_t, uint32_t
from edge.data._buffer cimport Buffer
from edge.data._stream cimport Stream

cdef struct Field:
    uint32_t name
    uint32_t value
    uint32_t value_length
    uint32_t line_end
    uint16_t name_length
    uint8_t known
    uint8_t drop

cdef class Limits:
    cdef readonly Py_ssize_t line
    cdef readonly Py_ssize_t head
    cdef readonly int fields
    cdef readonly bint underscores
    cdef readonly double timeout

cdef class Head:
    cdef char *text
    cdef Py_ssize_t text_size
    cdef Py_ssize_t text_length
    cdef Field *fields
    cdef int field_count
    cdef int field_size
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

    cdef int store(self, const char *p, Py_ssize_t n) except -1
    cdef int reset(self) except -1
    cdef int parse_fields(self, Py_ssize_t at, Limits limits, int fault) except -1
    cdef int interpret(self, bint request) except -1
    cdef int request_line(self, Py_ssize_t end, Limits limits) except -1
    cdef int status_line(self, Py_ssize_t end) except -1
    cdef int connection_options(self, Field *field, int fault) except -1
    cdef int copy_fields(self, Stream out, const uint8_t *passes) except -1
    cdef int put_known(self, Stream out, int known, const char *name, Py_ssize_t n) except -1
    cdef int absolute_form(self, Py_ssize_t begin, Py_ssize_t end) except -1
    cdef Py_ssize_t _await_head(self, Buffer source, Limits limits, bint request) except -1
    cdef int check_host(self, const char *p, Py_ssize_t n) except -1
    cdef int check_status(self, bint upgrade) except -1
    cdef bint disguised(self, Field *field) noexcept
    cdef int check_encoding(self, Py_ssize_t at, Py_ssize_t end) except -1
    cdef bint empty_line(self, Buffer source, Limits limits) except -1
    cdef _content_length(self, const char *value, Py_ssize_t n, int fault)
    cdef bint _equal(self, Field *field, const char *name) noexcept
    cdef put_framing(self, Stream out, long long length, bint chunked)
    cpdef bint read_request(self, Buffer source, Limits limits) except -1
    cpdef read_response(self, Buffer source, Limits limits, bint wait=*)
    cpdef write_request(self, Stream out, bytes target, bytes host, bytes forwarded_host, bytes added, bytes request_id)
    cpdef write_response(self, Stream out, bytes added, long long length, bint chunked, bint keep_alive, bint old_client=*, bint hsts=*)
    cpdef int missing(self)
    cpdef bytes identify(self)
