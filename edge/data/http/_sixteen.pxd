# 8 and 16 bytes of a head at a time, for its parsers. Where there are bits for bytes, the first byte has the lowest one.

from libc.stdint cimport uint64_t

cdef extern from *:
    """
    /* 8 bytes at P as a number, of which the first is the lowest, whatever the processor's order. */
    static inline uint64_t edge_word(const char *p) {
        uint64_t word;
        memcpy(&word, p, 8);
    #if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap64(word);
    #endif
        return word;
    }

    #ifdef __SSE2__
    #include <emmintrin.h>

    static inline __m128i edge_equal(const char *p, char c) {
        return _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)p), _mm_set1_epi8(c));
    }
    static inline unsigned edge_line_ends(const char *p) {
        return _mm_movemask_epi8(_mm_and_si128(edge_equal(p, 10), edge_equal(p + 1, 13)));
    }
    static inline unsigned edge_controls(const char *p) {
        __m128i most = _mm_set1_epi8(31), larger = _mm_max_epu8(_mm_loadu_si128((const __m128i *)p), most);
        return _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(larger, most), edge_equal(p, 127)));
    }
    #else
    #define EDGE_EACH 0x0101010101010101u

    /* A bit for each byte of WORD that is 0. */
    static inline unsigned edge_zeros(uint64_t word) {
        word = ~(((word & 0x7F * EDGE_EACH) + 0x7F * EDGE_EACH) | word) & 0x80 * EDGE_EACH;
        return (word >> 7) * 0x0102040810204080u >> 56;
    }
    static inline unsigned edge_eight_line_ends(const char *p) {
        return edge_zeros((edge_word(p) ^ 10 * EDGE_EACH) | (edge_word(p + 1) ^ 13 * EDGE_EACH));
    }
    static inline unsigned edge_line_ends(const char *p) {
        return edge_eight_line_ends(p) | edge_eight_line_ends(p + 8) << 8;
    }
    static inline unsigned edge_eight_controls(const char *p) {
        uint64_t word = edge_word(p);
        return edge_zeros(word & 0xE0 * EDGE_EACH) | edge_zeros(word ^ 0x7F * EDGE_EACH);
    }
    static inline unsigned edge_controls(const char *p) {
        return edge_eight_controls(p) | edge_eight_controls(p + 8) << 8;
    }
    #endif

    /* The place of the lowest bit that is set; one must be. */
    #define edge_lowest(bits) __builtin_ctz(bits)
    /* Which is the first of 8 bytes whose highest bit is set in FOUND, which is not 0. */
    #define edge_first(found) (__builtin_ctzll(found) >> 3)
    """
    uint64_t edge_word(const char *p) nogil
    int edge_first(uint64_t found) nogil
    # A bit for each of 16 bytes: those that are LF with CR behind them (17 are read), and control characters.
    unsigned int edge_line_ends(const char *p) nogil
    unsigned int edge_controls(const char *p) nogil
    int edge_lowest(unsigned int bits) nogil
