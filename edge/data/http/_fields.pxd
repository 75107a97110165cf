from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from edge.data.net._stream cimport Stream

cdef struct Field:
    uint32_t name
    uint32_t value
    uint32_t value_length
    uint32_t line_end
    uint16_t name_length
    uint8_t known
    uint8_t drop
    # The first and the last 8 bytes of the name, as the section has it; 0: there is more to say of it.
    uint64_t first
    uint64_t last

cdef struct Note:
    # What is known of a field that comes again and again, `checked`: that it is well formed.
    uint8_t checked
    uint8_t known
    uint8_t drop

cdef class Limits:
    cdef readonly Py_ssize_t line
    cdef readonly Py_ssize_t head
    cdef readonly int fields
    cdef readonly bint underscores
    cdef readonly double timeout
    cdef readonly int refusal

cpdef bytes joined(bytes a, bytes b)

cdef class Names:
    cdef readonly tuple names
    cdef uint64_t lengths

cdef class FieldLines:
    cdef char *text
    cdef Py_ssize_t text_size
    cdef Py_ssize_t text_length
    cdef Field *fields
    cdef int field_count
    cdef int field_size

    cdef int store(self, const char *p, Py_ssize_t n) except -1
    cdef int parse_fields(self, Py_ssize_t at, Limits limits, int fault) except -1
    cdef bint append(self, const char *name, Py_ssize_t n, const char *value, Py_ssize_t m, Note *note, bint underscores) except -1
    cdef int _grow(self, Py_ssize_t n) except -1
    cdef Py_ssize_t _new_name(self, Field *field, Limits limits, int fault) except -1
    cdef Field *_another(self) except NULL
    cdef bint _is_value(self, Py_ssize_t at, Py_ssize_t n) noexcept
    cdef void unmask(self, Field *field) noexcept
    cdef bint _equal(self, Field *field, const char *name) noexcept
    cpdef bytes get(self, bytes name)
    cpdef hide(self, bytes name)
    cpdef hide_all(self, Names names)
    cpdef bint says(self, bytes name, bytes value) except -1
    cdef int copy_fields(self, Stream out, const uint8_t *passes) except -1
    cdef int put_known(self, Stream out, int known, const char *name, Py_ssize_t n) except -1
    cdef int drop_named(self, const char *name, Py_ssize_t n) except -1
