from edge.data.exchange._outcome cimport Outcome
from edge.data.observe._lines cimport Lines
cimport edge.data.exchange.exchange as c_exchange

cdef struct Part:
    # Literal text, and the variable behind it.
    const char *text
    Py_ssize_t size
    int op
    int number
    void *argument

cdef class LogName:
    cdef readonly object route
    cdef readonly bint unowned
    cdef Format format
    cdef tuple texts

cdef class Format:
    cdef Part *parts
    cdef int count
    cdef int escape
    cdef list holds
    cdef readonly tuple runs
    cdef readonly tuple kept

    cdef tuple texts_of(self, LogName name)
    cdef int put_line(self, Lines out, c_exchange.Exchange exchange, LogName name) except -1
    cdef int put_request(self, Lines out, c_exchange.Exchange exchange) except -1
    cdef int put_list(self, Lines out, Outcome outcome, int op) except -1
    cdef int put_host(self, Lines out, bytes host) except -1
    cdef int put_one(self, Lines out, Outcome outcome, int op) except -1

cdef class JsonFormat(Format):
    pass

cdef class AccessLines(Lines):
    cdef readonly Format format
    cdef readonly tuple kept
    cdef public object skips
    cdef public bint on
    cdef public bint unmatched
    cdef public bint streams

    cpdef bint add(self, c_exchange.Exchange exchange, LogName name) except -1
