cimport cython

@cython.final
cdef class Outcome:
    cdef public int status
    cdef public int grpc
    cdef readonly double started
    cdef public double duration
    cdef public long long received
    cdef public long long sent
    cdef public long long content_sent
    cdef public str endpoint
    cdef public int upstream_status
    cdef public double upstream_seconds
    cdef public long long upstream_content
    cdef public list earlier
    cdef public bytes request_id
    cdef public bytes line
    cdef public double connect_seconds
    cdef public double head_seconds
    cdef public tuple kept
    cdef double asked

    cpdef start(self)
    cpdef ask(self, str endpoint)
    cpdef connected(self)
    cpdef headed(self)
    cpdef double answered(self)
    cpdef give_up(self)
    cpdef finish(self)
    cpdef int code(self) noexcept
    cpdef double elapsed(self)
