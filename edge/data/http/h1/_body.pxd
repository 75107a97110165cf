cimport cython
from edge.data.http._content cimport Content

cdef enum State:
    SIZE = 0
    SIZE_END                # blanks behind the size
    NAME_BEGIN              # chunk extensions (RFC 9112, section 7.1.1)
    NAME
    NAME_END
    VALUE_BEGIN
    VALUE
    QUOTED
    QUOTED_PAIR
    QUOTED_END
    VALUE_END
    SIZE_LF
    DATA
    DATA_CR
    DATA_LF
    TRAILER
    END

@cython.final
cdef class Body(Content):
    cdef int kind               # 0 sized, 1 chunked, 2 until the end of the stream
    cdef long long remaining    # of the body, or of the chunk
    cdef State state
    cdef int digits
    cdef long long extension    # bytes between the size and the end of the present line
    cdef long long excess       # those of all lines, beyond what the chunks carry
    cdef Py_ssize_t given       # where in the buffer the content ends that was given out last
    cdef Py_ssize_t raw         # chunked: where undecoded bytes begin, -1: at the buffer's start
    cdef bytearray section      # of trailers, as far as it has come
    cdef Py_ssize_t line        # where in it the present line begins
    cdef int fault
    cdef bint padded            # whether blanks may stand between a size and the end of its line

    cpdef start(self, long long length, bint chunked, bint until_end)
    cdef Py_ssize_t _chunks(self) except -1
    cdef Py_ssize_t _decode(self) except -1
    cdef bint _extended(self, unsigned char c) noexcept
    cdef Py_ssize_t _trailer(self, char *p, Py_ssize_t i, Py_ssize_t end) except -1
