# cython: language_level=3
"""The words of the counter files: incremented by one worker, read by the control plane while they change.

Rules of this file:
- One process writes a file, so adding is a load and a store; every word is stored in one aligned piece.
- The words of an entry that belong together are guarded by its sequence word: odd while they change. A reader takes an
  entry only if the sequence was even and the same before and after.
- Sizes in a file are checked before they are used, so a damaged file causes no crash.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcpy, memset

cdef extern from *:
    """
    #define edge_load(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
    #define edge_get(p) __atomic_load_n((p), __ATOMIC_RELAXED)
    #define edge_put(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
    #define edge_store(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
    #define edge_written() __atomic_thread_fence(__ATOMIC_RELEASE)
    #define edge_read() __atomic_thread_fence(__ATOMIC_ACQUIRE)
    """
    uint64_t edge_load(uint64_t *) nogil
    uint64_t edge_get(uint64_t *) nogil
    void edge_put(uint64_t *, uint64_t) nogil
    void edge_store(uint64_t *, uint64_t) nogil
    void edge_written() nogil
    void edge_read() nogil

cdef enum:
    TIMES = 11
    SIZES = 7
    TIME_WORDS = 13  # a word per bucket, one for what is above the last, the sum
    SIZE_WORDS = 9
    WORDS = 44       # two times, two sizes
    HEAD = 4         # sequence, size, length of the key, serial
    KEY = 384        # bytes before the key
    ALIGN = 64
    TRIES = 64
    CLASSES = 6      # of statuses, and what is none
    LEAST_KEY = 4    # bytes, enough for a status and what is before it

cdef double[TIMES] time_bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0]
cdef int64_t[SIZES] size_bounds = [10, 100, 1000, 10000, 100000, 1000000, 10000000]

TIME_BUCKETS = tuple(time_bounds[number] for number in range(TIMES))
SIZE_BUCKETS = tuple(size_bounds[number] for number in range(SIZES))
VALUES = WORDS
STATUS_CLASSES = CLASSES


cdef inline void bump(uint64_t *word, uint64_t by) noexcept nogil:
    edge_put(word, edge_get(word) + by)


cdef inline void put_time(uint64_t *words, double seconds) noexcept nogil:
    cdef int bucket = 0
    if not seconds > 0:
        seconds = 0
    elif seconds > 1e8:
        seconds = 1e8  # three years; the sum cannot overflow
    while bucket < TIMES and seconds > time_bounds[bucket]:
        bucket += 1
    bump(words + bucket, 1)
    bump(words + TIME_WORDS - 1, <uint64_t>(seconds * 1e9))


cdef inline void put_size(uint64_t *words, int64_t size) noexcept nogil:
    cdef int bucket = 0
    if size < 0:
        size = 0
    while bucket < SIZES and size > size_bounds[bucket]:
        bucket += 1
    bump(words + bucket, 1)
    bump(words + SIZE_WORDS - 1, <uint64_t>size)


cdef double quantile(uint64_t *counts, uint64_t sum, double share) noexcept nogil:
    """The quantile SHARE of the SUM of requests in COUNTS."""
    cdef double rank = share * sum, below = 0, start = 0
    cdef int bucket
    for bucket in range(TIMES):
        if counts[bucket] and below + counts[bucket] >= rank:
            return start + (time_bounds[bucket] - start) * (rank - below) / counts[bucket]
        below += counts[bucket]
        start = time_bounds[bucket]
    return start


cdef class ProcessWords:
    """The words of one process: BUFFER from word FIRST on, COUNT of them."""

    def __dealloc__(self):
        if self.held:
            PyBuffer_Release(&self.view)
        else:
            free(self.words)

    cdef void attach(self, buffer, Py_ssize_t first, Py_ssize_t count) except *:
        PyObject_GetBuffer(buffer, &self.view, PyBUF_WRITABLE)
        self.held = True
        if <size_t>self.view.buf % 8 or first < 0 or 8 * (first + count) > self.view.len:
            raise ValueError("buffer does not hold these words")
        self.words = <uint64_t *>self.view.buf + first
        self.count = count

    def map(self, buffer, Py_ssize_t first, Py_ssize_t count):
        """Write to BUFFER, from its word FIRST on, COUNT words. Once."""
        if self.words != NULL:
            raise ValueError("mapped already")
        self.attach(buffer, first, count)

    def unmap(self):
        """Release the buffer; words are not counted from now on."""
        if self.held:
            self.held = False
            self.words = <uint64_t *>calloc(self.count, 8)
            PyBuffer_Release(&self.view)
            if self.words == NULL:
                self.count = 0
                raise MemoryError

    cdef void count_up(self, Py_ssize_t which, int64_t n) noexcept nogil:
        """As `add`, of a word that exists."""
        bump(self.words + which, <uint64_t>n)

    def add(self, Py_ssize_t which, int64_t n):
        """Add N, which may be negative, to word WHICH."""
        if which < 0 or which >= self.count:
            raise IndexError("no such word")
        bump(self.words + which, <uint64_t>n)

    def set(self, Py_ssize_t which, uint64_t value):
        """Set word WHICH to VALUE."""
        if which < 0 or which >= self.count:
            raise IndexError("no such word")
        edge_store(self.words + which, value)

    def get(self, Py_ssize_t which):
        """Word WHICH."""
        if which < 0 or which >= self.count:
            raise IndexError("no such word")
        return edge_get(self.words + which)


cdef class Series:
    """The counters of one route, method and status."""

    def __init__(self, ProcessWords process, Py_ssize_t total):
        """Counts only in word TOTAL of PROCESS at first."""
        if total < 0 or total >= process.count:
            raise IndexError("no such word")
        self.process = process
        self.total = total

    @property
    def counts(self):
        """Whether there is an entry to count in."""
        return self.entry != NULL

    def detach(self):
        """Stop counting."""
        self.entry = NULL
        self.chunk = None

    cpdef record(self, double duration, double upstream, int64_t received, int64_t sent):
        """Count a request: DURATION and UPSTREAM in seconds (below 0: no endpoint was asked), RECEIVED and SENT in bytes."""
        cdef uint64_t *entry = self.entry
        cdef uint64_t *words = entry + HEAD
        cdef uint64_t sequence
        bump(self.process.words + self.total, 1)
        if entry == NULL:
            return
        sequence = edge_get(entry)
        edge_put(entry, sequence + 1)
        edge_written()
        put_time(words, duration)
        if upstream >= 0:
            put_time(words + TIME_WORDS, upstream)
        put_size(words + 2 * TIME_WORDS, received)
        put_size(words + 2 * TIME_WORDS + SIZE_WORDS, sent)
        edge_store(entry, sequence + 2)


def entry_size(Py_ssize_t key_length):
    """Bytes that an entry takes whose key has KEY_LENGTH bytes."""
    return (KEY + key_length + ALIGN - 1) // ALIGN * ALIGN


cdef class Chunk:
    """The entries of one file, which begin at byte FIRST of BUFFER; append-only but for the keys of freed ones."""

    cdef Py_buffer view
    cdef bint held
    cdef Py_ssize_t tail
    cdef readonly Py_ssize_t first

    def __cinit__(self, buffer, Py_ssize_t first, bint writable=False):
        PyObject_GetBuffer(buffer, &self.view, PyBUF_WRITABLE if writable else PyBUF_SIMPLE)
        self.held = True
        if <size_t>self.view.buf % 8 or first < 0 or first % ALIGN or first > self.view.len:
            raise ValueError("buffer does not hold entries")
        self.first = self.tail = first

    def __dealloc__(self):
        if self.held:
            PyBuffer_Release(&self.view)

    cdef uint64_t *at(self, Py_ssize_t offset) noexcept nogil:
        return <uint64_t *>(<char *>self.view.buf + offset)

    cdef Py_ssize_t size_at(self, Py_ssize_t offset) noexcept nogil:
        """Size of the entry at OFFSET, 0: there is none, or no valid one."""
        cdef uint64_t size
        if offset < self.first or offset % ALIGN or offset + KEY > self.view.len:
            return 0
        size = edge_load(self.at(offset) + 1)
        if size < KEY or size % ALIGN or size > <uint64_t>(self.view.len - offset):
            return 0
        return <Py_ssize_t>size

    def adopt(self):
        """Take over what another process wrote: [(offset, size, key)], an empty key for a free entry."""
        cdef list found = []
        cdef Py_ssize_t size, offset = self.first
        cdef uint64_t length
        self.need_writable()
        while True:
            size = self.size_at(offset)
            if not size:
                break
            length = edge_get(self.at(offset) + 2)
            if length > <uint64_t>(size - KEY):
                length = 0
                edge_put(self.at(offset) + 2, 0)
            if edge_get(self.at(offset)) & 1:  # its writer has died during this entry
                edge_store(self.at(offset), edge_get(self.at(offset)) + 1)
            found.append((offset, size, PyBytes_FromStringAndSize(<char *>self.at(offset) + KEY, <Py_ssize_t>length)))
            offset += size
        self.tail = offset
        return found

    def append(self, bytes key, uint64_t serial):
        """Append an entry for KEY and return its offset, or 0 if there is no room."""
        cdef Py_ssize_t size = entry_size(len(key)), offset = self.tail
        self.need_writable()
        if size > self.view.len - offset:
            return 0
        edge_put(self.at(offset), 1)
        edge_put(self.at(offset) + 2, 0)
        edge_store(self.at(offset) + 1, <uint64_t>size)
        self.tail += size
        self.fill(offset, key, serial)
        return offset

    def reuse(self, Py_ssize_t offset, bytes key, uint64_t serial):
        """Give the free entry at OFFSET, of the right size, to KEY. SERIAL was never used before in this file's slot."""
        self.need_writable()
        if self.size_at(offset) != entry_size(len(key)):
            raise ValueError("no entry of this size here")
        edge_put(self.at(offset), edge_get(self.at(offset)) | 1)
        edge_written()
        edge_store(self.at(offset) + 2, 0)
        self.fill(offset, key, serial)

    def release(self, Py_ssize_t offset):
        """Free the entry at OFFSET."""
        self.need_writable()
        if not self.size_at(offset):
            raise ValueError("no entry here")
        edge_put(self.at(offset), edge_get(self.at(offset)) | 1)
        edge_written()
        edge_put(self.at(offset) + 2, 0)
        edge_store(self.at(offset), edge_get(self.at(offset)) + 1)

    def attach(self, Series series, Py_ssize_t offset):
        """Make SERIES count in the entry at OFFSET."""
        self.need_writable()
        if not self.size_at(offset):
            raise ValueError("no entry here")
        series.entry = self.at(offset)
        series.chunk = self

    def serial(self, Py_ssize_t offset):
        """Serial of the key at OFFSET."""
        return edge_get(self.at(offset) + 3) if self.size_at(offset) else 0

    cdef void fill(self, Py_ssize_t offset, bytes key, uint64_t serial) noexcept:
        """Write a new key and zeroes into the entry at OFFSET, whose sequence is odd and whose length is 0."""
        cdef uint64_t *entry = self.at(offset)
        memset(entry + HEAD, 0, 8 * WORDS)
        memcpy(<char *>entry + KEY, <char *>key, len(key))
        edge_put(entry + 3, serial)
        edge_store(entry + 2, <uint64_t>len(key))  # a writer that dies before leaves a free entry
        edge_store(entry, edge_get(entry) + 1)

    cdef int need_writable(self) except -1:
        if self.view.readonly:
            raise TypeError("mapping is read-only")
        return 0


cdef class Totals:
    """Rows of `VALUES` words each: series summed over workers."""

    def __dealloc__(self):
        free(self.rows)

    def __len__(self):
        return self.used

    def clear(self):
        """Make all rows zero."""
        if self.used:
            memset(self.rows, 0, 8 * WORDS * self.used)

    def row(self):
        """A new row of zeroes; gives its number."""
        cdef uint64_t *rows
        if self.used == self.room:
            self.room = 2 * self.room if self.room else 256
            rows = <uint64_t *>realloc(self.rows, 8 * WORDS * self.room)
            if rows == NULL:
                raise MemoryError
            self.rows = rows
        memset(self.rows + WORDS * self.used, 0, 8 * WORDS)
        self.used += 1
        return self.used - 1

    def copy(self):
        """A copy of the rows."""
        cdef Totals other = Totals()
        if self.used:
            other.rows = <uint64_t *>malloc(8 * WORDS * self.used)
            if other.rows == NULL:
                raise MemoryError
            memcpy(other.rows, self.rows, 8 * WORDS * self.used)
            other.room = other.used = self.used
        return other

    def requests(self, Py_ssize_t number):
        """Number of requests in row NUMBER."""
        cdef uint64_t sum = 0
        cdef Py_ssize_t word
        if not 0 <= number < self.used:
            raise IndexError("no such row")
        for word in range(TIME_WORDS - 1):
            sum += self.rows[WORDS * number + word]
        return sum

    def add(self, Py_ssize_t target, Totals other, Py_ssize_t number):
        """Add row NUMBER of OTHER to row TARGET."""
        cdef Py_ssize_t word
        if not 0 <= target < self.used or not 0 <= number < other.used:
            raise IndexError("no such row")
        for word in range(WORDS):
            self.rows[WORDS * target + word] += other.rows[WORDS * number + word]

    def since(self, Totals earlier, Py_ssize_t known, double share):
        """[(row, requests, time)] of the rows with more requests than in EARLIER, whose first KNOWN rows mean the same.

        The time is the quantile SHARE of these requests, as Prometheus' histogram_quantile estimates it.
        """
        cdef list found = []
        cdef uint64_t[TIME_WORDS] counts
        cdef uint64_t *new
        cdef uint64_t *old
        cdef uint64_t sum
        cdef Py_ssize_t row, word
        if known > earlier.used:
            raise IndexError("no such row")
        for row in range(self.used):
            new = self.rows + WORDS * row
            old = earlier.rows + WORDS * row if row < known else NULL
            sum = 0
            for word in range(TIME_WORDS - 1):
                counts[word] = new[word]
                if old != NULL:
                    counts[word] = new[word] - old[word] if new[word] > old[word] else 0
                sum += counts[word]
            if sum:
                found.append((row, sum, quantile(counts, sum, share)))
        return found

    def values(self, Py_ssize_t number):
        """Row NUMBER as a tuple."""
        if not 0 <= number < self.used:
            raise IndexError("no such row")
        return tuple([self.rows[WORDS * number + word] for word in range(WORDS)])


cdef inline int class_of(unsigned char *end) noexcept nogil:
    """Class of the status of HTTP in the code with which a key ends (`counter_layout.encode_key`); -1: the key is that of
    a stream.

    MessagePack writes numbers below 128 as a byte, below 256 as two, others of a status as three. Before the status
    comes the method, in ASCII: upper case for requests, lower case for streams.
    """
    cdef int status = (end - 1)[0], before = (end - 2)[0]
    if (end - 3)[0] == 0xcd:
        status += 256 * (end - 2)[0]
        before = (end - 4)[0]
    elif (end - 2)[0] == 0xcc:
        before = (end - 3)[0]
    if before >= c"a":
        return -1
    status %= 1000  # larger numbers include the status of gRPC
    return status // 100 if status < 100 * CLASSES else 0


cdef class Shadow:
    """A reader's copy of the entries of CHUNK, each as it was at one moment."""

    cdef Chunk chunk
    cdef char *copy
    cdef Py_ssize_t tail
    cdef dict targets

    def __cinit__(self, Chunk chunk):
        self.chunk = chunk
        self.copy = <char *>calloc(chunk.view.len, 1)
        if self.copy == NULL:
            raise MemoryError
        self.tail = chunk.first
        self.targets = {}

    def __dealloc__(self):
        free(self.copy)

    def refresh(self, bint dead=False):
        """Copy what has changed. An entry that is being written stays as it was; DEAD: the worker has ended, copy all."""
        cdef Py_ssize_t size, offset = self.chunk.first
        with nogil:
            while True:
                size = self.chunk.size_at(offset)
                if not size:
                    break
                self.take(offset, size, dead)
                offset += size
            self.tail = offset

    def forget(self):
        """Forget the targets, so that they are looked up again."""
        self.targets.clear()

    cdef void take(self, Py_ssize_t offset, Py_ssize_t size, bint dead) noexcept nogil:
        cdef uint64_t *live = self.chunk.at(offset)
        cdef uint64_t *copy = <uint64_t *>(self.copy + offset)
        cdef uint64_t sequence, length
        cdef uint64_t[HEAD + WORDS] words
        cdef Py_ssize_t word
        cdef int attempt
        copy[1] = <uint64_t>size
        for attempt in range(TRIES):
            sequence = edge_load(live)
            if sequence == copy[0] and sequence:
                return
            if sequence & 1 and not dead:
                continue
            for word in range(2, HEAD + WORDS):
                words[word] = edge_get(live + word)
            length = words[2]
            if length > <uint64_t>(size - KEY):
                continue
            if words[3] == copy[3] and length == copy[2]:
                edge_read()
                if edge_get(live) != sequence:
                    continue
            else:
                # The key is another one. Copied in place: should it be torn, the length says that there is none.
                copy[2] = 0
                copy[3] = 0
                memcpy(<char *>copy + KEY, <char *>live + KEY, length)
                edge_read()
                if edge_get(live) != sequence:
                    continue
            for word in range(2, HEAD + WORDS):
                copy[word] = words[word]
            copy[0] = sequence
            return

    def tally(self, Totals totals):
        """Add the times of requests in all entries to rows of TOTALS by the class of their status: row 2 for 2xx.

        The entries themselves are read, not the copy: one that is being written may count a request more or less.
        Sessions of streams are left out.
        """
        cdef Py_ssize_t size, word, offset = self.chunk.first
        cdef uint64_t length
        cdef uint64_t *entry
        cdef int row
        if totals.used < CLASSES:
            raise ValueError("too few rows")
        with nogil:
            while True:
                size = self.chunk.size_at(offset)
                if not size:
                    break
                entry = self.chunk.at(offset)
                length = edge_get(entry + 2)
                if LEAST_KEY <= length <= <uint64_t>(size - KEY):
                    row = class_of(<unsigned char *>entry + KEY + length)
                    if row >= 0:
                        for word in range(TIME_WORDS):
                            totals.rows[WORDS * row + word] += edge_get(entry + HEAD + word)
                offset += size

    def sum_up(self, Totals totals, target):
        """Add every entry to the row of TOTALS that TARGET(key) returns, -1: none; it is called once for each new key.
        Returns the number of entries that were added.
        """
        cdef Py_ssize_t offset = self.chunk.first, number, entries = 0
        cdef Py_ssize_t word
        cdef uint64_t *copy
        while offset < self.tail:
            copy = <uint64_t *>(self.copy + offset)
            if copy[2]:
                known = self.targets.get(offset)
                if known is None or (<tuple>known)[0] != copy[3]:
                    key = PyBytes_FromStringAndSize(<char *>copy + KEY, <Py_ssize_t>copy[2])
                    known = (copy[3], target(key))
                    self.targets[offset] = known
                number = (<tuple>known)[1]
                if 0 <= number < totals.used:
                    for word in range(WORDS):
                        totals.rows[WORDS * number + word] += copy[HEAD + word]
                    entries += 1
            offset += <Py_ssize_t>copy[1]
        return entries
