# cython: language_level=3
"""Finds the range of an address: one binary search, without an allocation.

Rules of this file:
- An IPv4-mapped address (`::ffff:10.0.0.1`) is the IPv4 address.
- A zone (`fe80::1%eth0`) is ignored: it is not part of the address.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_AsUTF8AndSize, PyUnicode_DATA, PyUnicode_GET_LENGTH
from libc.stdint cimport int32_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memchr, memcpy

cdef extern from "<arpa/inet.h>" nogil:
    const int AF_INET
    const int AF_INET6
    int inet_pton(int family, const char *text, void *address)

cdef extern from "Python.h":
    bint PyUnicode_IS_COMPACT_ASCII(object text)
    void *PyList_GET_ITEM(list items, Py_ssize_t place)

cdef enum:
    TEXT = 64    # an address in text is shorter
    SEEN = 256   # texts of addresses that are remembered

cdef list seen_texts = [object()] * SEEN  # which no one asks for, unlike None
cdef uint32_t seen_numbers[SEEN]
"""Of IPv4 addresses that were asked for last, by the place of their text in memory: a connection asks with the same text
at each request."""

cdef struct Address:
    int version  # 4, 6, or 0: none
    uint64_t high
    uint64_t low

cdef uint64_t MAPPED = 0xFFFF


cdef inline uint64_t big_endian(const unsigned char *data, int size) noexcept nogil:
    cdef uint64_t value = 0
    cdef int index
    for index in range(size):
        value = value << 8 | data[index]
    return value


cdef Address from_packed(const unsigned char *data, Py_ssize_t size) noexcept nogil:
    cdef Address address
    address.version = 0
    address.high = address.low = 0
    if size == 4:
        address.version = 4
        address.low = big_endian(data, 4)
    elif size == 16:
        address.version = 6
        address.high = big_endian(data, 8)
        address.low = big_endian(data + 8, 8)
        if address.high == 0 and address.low >> 32 == MAPPED:
            address.version = 4
            address.low = <uint32_t>address.low
    return address


cdef bint is_dotted(const char *text, Py_ssize_t size, uint64_t *number) noexcept nogil:
    """Whether TEXT is an IPv4 address in its canonical form, which is read into NUMBER; most are, so inet_pton(3) is
    not needed."""
    cdef Py_ssize_t i
    cdef int parts = 1, digits = 0
    cdef uint64_t value = 0
    cdef unsigned int part = 0, digit
    for i in range(size):
        digit = <unsigned int><unsigned char>text[i] - 48
        if digit <= 9:
            if digits and part == 0:
                return False
            part = part * 10 + digit
            digits += 1
            if part > 255:
                return False
        elif text[i] == 46 and digits:
            value = value << 8 | part
            part = digits = 0
            parts += 1
        else:
            return False
    number[0] = value << 8 | part
    return parts == 4 and digits


cdef Address from_text(const char *text, Py_ssize_t size) noexcept nogil:
    cdef char[TEXT] copy
    cdef unsigned char[16] packed
    cdef const char *zone
    cdef Address address
    if is_dotted(text, size, &address.low):
        address.version = 4
        address.high = 0
        return address
    zone = <const char *>memchr(text, 37, size)  # %
    if zone != NULL:
        size = zone - text
    if size < TEXT and memchr(text, 0, size) == NULL:
        memcpy(copy, text, size)
        copy[size] = 0
        if memchr(copy, 58, size) != NULL:  # :
            if inet_pton(AF_INET6, copy, packed) == 1:
                return from_packed(packed, 16)
        elif inet_pton(AF_INET, copy, packed) == 1 and zone == NULL:
            return from_packed(packed, 4)
    return from_packed(packed, 0)


cdef Address read(object address) except *:
    cdef Py_ssize_t size
    cdef const char *text
    if isinstance(address, str):
        text = PyUnicode_AsUTF8AndSize(address, &size)
        return from_text(text, size)
    if isinstance(address, bytes):
        return from_packed(<unsigned char *>PyBytes_AS_STRING(address), PyBytes_GET_SIZE(address))
    raise TypeError("an address is text or packed bytes")


cdef class Ranges:
    """Ranges of IPv4 addresses and of IPv6 addresses.

    FOUR and SIX are [(first address, number)] in ascending order: each range ends where the next begins.
    """

    def __init__(self, list four, list six):
        cdef Py_ssize_t index
        if self.starts4 != NULL:
            raise TypeError("made already")
        self.starts4 = <uint32_t *>malloc(4 * len(four) + 1)
        self.numbers4 = <int32_t *>malloc(4 * len(four) + 1)
        self.starts6 = <uint64_t *>malloc(16 * len(six) + 1)
        self.numbers6 = <int32_t *>malloc(4 * len(six) + 1)
        if self.starts4 == NULL or self.numbers4 == NULL or self.starts6 == NULL or self.numbers6 == NULL:
            raise MemoryError
        for index, (first, number) in enumerate(four):
            self.starts4[index] = first
            self.numbers4[index] = number
        for index, (first, number) in enumerate(six):
            self.starts6[2 * index] = first >> 64
            self.starts6[2 * index + 1] = first & 0xFFFFFFFFFFFFFFFF
            self.numbers6[index] = number
        self.count4, self.count6 = len(four), len(six)

    def __dealloc__(self):
        free(self.starts4)
        free(self.numbers4)
        free(self.starts6)
        free(self.numbers6)

    def __contains__(self, address):
        return self.find(address) >= 0

    cpdef int find(self, address) except -2:
        """Number of the range that holds ADDRESS, text or packed; -1: none does, or it is not an address."""
        cdef Address wanted
        cdef Py_ssize_t low = 0, high, middle
        cdef uint64_t start
        cdef Py_ssize_t place = <Py_ssize_t>(<size_t><void *>address >> 5) % SEEN
        if <void *>address == <void *>PyList_GET_ITEM(seen_texts, place):
            return self.find4(seen_numbers[place])
        if isinstance(address, str) and PyUnicode_IS_COMPACT_ASCII(address) and is_dotted(
            <const char *>PyUnicode_DATA(address), PyUnicode_GET_LENGTH(address), &start
        ):  # as most are
            seen_texts[place] = address
            seen_numbers[place] = <uint32_t>start
            return self.find4(<uint32_t>start)
        wanted = read(address)
        if wanted.version == 4:
            return self.find4(<uint32_t>wanted.low)
        if wanted.version == 6:
            high = self.count6
            while low < high:
                middle = (low + high) >> 1
                start = self.starts6[2 * middle]
                if start < wanted.high or (start == wanted.high and self.starts6[2 * middle + 1] <= wanted.low):
                    low = middle + 1
                else:
                    high = middle
            return self.numbers6[low - 1] if low else -1
        return -1

    cdef int find4(self, uint32_t address) noexcept nogil:
        """As `find`, for an address of IPv4."""
        cdef const uint32_t *at = self.starts4
        cdef Py_ssize_t left = self.count4, half
        while left > 1:  # no branch goes by the address: it could not be foreseen
            half = left >> 1
            at += half if at[half] <= address else 0
            left -= half
        return self.numbers4[at - self.starts4] if left and at[0] <= address else -1
