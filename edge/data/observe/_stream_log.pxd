from edge.data.observe._format cimport AccessLines

cdef class StreamLog:
    cdef object access_log
    cdef AccessLines lines
    cdef list parts
    cdef bint as_json

    cpdef add(
        self, str protocol, str address, int status, double seconds, double connecting,
        unsigned long long received, unsigned long long sent, str endpoint, str upstream, object owner,
    )
    cdef int put_line(
        self, str protocol, str address, int status, double seconds, double connecting,
        unsigned long long received, unsigned long long sent, str endpoint, str upstream, object owner,
    ) except -1
    cdef int put_json(
        self, str protocol, str address, int status, double seconds,
        unsigned long long received, unsigned long long sent, str endpoint, str upstream, object owner,
    ) except -1
