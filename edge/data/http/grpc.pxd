# C types for what is called for every request; the module is plain Python.

from edge.data.http._fields cimport FieldLines
from edge.data.http._message cimport Message

cpdef int status_of(Message response, FieldLines trailers) except -2
