# cython: language_level=3
"""Output that several greenlets write, and the first that can sends.

Rules of this file:
- It grows with its content: the writer must check how much is waiting already.
- An empty one owns no memory; freed blocks are kept for the next one.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memmove

cdef enum:
    BLOCK = 32768
    SPARE_BLOCKS = 32

cdef char *spare[SPARE_BLOCKS]
cdef int spares = 0


cdef class Outbox:
    """Bytes that have been written and not sent yet."""

    def __dealloc__(self):
        self.release()

    def __len__(self):
        return self.end - self.start

    cdef void release(self) noexcept:
        """Drop all."""
        global spares
        if self.data != NULL:
            if self.size == BLOCK and spares < SPARE_BLOCKS:
                spare[spares] = self.data
                spares += 1
            else:
                free(self.data)
            self.data = NULL
        self.start = self.end = self.size = 0

    cdef char *room(self, Py_ssize_t n) except NULL:
        """A pointer to room for N more bytes; the caller adds the bytes that it wrote to `end`."""
        global spares
        cdef char *larger
        cdef Py_ssize_t size, live = self.end - self.start
        if self.size - self.end >= n:
            return self.data + self.end
        if self.data == NULL and n <= BLOCK:
            if spares:
                spares -= 1
                self.data = spare[spares]
            else:
                self.data = <char *>malloc(BLOCK)
                if self.data == NULL:
                    raise MemoryError
            self.size = BLOCK
            return self.data
        if 2 * (live + n) > self.size:
            size = 2 * (live + n)
            larger = <char *>malloc(size)
            if larger == NULL:
                raise MemoryError
            memcpy(larger, self.data + self.start, live)
            self.release()
            self.data = larger
            self.size = size
        else:
            memmove(self.data, self.data + self.start, live)
        self.start = 0
        self.end = live
        return self.data + live

    cdef int put(self, const char *p, Py_ssize_t n) except -1:
        memcpy(self.room(n), p, n)
        self.end += n
        return 0

    def write(self, bytes data not None):
        """Put DATA in."""
        self.put(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))

    def take(self):
        """All bytes; it is empty afterwards."""
        data = PyBytes_FromStringAndSize(self.data + self.start, self.end - self.start)
        self.release()
        return data
