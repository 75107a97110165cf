cimport cython
from edge.data.http._fields cimport Field, Limits
from edge.data.http._message cimport Message
from edge.data.net._buffer cimport Buffer

@cython.final
cdef class Head(Message):
    cdef public bint keep_alive
    cdef public bint expect_continue
    cdef bint absolute
    cdef bint closing
    cdef bint persists
    cdef bint switches
    cdef int options

    cdef int reset(self) except -1
    cdef int interpret(self, bint request) except -1
    cdef int _refuse(self, const char *p, Py_ssize_t first_end, Limits limits, int status, reason) except -1
    cdef int request_line(self, Py_ssize_t end, Limits limits) except -1
    cdef int status_line(self, Py_ssize_t end) except -1
    cdef int connection_options(self, Field *field, int fault) except -1
    cdef int absolute_form(self, Py_ssize_t begin, Py_ssize_t end) except -1
    cdef Py_ssize_t _await_head(self, Buffer source, Limits limits, bint request) except -1
    cdef int check_status(self, bint upgrade) except -1
    cdef bint empty_line(self, Buffer source, Limits limits) except -1
    cpdef bint read_request(self, Buffer source, Limits limits) except -1
    cpdef read_response(self, Buffer source, Limits limits, bint wait=*)
