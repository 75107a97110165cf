from libc.stdint cimport int64_t, uint16_t, uint64_t

cpdef uint64_t key(uint64_t limit, str client, uint64_t secret) except? 0

cdef class Places:
    cdef Py_buffer view
    cdef bint held
    cdef uint64_t *base
    cdef uint64_t sets

    cdef int attach(self, buffer, Py_ssize_t first, uint64_t sets, Py_ssize_t size) except -1
    cdef uint64_t number(self, uint64_t tag) noexcept nogil

cdef class Rates(Places):
    cpdef bint allows(self, uint64_t tag, uint64_t rate, uint64_t burst) except -1
    cpdef int64_t take(self, uint64_t tag, uint64_t rate, uint64_t burst, uint64_t now) except? -2
    cdef uint64_t *find(self, uint64_t tag, uint64_t now) noexcept nogil

cdef class Counts(Places):
    cdef int slot

    cpdef int64_t enter(self, uint64_t tag, uint64_t limit) except? -3
    cpdef leave(self, int64_t place)
    cdef uint16_t *share(self, uint64_t *place) noexcept nogil
    cdef uint64_t total(self, uint64_t *place) noexcept nogil
    cdef uint64_t *find(self, uint64_t tag, bint *room) noexcept nogil
    cdef bint give_up(self, uint64_t *place, uint64_t tag) noexcept nogil
    cdef bint is_only(self, uint64_t *place, uint64_t tag) noexcept nogil
