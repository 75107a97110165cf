# cython: language_level=3
"""Field lines of heads and trailer sections: strict parsing, and forwarding (RFC 9110, 5; RFC 9112, 5).

Rules of this file:
- The lines stay text, copied once; each has an entry with the positions of its name and its value.
- Ambiguous lines are refused: whitespace before the colon, continued lines, control characters, a bare CR.
- Lines that are passed on never become Python objects; runs of them are copied in one piece.
- Peers send the same names in the same order again and again, so each name is first compared with that in its place in the
  section before: where all its bytes are the same, so is all that is known of it.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memchr, memcmp, memcpy, memset

from edge.data.net._buffer cimport EDGE_BLOCK
from edge.data.http._names cimport (
    CDN, CLAIM, LONGEST_KNOWN, MESSAGE, NAME, ODD, classes, look_up, lower, same_name,
)
from edge.data.http._sixteen cimport edge_controls, edge_first, edge_lowest, edge_word
from edge.data.net._stream cimport Stream, append

from edge.data.net.errors import malformed


cdef inline uint64_t no_letters(const char *p) noexcept nogil:
    """The highest bits of those of the 8 bytes at P that are neither a letter nor a dash: most names have no others."""
    cdef uint64_t word = edge_word(p)
    # No sum is above 255, so no byte touches the next one.
    cdef uint64_t small = (word | <uint64_t>0x2020202020202020) & <uint64_t>0x7F7F7F7F7F7F7F7F
    cdef uint64_t letter = (small + <uint64_t>0x1F1F1F1F1F1F1F1F) & ~(small + <uint64_t>0x0505050505050505)
    cdef uint64_t other = ((word ^ <uint64_t>0x2D2D2D2D2D2D2D2D) & <uint64_t>0x7F7F7F7F7F7F7F7F) + <uint64_t>0x7F7F7F7F7F7F7F7F
    return (~letter & other | word) & <uint64_t>0x8080808080808080


cdef inline Py_ssize_t value_end(const char *p, Py_ssize_t i) noexcept nogil:
    """The position of the first byte from P + I on that is not allowed in a value; a CR at the latest."""
    cdef unsigned int found
    while True:
        found = edge_controls(p + i)
        if not found:
            i += 16
            continue
        i += edge_lowest(found)
        if p[i] != 9:
            return i
        i += 1


cdef enum:
    COMPARED = 16  # bytes of a name: two words


cdef inline uint64_t first_of(const char *p, Py_ssize_t n) noexcept nogil:
    """The first 8 of the N bytes at P, or all of them."""
    cdef uint64_t word = edge_word(p)
    return word if n >= 8 else word & (<uint64_t>1 << 8 * n) - 1


cdef inline bint has_again(const char *p, const Field *field) noexcept nogil:
    """Whether the name at P is the one that FIELD had. P is within a section: what is looked at is behind a byte that does
    not end it."""
    cdef Py_ssize_t n = field.name_length
    return (
        field.first != 0
        and first_of(p, n) == field.first
        and (n <= 8 or edge_word(p + n - 8) == field.last)
        and p[n] == 58
    )


cpdef bytes joined(bytes a, bytes b):
    """A and B merged; just one of them if the other is empty."""
    cdef Py_ssize_t n = PyBytes_GET_SIZE(a), m = PyBytes_GET_SIZE(b)
    cdef bytes both
    if n == 0:
        return b
    if m == 0:
        return a
    both = PyBytes_FromStringAndSize(NULL, n + m)
    memcpy(PyBytes_AS_STRING(both), PyBytes_AS_STRING(a), n)
    memcpy(PyBytes_AS_STRING(both) + n, PyBytes_AS_STRING(b), m)
    return both


cdef class Limits:
    """How large a head may be."""

    def __init__(self, *, Py_ssize_t line=8192, Py_ssize_t head=32768, int fields=128, bint underscores=False, double timeout=60.0,
                 int refusal=431):
        """LINE and HEAD in bytes, FIELDS their number, TIMEOUT in seconds for a head to arrive once it has begun.

        REFUSAL: the status for a request whose head is too large.
        """
        if not 0 < head <= EDGE_BLOCK - 4096:
            raise ValueError(f"a head must be allowed between 1 and {EDGE_BLOCK - 4096} bytes, not {head}")
        if line <= 0 or fields <= 0 or not timeout > 0:
            raise ValueError("limits of a head must be above 0")
        self.line = min(line, head - 4)
        self.head = head
        self.fields = fields
        self.underscores = underscores
        self.timeout = timeout
        self.refusal = refusal


cdef class Names:
    """Names of fields (lower case) that are looked for together."""

    def __init__(self, names):
        self.names = tuple(names)
        for name in self.names:
            self.lengths |= <uint64_t>1 << min(len(name), 63)


cdef int hide_if(Field *field, const char *text, tuple names) except -1:
    """Do not pass FIELD, of TEXT, on if it is one of NAMES."""
    cdef bytes name
    for name in names:
        if field.name_length == PyBytes_GET_SIZE(name) and same_name(
            text + field.name, PyBytes_AS_STRING(name), field.name_length
        ):
            field.drop = True
    return 0


cdef class FieldLines:
    """The fields of one section, with the text that they stand in."""

    def __dealloc__(self):
        free(self.text)
        free(self.fields)

    cdef int store(self, const char *p, Py_ssize_t n) except -1:
        cdef char *grown
        # The text has room at its end to read 16 bytes at a time.
        if n + 16 > self.text_size or self.text_size > 4 * n + 4096:
            grown = <char *>realloc(self.text, n + 256)
            if grown == NULL:
                raise MemoryError
            self.text = grown
            self.text_size = n + 256
        memcpy(self.text, p, n)
        self.text_length = n
        return 0

    cdef int parse_fields(self, Py_ssize_t at, Limits limits, int fault) except -1:
        """Parse the field lines from AT on; every line is known to end in CR LF."""
        cdef const char *p = self.text
        cdef Py_ssize_t i = at, stop
        cdef Field *field
        while p[i] != 13:
            if self.field_count == limits.fields:
                raise malformed(limits.refusal if fault == 400 else fault, "too many header fields")
            field = self.fields + self.field_count if self.field_count < self.field_size else self._another()
            field.name = i
            field.drop = False
            if has_again(p + i, field):
                i += field.name_length + 1
            else:
                i = self._new_name(field, limits, fault)
            while p[i] == 32 or p[i] == 9:
                i += 1
            field.value = i
            i = value_end(p, i)
            if p[i] != 13 or p[i + 1] != 10:
                raise malformed(fault, "malformed field value")
            stop = i
            while stop > <Py_ssize_t>field.value and (p[stop - 1] == 32 or p[stop - 1] == 9):
                stop -= 1
            field.value_length = stop - field.value
            i += 2
            field.line_end = i
            self.field_count += 1
        if p[i + 1] != 10:
            raise malformed(fault, "a line ends with a bare CR")
        return 0

    cdef Py_ssize_t _new_name(self, Field *field, Limits limits, int fault) except -1:
        """Parse the name of FIELD, and note what is known of it; where what is behind its colon begins."""
        cdef const char *p = self.text
        cdef Py_ssize_t i = field.name, n
        cdef uint64_t found
        cdef uint8_t c, kinds = 0
        while True:
            found = no_letters(p + i)
            if not found:
                i += 8
                continue
            i += edge_first(found)
            c = p[i]
            if not classes[c] & NAME:
                break
            kinds |= classes[c]
            i += 1
        n = i - field.name
        if c != 58 or n == 0 or n > 65535:
            raise malformed(fault, "malformed field name")
        field.name_length = n
        field.first = field.last = 0
        field.known = look_up(p + field.name, n)
        if kinds & ODD:
            field.drop = not limits.underscores and memchr(p + field.name, 95, n) != NULL
            if not field.drop:
                self.unmask(field)
        elif n <= COMPARED:
            field.first = first_of(p + field.name, n)
            field.last = edge_word(p + i - 8) if n > 8 else 0
        return i + 1

    cdef Field *_another(self) except NULL:
        """Where the next field goes."""
        cdef Field *grown
        cdef int size
        if self.field_count == self.field_size:
            size = 2 * self.field_size if self.field_size else 16
            grown = <Field *>realloc(self.fields, size * sizeof(Field))
            if grown == NULL:
                raise MemoryError
            memset(grown + self.field_size, 0, (size - self.field_size) * sizeof(Field))
            self.fields = grown
            self.field_size = size
        return self.fields + self.field_count

    cdef int _grow(self, Py_ssize_t n) except -1:
        """Make room for N more bytes of text."""
        cdef char *grown
        # The text has room at its end to read 16 bytes at a time.
        if self.text_length + n + 16 > self.text_size:
            grown = <char *>realloc(self.text, 2 * (self.text_length + n) + 256)
            if grown == NULL:
                raise MemoryError
            self.text = grown
            self.text_size = 2 * (self.text_length + n) + 256
        return 0

    cdef bint append(self, const char *name, Py_ssize_t n, const char *value, Py_ssize_t m, Note *note, bint underscores) except -1:
        """Add the field NAME, of N bytes, with VALUE, of M, as a line of its own; False: it is malformed, or its name is
        not in lower case (RFC 9113, 8.2.1).

        NOTE is read, and filled, where the same field may come again; else NULL.
        """
        cdef Field *field
        cdef char *p
        cdef Py_ssize_t i
        cdef uint8_t c, kinds = 0
        cdef bint underscore = False
        if n == 0 or n > 65535:
            return False
        self._grow(n + m + 4)
        field = self._another()
        p = self.text + self.text_length
        memcpy(p, name, n)
        p[n] = 58
        p[n + 1] = 32
        memcpy(p + n + 2, value, m)
        p[n + m + 2] = 13
        p[n + m + 3] = 10
        field.name = self.text_length
        field.name_length = n
        field.first = 0
        field.value = field.name + n + 2
        field.value_length = m
        field.line_end = field.value + m + 2
        if note != NULL and note.checked:
            field.known = note.known
            field.drop = note.drop
        else:
            for i in range(n):
                c = p[i]
                if not classes[c] & NAME or lower[c] != c:
                    return False
                kinds |= classes[c]
                underscore |= c == 95
            if not self._is_value(field.value, m):
                return False
            field.known = look_up(p, n)
            field.drop = underscore and not underscores
            if kinds & ODD and not field.drop:
                self.unmask(field)
            if note != NULL:
                note.checked = True
                note.known = field.known
                note.drop = field.drop
        self.text_length = field.line_end
        self.field_count += 1
        return True

    cdef bint _is_value(self, Py_ssize_t at, Py_ssize_t n) noexcept:
        """Whether the N bytes of text at AT, with CR behind them, are a value without blanks around it."""
        cdef const char *p = self.text
        if n and (p[at] == 32 or p[at] == 9 or p[at + n - 1] == 32 or p[at + n - 1] == 9):
            return False
        return value_end(p, at) == at + n

    cdef void unmask(self, Field *field) noexcept:
        """Treat a name with special characters as CGI-like servers do, which replace each by "_". If such servers would
        take it for a field that Edge reads or writes, it is dropped; Edge itself never reads it as that field.
        """
        cdef char name[LONGEST_KNOWN + 1]
        cdef Py_ssize_t i, n = min(field.name_length, LONGEST_KNOWN + 1)
        cdef uint8_t c, known
        for i in range(n):
            c = self.text[field.name + i]
            name[i] = 45 if classes[c] & ODD else c
        known = look_up(name, n)
        if known == CLAIM or known == CDN:
            field.known = known
        elif known > MESSAGE:
            field.drop = True

    cdef int drop_named(self, const char *name, Py_ssize_t n) except -1:
        """Do not pass on the fields NAME, except those that Edge needs or writes."""
        cdef int i
        cdef Field *field
        for i in range(self.field_count):
            field = self.fields + i
            if (field.known <= MESSAGE or field.known >= CLAIM) and field.name_length == n and self._equal(field, name):
                field.drop = True
        return 0

    cdef bint _equal(self, Field *field, const char *name) noexcept:
        cdef Py_ssize_t i
        for i in range(field.name_length):
            if lower[<uint8_t>self.text[field.name + i]] != lower[<uint8_t>name[i]]:
                return False
        return True

    cpdef bytes get(self, bytes name):
        """Value of the field NAME (lower case), several joined by a comma; None when there is none."""
        cdef int i
        cdef Field *field
        cdef Py_ssize_t n = PyBytes_GET_SIZE(name)
        cdef bytes found, value = None
        for i in range(self.field_count):
            field = self.fields + i
            if field.name_length == n and same_name(self.text + field.name, PyBytes_AS_STRING(name), n):
                found = PyBytes_FromStringAndSize(self.text + field.value, field.value_length)
                value = found if value is None else value + b", " + found
        return value

    def passed_on(self, bytes name):
        """Values of the fields NAME (lower case), but of those that are not passed on."""
        cdef int i
        cdef Field *field
        cdef Py_ssize_t n = PyBytes_GET_SIZE(name)
        cdef list found = []
        for i in range(self.field_count):
            field = self.fields + i
            if not field.drop and field.name_length == n and same_name(
                self.text + field.name, PyBytes_AS_STRING(name), n
            ):
                found.append(PyBytes_FromStringAndSize(self.text + field.value, field.value_length))
        return found

    cpdef hide(self, bytes name):
        """Do not pass the fields NAME (lower case) on."""
        cdef int i
        cdef Field *field
        cdef Py_ssize_t n = PyBytes_GET_SIZE(name)
        for i in range(self.field_count):
            field = self.fields + i
            if field.name_length == n and same_name(self.text + field.name, PyBytes_AS_STRING(name), n):
                field.drop = True

    cpdef hide_all(self, Names names):
        """Do not pass the fields NAMES on."""
        cdef Field *field = self.fields
        cdef const Field *end = field + self.field_count
        cdef uint64_t lengths = names.lengths
        while field < end:
            if lengths >> min(field.name_length, 63) & 1:
                hide_if(field, self.text, names.names)
            field += 1

    cpdef bint says(self, bytes name, bytes value) except -1:
        """Whether there is one field NAME (lower case), and it has this VALUE."""
        cdef int i, found = 0
        cdef Field *field
        cdef Py_ssize_t n = PyBytes_GET_SIZE(name)
        for i in range(self.field_count):
            field = self.fields + i
            if field.name_length == n and same_name(self.text + field.name, PyBytes_AS_STRING(name), n):
                if field.value_length != PyBytes_GET_SIZE(value) or memcmp(
                    self.text + field.value, PyBytes_AS_STRING(value), field.value_length
                ):
                    return False
                found += 1
        return found == 1

    def items(self):
        """All fields as (name, value), dropped ones included."""
        return [
            (
                PyBytes_FromStringAndSize(self.text + self.fields[i].name, self.fields[i].name_length),
                PyBytes_FromStringAndSize(self.text + self.fields[i].value, self.fields[i].value_length),
            )
            for i in range(self.field_count)
        ]

    cdef int copy_fields(self, Stream out, const uint8_t *passes) except -1:
        """Put the field lines whose known name PASSES, runs of them in one piece."""
        cdef int i
        cdef Field *field
        cdef Py_ssize_t begin = -1, end = 0
        for i in range(self.field_count):
            field = self.fields + i
            if field.drop or not passes[field.known]:
                if begin >= 0:
                    append(out, self.text + begin, end - begin)
                    begin = -1
                continue
            if begin < 0:
                begin = field.name
            end = field.line_end
        if begin >= 0:
            append(out, self.text + begin, end - begin)
        return 0

    cdef int put_known(self, Stream out, int known, const char *name, Py_ssize_t n) except -1:
        """Put all values of a KNOWN field, joined, under another NAME (with its colon and space)."""
        cdef int i
        cdef bint first = True
        for i in range(self.field_count):
            if self.fields[i].known == known and not self.fields[i].drop:
                if first:
                    append(out, name, n)
                else:
                    append(out, b", ", 2)
                append(out, self.text + self.fields[i].value, self.fields[i].value_length)
                first = False
        if not first:
            append(out, b"\r\n", 2)
        return 0
