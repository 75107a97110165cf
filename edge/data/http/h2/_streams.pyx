# cython: language_level=3
"""The streams of a connection of HTTP/2 (RFC 9113, section 5), and those that are open by their numbers.

Rules of this file:
- A stream is numbers and flags, which the session interprets.
- A stream has the place of its id, if that is free. Ids of one side ascend, so nearly all streams have theirs, and a
  look-up needs no dict.
"""

from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.object cimport PyObject
from libc.stdint cimport uint32_t

from edge.data.http._fields cimport FieldLines
from edge.data.http._message cimport Message

cdef extern from "Python.h":
    Py_ssize_t Py_REFCNT(PyObject *one)

cdef enum:
    NO_ERROR = 0
    DEFAULT_WINDOW = 65535
    USUAL = 3        # urgency (RFC 9218, section 4.1)
    FEW = 16         # places at first
    MANY = 256       # at most


cdef class H2Stream:
    """One stream, reused for another one after `Session.done`.

    - `head`, `trailers`: of the message that comes. `owner`: what it is for. `received`, `sent`: bytes of its frames.
    - `remote_ended`, `local_ended`: the incoming message, the outgoing message is complete. `closed`: both are, or it
      was reset, with `code`; `faulty`: because of an error of the peer.
    - `urgency`: streams of a lower one go first. `whole`: before others of the same (RFC 9218).
    """

    def __init__(self, Message head not None):
        """HEAD: for incoming heads."""
        self.head = head

    cdef void begin(self, uint32_t id, long long send_window) noexcept:
        self.id = id
        self.trailers = None
        self.expected = -1
        self.code = NO_ERROR
        self.urgency = USUAL
        self.answered = self.faulty = self.whole = self.bodiless = False
        self.send_window = send_window
        self.window = self.receive_window = DEFAULT_WINDOW
        self.unreturned = self.arrived = self.received = self.sent = 0
        self.remote_ended = self.local_ended = self.closed = False

    cdef FieldLines spare_section(self):
        """Where trailers are read into."""
        if self.section is None or Py_REFCNT(<PyObject *>self.section) > 1:
            self.section = FieldLines()
        return self.section


cdef inline Py_ssize_t place_of(list places, uint32_t id) noexcept:
    return id >> 1 & (PyList_GET_SIZE(places) - 1)


cdef class OpenStreams:
    """The streams of one connection that are open."""

    def __cinit__(self):
        self.places = [None] * FEW
        self.others = {}

    cdef H2Stream find(self, uint32_t id):
        """The one with the number ID; None: there is none."""
        cdef H2Stream stream = <H2Stream>PyList_GET_ITEM(self.places, place_of(self.places, id))
        if stream is not None and stream.id == id:
            return stream
        return <H2Stream>self.others.get(id) if self.others else None

    cdef int add(self, H2Stream stream) except -1:
        """STREAM is open."""
        while self.places[place_of(self.places, stream.id)] is not None:
            if len(self.places) == MANY:
                self.others[stream.id] = stream
                return 0
            self._widen()
        self.places[place_of(self.places, stream.id)] = stream
        return 0

    cdef int remove(self, H2Stream stream) except -1:
        """STREAM is not open any more, if it was."""
        cdef Py_ssize_t place = place_of(self.places, stream.id)
        if self.places[place] is stream:
            self.places[place] = None
        elif self.others:
            self.others.pop(stream.id, None)
        return 0

    cdef int _widen(self) except -1:
        """Double the places: streams keep places of their own."""
        cdef list streams = self.values()
        self.places = [None] * (2 * len(self.places))
        for stream in streams:
            self.places[place_of(self.places, (<H2Stream>stream).id)] = stream
        return 0

    def __len__(self):
        return len(self.values())

    cpdef list values(self):
        """All of them."""
        return [one for one in self.places if one is not None] + list(self.others.values())
