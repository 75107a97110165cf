# cython: language_level=3
"""Lines of the Prometheus text format for many series of one shape.

The client library takes 15 microseconds a line, and a histogram of 5,000 routes is 70,000 lines. This leaf writes the
same lines (a test compares them) from the rows as they stand, without the interpreter and without its lock.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy

from edge.table._counters cimport Totals
from edge.table._counters import VALUES

cdef Py_ssize_t WORDS = VALUES

cdef struct Piece:
    const char *text
    Py_ssize_t size

cdef struct Out:
    char *text
    Py_ssize_t used
    Py_ssize_t room


cdef inline int need(Out *out, Py_ssize_t more) noexcept nogil:
    """Make room for MORE bytes; -1 when there is no memory."""
    cdef char *text
    if out.room - out.used >= more:
        return 0
    text = <char *>realloc(out.text, 2 * out.room + more)
    if text == NULL:
        return -1
    out.text = text
    out.room = 2 * out.room + more
    return 0


cdef inline void put(Out *out, const char *text, Py_ssize_t size) noexcept nogil:
    memcpy(out.text + out.used, text, size)
    out.used += size


cdef inline void put_number(Out *out, uint64_t number, int digits) noexcept nogil:
    """NUMBER in decimal, with zeroes before it up to DIGITS digits."""
    cdef char[20] text
    cdef int at = 20
    while number or digits > 0:
        at -= 1
        text[at] = 48 + number % 10
        number //= 10
        digits -= 1
    put(out, text + at, 20 - at)


cdef inline void put_value(Out *out, uint64_t number, bint nanoseconds) noexcept nogil:
    if nanoseconds:
        put_number(out, number // 1000000000, 1)
        put(out, ".", 1)
        put_number(out, number % 1000000000, 9)
    else:
        put_number(out, number, 1)
        put(out, ".0", 2)
    put(out, "\n", 1)


cdef class Pieces:
    """The bytes of a list, to be read without the interpreter; the list is kept alive."""

    cdef Piece *pieces
    cdef Py_ssize_t count
    cdef object kept

    def __cinit__(self, items):
        cdef Py_ssize_t number = 0
        self.kept = tuple(items)
        self.pieces = <Piece *>malloc(sizeof(Piece) * (len(self.kept) + 1))
        if self.pieces == NULL:
            raise MemoryError
        for item in self.kept:
            if not isinstance(item, bytes):
                raise TypeError("bytes wanted")
            self.pieces[number].text = PyBytes_AS_STRING(item)
            self.pieces[number].size = PyBytes_GET_SIZE(item)
            number += 1
        self.count = number

    def __dealloc__(self):
        free(self.pieces)


cdef int write_counter(Out *out, Piece *name, Piece *labels, uint64_t value) noexcept nogil:
    if need(out, name.size + labels.size + 32):
        return -1
    put(out, name.text, name.size)
    put(out, "{", 1)
    put(out, labels.text, labels.size)
    put(out, "} ", 2)
    put_value(out, value, False)
    return 0


cdef int write_histogram(Out *out, Piece *name, Piece *labels, Piece *bounds, Py_ssize_t buckets, uint64_t *words,
                         bint nanoseconds) noexcept nogil:
    """The lines of one histogram whose BUCKETS counts, the last unbounded, and sum begin at WORDS; none when it is empty."""
    cdef uint64_t count = 0
    cdef Py_ssize_t number
    for number in range(buckets):
        count += words[number]
    if not count:
        return 0
    if need(out, (buckets + 2) * (name.size + labels.size + 64)):
        return -1
    count = 0
    for number in range(buckets):
        count += words[number]
        put(out, name.text, name.size)
        put(out, "_bucket{", 8)
        put(out, labels.text, labels.size)
        put(out, ",le=\"", 5)
        put(out, bounds[number].text, bounds[number].size)
        put(out, "\"} ", 3)
        put_value(out, count, False)
    put(out, name.text, name.size)
    put(out, "_count{", 7)
    put(out, labels.text, labels.size)
    put(out, "} ", 2)
    put_value(out, count, False)
    put(out, name.text, name.size)
    put(out, "_sum{", 5)
    put(out, labels.text, labels.size)
    put(out, "} ", 2)
    put_value(out, words[buckets], nanoseconds)
    return 0


def counters(bytes name, Totals totals, list rows, list labels):
    """A line for each of ROWS, whose labels, as they stand between braces, are in LABELS: its number of requests."""
    cdef Pieces texts = Pieces(labels)
    cdef Piece head
    cdef Out out
    cdef Py_ssize_t number
    cdef int failed = 0
    check(totals, rows, texts, 0, 0)
    head.text, head.size = PyBytes_AS_STRING(name), PyBytes_GET_SIZE(name)
    begin(&out)
    for number in range(texts.count):
        failed = write_counter(&out, &head, &texts.pieces[number], totals.requests(rows[number]))
        if failed:
            break
    return end(&out, failed)


def histograms(bytes name, Totals totals, list rows, list labels, Py_ssize_t first, list bounds, bint nanoseconds):
    """The lines of the histogram whose words begin at FIRST of a row, for each of ROWS that has counted anything in it.

    BOUNDS are the values of `le`, the last one `+Inf`; a word for each, then the sum, in NANOSECONDS or as it is.
    """
    cdef Pieces texts = Pieces(labels)
    cdef Pieces edges = Pieces(bounds)
    cdef Piece head
    cdef Out out
    cdef Py_ssize_t number, at
    cdef Py_ssize_t *numbers
    cdef int failed = 0
    check(totals, rows, texts, first, edges.count)
    head.text, head.size = PyBytes_AS_STRING(name), PyBytes_GET_SIZE(name)
    numbers = <Py_ssize_t *>malloc(sizeof(Py_ssize_t) * (texts.count + 1))
    if numbers == NULL:
        raise MemoryError
    for number in range(texts.count):
        numbers[number] = rows[number]
    begin(&out)
    with nogil:
        for number in range(texts.count):
            failed = write_histogram(&out, &head, &texts.pieces[number], edges.pieces, edges.count,
                                     totals.rows + WORDS * numbers[number] + first, nanoseconds)
            if failed:
                break
    free(numbers)
    return end(&out, failed)


cdef int check(Totals totals, list rows, Pieces texts, Py_ssize_t first, Py_ssize_t buckets) except -1:
    if len(rows) != texts.count:
        raise ValueError("as many labels as rows are wanted")
    if first < 0 or first + buckets + 1 > WORDS:
        raise IndexError("no such words")
    for row in rows:
        if not 0 <= row < totals.used:
            raise IndexError("no such row")
    return 0


cdef void begin(Out *out) noexcept nogil:
    out.text = NULL
    out.used = out.room = 0


cdef object end(Out *out, int failed):
    try:
        if failed:
            raise MemoryError
        return PyBytes_FromStringAndSize(out.text, out.used) if out.used else b""
    finally:
        free(out.text)
