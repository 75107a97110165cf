from edge.data.net._datagrams cimport DatagramPort, DatagramSession
from edge.data.observe._stream_log cimport StreamLog
from edge.data.streams.plan cimport Destination, StreamPlans
from edge.data.upstream.target cimport Target
from edge.table._counters cimport ProcessWords

cdef class Datagrams:
    cdef readonly StreamPlans plans
    cdef ProcessWords words
    cdef StreamLog log
    cdef readonly Py_ssize_t most
    cdef Py_ssize_t count
    cdef readonly set listeners

cdef class Port(DatagramPort):
    cdef Datagrams datagrams
    cdef str stream

cdef class Session(DatagramSession):
    cdef Datagrams datagrams
    cdef Destination destination
    cdef Target target
    cdef str client
    cdef double begun
    cdef readonly double timeout
