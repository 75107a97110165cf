# cython: language_level=3
"""Decodes the Huffman code of HPACK (RFC 7541, section 5.2 and appendix B).

Rules of this file:
- The code is canonical: its lengths define it. The tables are made of them once.
- Most symbols are found by the next 10 bits; the long ones by their length.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

cdef enum:
    LOOK = 10     # bits
    LONGEST = 30
    END = 256     # the symbol that no string may hold

LENGTHS = (
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28,
    28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6,
    12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15,
    5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20,
    22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22,
    23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24,
    21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26,
    27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
)
"""Bits of each symbol's code."""

cdef uint16_t near[1 << LOOK]      # length << 8 | symbol; 0: the code is longer
cdef uint64_t limits[LONGEST + 1]  # of each length: where longer codes begin, as 32 bits
cdef uint32_t bases[LONGEST + 1]   # of each length: its first code, as 32 bits
cdef uint16_t places[LONGEST + 1]  # of each length: where its symbols begin
cdef uint16_t symbols[257]


cdef Py_ssize_t huffman_decode(const uint8_t *p, Py_ssize_t n, char *out) noexcept nogil:
    """Decode the N bytes at P to OUT, which has room for 8 of every 5; how many bytes it has become, -1: malformed."""
    cdef uint64_t word = 0
    cdef uint32_t code
    cdef uint16_t entry
    cdef int have = 0, length
    cdef Py_ssize_t i = 0, done = 0
    while True:
        while have <= 56 and i < n:
            word |= <uint64_t>p[i] << (56 - have)
            have += 8
            i += 1
        if have == 0:
            return done
        entry = near[word >> (64 - LOOK)]
        length = entry >> 8
        if length == 0:
            code = word >> 32
            length = LOOK + 1
            while code >= limits[length]:
                length += 1
            if length > have:
                break
            entry = symbols[places[length] + ((code - bases[length]) >> (32 - length))]
            if entry == END:
                return -1
        elif length > have:
            break
        out[done] = <char>(entry & 255)
        done += 1
        word <<= length
        have -= length
    # What is left is padding: fewer than 8 bits, all of them 1.
    return done if have < 8 and ~word >> (64 - have) == 0 else -1


def _fill_tables():
    cdef uint32_t first
    cdef int previous = 0, length, at
    cdef uint64_t code = 0
    order = sorted(range(257), key=lambda symbol: (LENGTHS[symbol], symbol))
    for at, symbol in enumerate(order):
        length = LENGTHS[symbol]
        while previous < length:
            limits[previous] = code << (32 - previous)
            previous += 1
            code <<= 1
            bases[previous] = code << (32 - previous)
            places[previous] = at
        symbols[at] = symbol
        if length <= LOOK:
            first = code << (LOOK - length)
            for near_code in range(first, first + (1 << (LOOK - length))):
                near[near_code] = length << 8 | symbol
        code += 1
    limits[LONGEST] = <uint64_t>1 << 32


_fill_tables()
