from libc.stdint cimport uint32_t

from edge.data.http._fields cimport FieldLines
from edge.data.http._message cimport Message

cdef class H2Stream:
    cdef readonly uint32_t id
    cdef readonly Message head
    cdef public object owner
    cdef readonly FieldLines trailers
    cdef FieldLines section         # that trailers are read into, unless another still reads the last ones
    cdef readonly long long send_window
    cdef readonly bint remote_ended
    cdef readonly bint local_ended
    cdef readonly bint closed
    cdef readonly int code
    cdef readonly bint faulty
    cdef readonly bint answered     # its final head has come; of streams to endpoints
    cdef bint bodiless              # it answers HEAD
    cdef readonly int urgency
    cdef readonly bint whole
    cdef long long expected         # bytes of content, below 0: any number
    cdef readonly long long received
    cdef readonly long long sent
    cdef long long window
    cdef long long receive_window
    cdef long long unreturned
    cdef long long arrived

    cdef void begin(self, uint32_t id, long long send_window) noexcept
    cdef FieldLines spare_section(self)

cdef class OpenStreams:
    cdef list places        # a power of 2 of them: a stream, or None
    cdef dict others        # by number: those whose place is taken

    cdef H2Stream find(self, uint32_t id)
    cdef int add(self, H2Stream stream) except -1
    cdef int remove(self, H2Stream stream) except -1
    cdef int _widen(self) except -1
    cpdef list values(self)
