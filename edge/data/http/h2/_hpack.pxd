from libc.stdint cimport uint8_t, uint16_t, uint32_t

from edge.data.http._fields cimport Note

cdef enum:
    STATIC = 61     # entries of the static table

cdef struct Entry:
    uint32_t at     # where in `text` its name begins, with the value behind it
    uint16_t name_length
    uint16_t value_length
    Note note

cdef class Decoder:
    cdef Entry *entries         # a ring of the dynamic table
    cdef uint32_t ring          # how many it has room for
    cdef uint32_t first         # the oldest entry
    cdef uint32_t count
    cdef char *text             # of all entries, the oldest first
    cdef Py_ssize_t text_start
    cdef Py_ssize_t text_end
    cdef Py_ssize_t text_size
    cdef Py_ssize_t used        # by the entries, as RFC 7541 counts
    cdef Py_ssize_t limit       # that the encoder has chosen
    cdef Py_ssize_t most        # that it may choose
    cdef const uint8_t *p       # of the block that is being read
    cdef const uint8_t *end
    cdef bint begun             # a field of the block has come: no change of size may follow
    # The field that has been read last, until the next one is:
    cdef const char *name
    cdef const char *value
    cdef Py_ssize_t name_length
    cdef Py_ssize_t value_length
    cdef Note *note             # of its entry, NULL: it has none

    cdef void begin(self, const uint8_t *p, Py_ssize_t n) noexcept
    cdef bint next(self) except -1
    cdef int _entry(self, long index) except -1
    cdef long _integer(self, int bits) except -1
    cdef Py_ssize_t _string(self, const char **found, Py_ssize_t at) except -1
    cdef int _add(self) except -1
    cdef void _evict(self, Py_ssize_t limit) noexcept
    cdef int _make_room(self, Py_ssize_t n) except -1

cdef int static_name(const char *name, Py_ssize_t n) noexcept nogil

cdef inline char *put_integer(char *out, int first, int bits, size_t value) noexcept nogil:
    """Write VALUE in the low BITS of FIRST, and further bytes as needed; where it ends (section 5.1)."""
    cdef size_t mask = (1 << bits) - 1
    if value < mask:
        out[0] = <char>(first | value)
        return out + 1
    out[0] = <char>(first | mask)
    out += 1
    value -= mask
    while value >= 128:
        out[0] = <char>(value & 127 | 128)
        out += 1
        value >>= 7
    out[0] = <char>value
    return out + 1
