from edge.data.http._fields cimport Field, Limits
from edge.data.http._message cimport Message
from edge.data.http.h2._hpack cimport Decoder

cdef class ResponseHead(Message):
    cdef readonly str fault     # what is malformed; None: nothing is
    cdef bint regular           # a field that is no pseudo-field has come

    cdef int read(self, Decoder decoder, Limits limits) except -1
    cpdef switch(self, bytes accept)
    cdef int _take(self, Decoder decoder, Limits limits) except -1
    cdef int _interpret(self, Field *field) except -1
