# C types for the attributes that are touched for every request; the module is plain Python.

cimport cython

from edge.data.http.h2._client cimport ClientSession
from edge.data.http.h2._streams cimport H2Stream
from edge.data.net._stream cimport Stream
from edge.data.upstream.h2 cimport H2Upstream, Keeper
from edge.data.upstream.target cimport Target

cdef int DATA_COME, HEAD_COME, MESSAGE_ENDED, PEER_LEAVING, STREAM_RESET, WINDOW_OPEN
cdef double LONGEST_LIFE
cdef Py_ssize_t MOST_SPARE

cdef class H2Connection(Keeper):
    cdef readonly Target target
    cdef readonly double made
    cdef readonly double idle_since
    cdef bint _probed
    cdef bint _awaited
    cdef list _spares

    cpdef bint has_room(self, bint check)
    cpdef H2Upstream upstream(self)
    cpdef bint open(self, bint check)
    @cython.locals(stream=Stream, session=ClientSession, event=int)
    cdef bint _read(self) except -1
    cpdef resume(self)
    cdef bint _fill(self) except -1
    @cython.locals(upstream=H2Upstream)
    cdef _handle(self, int event, H2Stream flow)
