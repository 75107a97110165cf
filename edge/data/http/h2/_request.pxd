from edge.data.http._fields cimport Field, FieldLines, Limits
from edge.data.http._message cimport Message
from edge.data.http.h2._hpack cimport Decoder

cdef enum:
    MALFORMED = 1   # in place of a status: no answer, but an error of the stream

cdef class RequestHead(Message):
    cdef readonly bint expect_continue
    cdef readonly bint tunnels      # an extended CONNECT, which has become what HTTP/1.1 has for it
    cdef readonly int fault         # 0: none. MALFORMED, or the status of the answer
    cdef readonly str why           # of the fault, for logs
    cdef readonly bytes first_line  # as HTTP/1.1 would have it, where there is a fault; for logs
    cdef readonly int urgency       # RFC 9218
    cdef readonly bint incremental
    cdef readonly bint prioritized  # the client has said so
    cdef bytes authority
    cdef bytes scheme
    cdef bytes path
    cdef bytes protocol
    cdef bint regular               # a field that is no pseudo-field has come
    cdef int hosts
    cdef Py_ssize_t taken           # bytes, as they would be in HTTP/1.1
    cdef Py_ssize_t crumbs          # bytes of Cookie that are put together

    cdef int read(self, Decoder decoder, Limits limits, bint ended) except -1
    cdef int _reset(self) except -1
    cdef int _pseudo(self, const char *name, Py_ssize_t n, const char *value, Py_ssize_t m) except -1
    cdef int _take(self, Decoder decoder, Limits limits) except -1
    cdef int _interpret(self, Field *field) except -1
    cdef int _cookie(self, const char *value, Py_ssize_t m) except -1
    cdef int _finish(self, Limits limits, bint ended) except -1
    cdef int _connect(self, Limits limits, bint ended) except -1
    cdef int prioritize(self, const char *value, Py_ssize_t m) noexcept

cdef bint connection_specific(const char *name, Py_ssize_t n, int known, const char *value, Py_ssize_t m) noexcept
cdef bint read_trailers(Decoder decoder, Limits limits, FieldLines lines) except -1
