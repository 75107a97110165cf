# cython: language_level=3
"""Field compression (RFC 7541): decodes blocks with their tables, and has the tables for encoding.

Rules of this file:
- A decoded field is two pointers, valid until the next one is decoded: into the block, into a table, or into the
  one scratch buffer that all decoders share, because nothing waits within a block.
- A table grows with its use. The note of an entry caches the result of checking it.
- Edge encodes without a dynamic table, so a block does not depend on earlier ones.
- Any fault is a connection error, because the tables of the two sides may differ afterwards.
"""

from cpython.bytes cimport PyBytes_AS_STRING
from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcmp, memcpy, memmove

from edge.data.http._fields cimport Note
from edge.data.http.h2._huffman cimport huffman_decode

from edge.data.http.h2.errors import ErrorCode, Http2Error

cdef enum:
    OVERHEAD = 32         # of an entry (section 4.1)
    DEFAULT_SIZE = 4096   # of a dynamic table
    LARGEST = 1 << 24     # larger integers are not valid here
    HASHES = 256

STATIC_TABLE = (
    (b":authority", b""), (b":method", b"GET"), (b":method", b"POST"), (b":path", b"/"), (b":path", b"/index.html"),
    (b":scheme", b"http"), (b":scheme", b"https"), (b":status", b"200"), (b":status", b"204"), (b":status", b"206"),
    (b":status", b"304"), (b":status", b"400"), (b":status", b"404"), (b":status", b"500"), (b"accept-charset", b""),
    (b"accept-encoding", b"gzip, deflate"), (b"accept-language", b""), (b"accept-ranges", b""), (b"accept", b""),
    (b"access-control-allow-origin", b""), (b"age", b""), (b"allow", b""), (b"authorization", b""),
    (b"cache-control", b""), (b"content-disposition", b""), (b"content-encoding", b""), (b"content-language", b""),
    (b"content-length", b""), (b"content-location", b""), (b"content-range", b""), (b"content-type", b""),
    (b"cookie", b""), (b"date", b""), (b"etag", b""), (b"expect", b""), (b"expires", b""), (b"from", b""),
    (b"host", b""), (b"if-match", b""), (b"if-modified-since", b""), (b"if-none-match", b""), (b"if-range", b""),
    (b"if-unmodified-since", b""), (b"last-modified", b""), (b"link", b""), (b"location", b""), (b"max-forwards", b""),
    (b"proxy-authenticate", b""), (b"proxy-authorization", b""), (b"range", b""), (b"referer", b""), (b"refresh", b""),
    (b"retry-after", b""), (b"server", b""), (b"set-cookie", b""), (b"strict-transport-security", b""),
    (b"transfer-encoding", b""), (b"user-agent", b""), (b"vary", b""), (b"via", b""), (b"www-authenticate", b""),
)
"""Appendix A; the first entry has index 1."""

cdef Entry static_entries[STATIC + 1]
cdef const char *static_text
cdef uint8_t static_names[HASHES]   # index of the first entry with a name, by its hash

cdef char *scratch = NULL
cdef Py_ssize_t scratch_size = 0


cdef char *scratch_room(Py_ssize_t used, Py_ssize_t n) except NULL:
    """The scratch buffer with room for N bytes behind the USED ones."""
    global scratch, scratch_size
    cdef char *grown
    if used + n > scratch_size:
        grown = <char *>realloc(scratch, 2 * (used + n))
        if grown == NULL:
            raise MemoryError
        scratch = grown
        scratch_size = 2 * (used + n)
    return scratch


cdef fault(str reason):
    return Http2Error(ErrorCode.COMPRESSION_ERROR, reason)


cdef class Decoder:
    """Reads the blocks of one connection, one after another."""

    def __cinit__(self):
        self.limit = self.most = DEFAULT_SIZE

    def __dealloc__(self):
        free(self.entries)
        free(self.text)

    cdef void begin(self, const uint8_t *p, Py_ssize_t n) noexcept:
        """Begin with the whole block of N bytes at P."""
        self.p = p
        self.end = p + n
        self.begun = False

    cdef bint next(self) except -1:
        """Read the next field of the block; False at its end.

        Raises:
            Http2Error: the block is malformed.
        """
        cdef uint8_t c
        cdef long size
        cdef Py_ssize_t used = 0
        cdef bint in_scratch
        while self.p < self.end:
            c = self.p[0]
            if c & 0x80:
                self.begun = True
                self._entry(self._integer(7))
                return True
            if c & 0xE0 == 0x20:
                size = self._integer(5)
                if self.begun or size > self.most:
                    raise fault("a change of the table's size that is not allowed")
                self.limit = size
                self._evict(size)
                continue
            self.begun = True
            size = self._integer(6 if c & 0x40 else 4)
            if size:
                self._entry(size)
                if size > STATIC and c & 0x40:
                    # Its entry may go, or move, when the new one comes.
                    used = self.name_length
                    memcpy(scratch_room(0, used), self.name, used)
                    self.name = scratch
                self.note = NULL
                self.value_length = self._string(&self.value, used)
                if used:
                    self.name = scratch
            else:
                self.note = NULL
                self.name_length = self._string(&self.name, 0)
                in_scratch = self.name == scratch
                used = self.name_length if in_scratch else 0
                self.value_length = self._string(&self.value, used)
                if in_scratch:
                    self.name = scratch
            if c & 0x40:
                self._add()
            return True
        return False

    cdef int _entry(self, long index) except -1:
        """Use the entry of INDEX as the decoded field."""
        cdef Entry *entry
        cdef const char *text
        if 0 < index <= STATIC:
            entry = static_entries + index
            text = static_text
        elif 0 < index <= STATIC + <long>self.count:
            entry = self.entries + (self.first + self.count - (index - STATIC)) % self.ring
            text = self.text
        else:
            raise fault("an index without an entry")
        self.name = text + entry.at
        self.name_length = entry.name_length
        self.value = self.name + entry.name_length
        self.value_length = entry.value_length
        self.note = &entry.note
        return 0

    cdef long _integer(self, int bits) except -1:
        """The integer that begins with the low BITS of the next byte (section 5.1)."""
        cdef long mask = (1 << bits) - 1
        cdef long value = self.p[0] & mask
        cdef int shift = 0
        cdef uint8_t c
        self.p += 1
        if value < mask:
            return value
        while self.p < self.end and shift < 28:
            c = self.p[0]
            self.p += 1
            value += <long>(c & 127) << shift
            shift += 7
            if c < 128:
                if value > LARGEST:
                    break
                return value
        raise fault("a malformed integer")

    cdef Py_ssize_t _string(self, const char **found, Py_ssize_t used) except -1:
        """Length of the next string (section 5.2), of which FOUND gets the place; the first USED bytes of the scratch
        buffer stay, though perhaps elsewhere."""
        cdef long n
        cdef Py_ssize_t length
        cdef bint coded
        if self.p == self.end:
            raise fault("a block ends within a field")
        coded = self.p[0] & 0x80 != 0
        n = self._integer(7)
        if n > self.end - self.p:
            raise fault("a block ends within a string")
        if coded:
            found[0] = scratch_room(used, n * 8 // 5 + 1) + used
            length = huffman_decode(self.p, n, scratch + used)
            if length < 0:
                raise fault("a malformed Huffman code")
        else:
            found[0] = <const char *>self.p
            length = n
        self.p += n
        return length

    # --- the dynamic table ----------------------------------------------------------------------------------------

    cdef int _add(self) except -1:
        """Add the field that has been read as an entry."""
        cdef Py_ssize_t n = self.name_length + self.value_length
        cdef Entry *entry
        cdef char *text
        if n + OVERHEAD > self.limit:
            self._evict(0)
            return 0
        self._evict(self.limit - n - OVERHEAD)
        self._make_room(n)
        entry = self.entries + (self.first + self.count) % self.ring
        text = self.text + self.text_end
        memcpy(text, self.name, self.name_length)
        memcpy(text + self.name_length, self.value, self.value_length)
        entry.at = self.text_end
        entry.name_length = self.name_length
        entry.value_length = self.value_length
        entry.note.checked = False
        self.note = &entry.note
        self.text_end += n
        self.count += 1
        self.used += n + OVERHEAD
        return 0

    cdef void _evict(self, Py_ssize_t limit) noexcept:
        """Drop the oldest entries until their size is at most LIMIT."""
        cdef Entry *entry
        while self.used > limit:
            entry = self.entries + self.first
            self.used -= entry.name_length + entry.value_length + OVERHEAD
            self.text_start = entry.at + entry.name_length + entry.value_length
            self.first = (self.first + 1) % self.ring
            self.count -= 1
        if self.count == 0:
            self.text_start = self.text_end = 0

    cdef int _make_room(self, Py_ssize_t n) except -1:
        """Make room for one more entry, and N bytes of its text after that of the others."""
        cdef Py_ssize_t size, live = self.text_end - self.text_start
        cdef uint32_t i, ring
        cdef Entry *entries
        cdef char *text
        if self.count == self.ring:
            ring = 2 * self.ring if self.ring else 16
            entries = <Entry *>realloc(self.entries, ring * sizeof(Entry))
            if entries == NULL:
                raise MemoryError
            # The part of the old ring that had wrapped goes behind its end.
            memcpy(entries + self.ring, entries, self.first * sizeof(Entry))
            self.entries = entries
            self.ring = ring
        if self.text_end + n <= self.text_size:
            return 0
        if 2 * (live + n) > self.text_size:
            size = max(2 * (live + n), 512)
            text = <char *>realloc(self.text, size)
            if text == NULL:
                raise MemoryError
            self.text = text
            self.text_size = size
        if self.text_start:
            memmove(self.text, self.text + self.text_start, live)
            for i in range(self.count):
                self.entries[(self.first + i) % self.ring].at -= self.text_start
            self.text_end = live
            self.text_start = 0
        return 0

    # --- for tests and measurements -------------------------------------------------------------------------------

    def read(self, bytes block not None):
        """The fields of BLOCK as (name, value)."""
        found = []
        self.begin(<const uint8_t *>PyBytes_AS_STRING(block), len(block))
        while self.next():
            found.append((self.name[: self.name_length], self.value[: self.value_length]))
        return found

    @property
    def size(self):
        """What the entries of the dynamic table take, as RFC 7541, section 4.1, counts it."""
        return self.used


# --- writing ----------------------------------------------------------------------------------------------------------


cdef inline unsigned int name_hash(const char *name, Py_ssize_t n) noexcept nogil:
    return <unsigned int>(<uint8_t>name[0] * 7 + <uint8_t>name[n - 1] * 31 + <uint8_t>name[n // 2] * 3 + n * 5) % HASHES


cdef int static_name(const char *name, Py_ssize_t n) noexcept nogil:
    """Index of an entry of the static table whose name this is; 0: none."""
    cdef unsigned int at = name_hash(name, n)
    cdef int index = static_names[at]
    while index:
        if static_entries[index].name_length == n and memcmp(static_text + static_entries[index].at, name, n) == 0:
            return index
        at = (at + 1) % HASHES
        index = static_names[at]
    return 0


def _fill_tables():
    global static_text
    cdef int index, at, place = 0
    text = b""
    for index, (name, value) in enumerate(STATIC_TABLE, 1):
        static_entries[index].at = len(text)
        static_entries[index].name_length = len(name)
        static_entries[index].value_length = len(value)
        text += name + value
    _keep.append(text)
    static_text = PyBytes_AS_STRING(text)
    for index, (name, _) in enumerate(STATIC_TABLE, 1):
        if not static_name(name, len(name)):
            at = name_hash(name, len(name))
            while static_names[at]:
                at = (at + 1) % HASHES
            static_names[at] = index


_keep = []
_fill_tables()
