# cython: language_level=3
"""Ids for requests that have none: 32 hexadecimal digits, unique rather than secret."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport uint16_t, uint64_t
from libc.string cimport memcpy

import os

cdef uint64_t random_state[2]


def seed_request_ids():
    """Start a new sequence of request ids; each process must do so after fork."""
    cdef bytes seed = os.urandom(16)
    memcpy(random_state, PyBytes_AS_STRING(seed), 16)
    random_state[0] |= 1


seed_request_ids()

cdef uint16_t pairs[256]
"""The two digits of each byte."""


cdef fill_pairs():
    cdef bytes digits
    for byte in range(256):
        digits = b"%02x" % byte
        memcpy(&pairs[<int>byte], PyBytes_AS_STRING(digits), 2)


fill_pairs()


cdef uint64_t next_random() noexcept:
    # xorshift128+: unique rather than secret, as a request id has to be
    cdef uint64_t a = random_state[0], b = random_state[1]
    random_state[0] = b
    a ^= a << 23
    random_state[1] = a ^ b ^ (a >> 17) ^ (b >> 26)
    return random_state[1] + b


cdef bytes fresh_request_id():
    cdef bytes fresh = PyBytes_FromStringAndSize(NULL, 32)
    cdef char *p = PyBytes_AS_STRING(fresh)
    cdef uint64_t word
    cdef int i, half
    for half in range(2):
        word = next_random()
        for i in range(8):
            memcpy(p + half * 16 + i * 2, &pairs[word & 255], 2)
            word >>= 8
    return fresh
