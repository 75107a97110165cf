from libc.stdint cimport uint8_t

cdef Py_ssize_t huffman_decode(const uint8_t *p, Py_ssize_t n, char *out) noexcept nogil
