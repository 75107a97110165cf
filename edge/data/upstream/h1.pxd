# C types for the attributes that are touched for every request; the module is plain Python.

from edge.data.exchange.upstream cimport Upstream
from edge.data.http._fields cimport Limits
from edge.data.http._message cimport Outgoing
from edge.data.http.h1._body cimport Body
from edge.data.http.h1._head cimport Head
from edge.data.http.h1._writing cimport HeadWriter
from edge.data.net._stream cimport Stream
from edge.data.upstream.target cimport Target

cdef class H1Upstream(Upstream)

cdef class Keeper:
    cpdef keep(self, H1Upstream upstream, double now)

cdef class H1Upstream(Upstream):
    cdef readonly Target target
    cdef readonly Stream stream
    cdef readonly Head head
    cdef readonly Body body
    cdef public int requests
    cdef readonly double made
    cdef public bint doubtful
    cdef Limits _limits
    cdef Keeper _pool
    cdef HeadWriter _writer
    cdef int _chunked
    cdef unsigned long long _sent_before
    cdef bint _complete
    cdef bint _last
    cdef bint _expires
    cdef object _timer

    cpdef park(self, double now)
