from libc.time cimport time_t

cdef class Lines:
    cdef char *data
    cdef Py_ssize_t start
    cdef Py_ssize_t end
    cdef Py_ssize_t size
    cdef Py_ssize_t due
    cdef public long long dropped
    cdef time_t second
    cdef char local[32]
    cdef char iso[32]

    cdef char *room(self, Py_ssize_t n) except NULL
    cdef int put(self, const char *p, Py_ssize_t n) except -1
    cdef int put_bytes(self, bytes value) except -1
    cdef int put_str(self, str value) except -1
    cdef int put_escaped(self, const char *p, Py_ssize_t n) except -1
    cdef int put_json(self, const char *p, Py_ssize_t n) except -1
    cdef int put_raw(self, const char *p, Py_ssize_t n) except -1
    cdef int put_value(self, bytes value, int escape) except -1
    cdef int put_quoted(self, bytes value) except -1
    cdef int put_number(self, long long number) except -1
    cdef int put_seconds(self, double seconds, int decimals) except -1
    cdef int put_version(self, int version) except -1
    cdef int put_time(self, bint as_iso) except -1
    cdef bint is_full(self) noexcept
    cdef Py_ssize_t piece(self) noexcept
    cdef forget(self)
