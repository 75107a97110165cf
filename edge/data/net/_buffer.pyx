# cython: language_level=3
"""Bytes that have been read and not yet consumed, in one block of bounded size.

Rules of this file:
- Memory follows bytes in flight: an empty buffer that is not being filled owns no block.
- Freed blocks are kept for the next reader, the most recently used first: they are still in cache.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memmove

cdef enum:
    SPARE_BLOCKS = 64

cdef char *spare[SPARE_BLOCKS]
cdef int spares = 0


cdef class Buffer:
    """Bytes that have been read and not yet consumed: `data[start:end]`."""

    def __dealloc__(self):
        self.release()

    cdef int reserve(self) except -1:
        """Allocate a block if there is none, and move buffered bytes to its beginning if its end has been reached."""
        global spares
        if self.data == NULL:
            if spares:
                spares -= 1
                self.data = spare[spares]
            else:
                self.data = <char *>malloc(EDGE_BLOCK)
                if self.data == NULL:
                    raise MemoryError
            self.start = self.end = 0
        elif self.start == self.end:
            self.start = self.end = 0
        elif self.end > EDGE_BLOCK - 4096 and self.start > 0:
            memmove(self.data, self.data + self.start, self.end - self.start)
            self.end -= self.start
            self.start = 0
        return 0

    cdef void release(self) noexcept:
        global spares
        if self.data != NULL and not self.lent:
            if spares < SPARE_BLOCKS:
                spare[spares] = self.data
                spares += 1
            else:
                free(self.data)
            self.data = NULL
            self.start = self.end = 0

    def __len__(self):
        return self.end - self.start

    cpdef Py_ssize_t fill(self, bint wait=False) except -1:
        """Append more bytes; returns the number of new ones, 0 at the end. WAIT: nothing can have arrived yet."""
        return 0

    cpdef consume(self, Py_ssize_t n):
        """Drop the first N bytes."""
        if n < 0 or n > self.end - self.start:
            raise ValueError("more than is buffered")
        self.start += n

    def feed(self, data not None):
        """Append DATA as if it had been read; for bytes that do not come from a socket."""
        cdef const unsigned char[::1] view = data
        self.reserve()
        if view.shape[0] > EDGE_BLOCK - self.end and self.start > 0:
            memmove(self.data, self.data + self.start, self.end - self.start)
            self.end -= self.start
            self.start = 0
        if view.shape[0] > EDGE_BLOCK - self.end:
            raise ValueError("buffer is full")
        if view.shape[0]:
            memcpy(self.data + self.end, &view[0], view.shape[0])
        self.end += view.shape[0]

    def peek(self, Py_ssize_t n=-1):
        """The first N bytes (all by default) as a copy, without consuming them."""
        if n < 0 or n > self.end - self.start:
            n = self.end - self.start
        return PyBytes_FromStringAndSize(self.data + self.start, n) if n else b""

    def take(self, Py_ssize_t n):
        """Consume N bytes and return them."""
        data = self.peek(n)
        self.consume(len(data))
        return data
