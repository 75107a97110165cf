# cython: language_level=3
"""The words of limits, which all workers of a pod change concurrently.

Rules of this file:
- A word changes by compare-and-swap or atomic addition only: no worker waits for another, and a worker that dies leaves
  no lock.
- Keys are found by their hash within one set of `WAYS` places. A full set reuses the place of the rate that was idle
  for longest; places of connections are reused when no connection is left. If there is no room, a request is let
  through.
- A tag is a hash with a secret key, so that clients cannot choose the place of another one.
"""

from cpython.buffer cimport PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.stdint cimport int64_t, uint16_t, uint64_t
from libc.string cimport memcpy
from posix.time cimport clock_gettime, clockid_t, timespec

cdef extern from "time.h":
    clockid_t CLOCK_MONOTONIC_COARSE

cdef extern from *:
    """
    #define edge_load(p) __atomic_load_n((p), __ATOMIC_SEQ_CST)
    #define edge_store(p, v) __atomic_store_n((p), (v), __ATOMIC_SEQ_CST)
    #define edge_share(p) __atomic_load_n((p), __ATOMIC_SEQ_CST)
    #define edge_clear(p) __atomic_store_n((p), 0, __ATOMIC_SEQ_CST)
    #define edge_add(p, v) __atomic_add_fetch((p), (v), __ATOMIC_SEQ_CST)
    static inline int edge_swap(uint64_t *p, uint64_t *expected, uint64_t desired) {
        return __atomic_compare_exchange_n(p, expected, desired, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    }
    """
    uint64_t edge_load(uint64_t *) nogil
    void edge_store(uint64_t *, uint64_t) nogil
    uint16_t edge_share(uint16_t *) nogil
    uint16_t edge_add(uint16_t *, int) nogil
    void edge_clear(uint16_t *) nogil
    int edge_swap(uint64_t *, uint64_t *, uint64_t) nogil

cdef enum:
    SETWAYS = 8
    TRIES = 64
    RATE_WORDS = 2    # tag, state
    COUNT_WORDS = 16  # tag, a share of 16 bits for each worker
    COUNT_SHARES = 60
    EXCESS_BITS = 28

# The state of a rate: the milliseconds at which a request last passed (36 bits; they may wrap round), then the excess.
cdef uint64_t EXCESS = (<uint64_t>1 << EXCESS_BITS) - 1
cdef uint64_t TIME = (<uint64_t>1 << (64 - EXCESS_BITS)) - 1
cdef uint64_t CLAIM = <uint64_t>1 << 63  # a place that worker number `tag ^ CLAIM` is giving to another key

WAYS = SETWAYS
SHARES = COUNT_SHARES
RATE_SET = 8 * SETWAYS * RATE_WORDS
COUNT_SET = 8 * SETWAYS * COUNT_WORDS
MOST_EXCESS = EXCESS - 1000


cdef inline uint64_t mix(uint64_t value) noexcept nogil:
    """The finaliser of splitmix64."""
    value = (value ^ value >> 30) * <uint64_t>0xBF58476D1CE4E5B9
    value = (value ^ value >> 27) * <uint64_t>0x94D049BB133111EB
    return value ^ value >> 31


cpdef uint64_t key(uint64_t limit, str client, uint64_t secret) except? 0:
    """The tag of CLIENT under the limit numbered LIMIT; SECRET is that of the file."""
    cdef Py_ssize_t left = 0
    cdef const char *data = PyUnicode_AsUTF8AndSize(client, &left)
    cdef uint64_t hashed = mix(limit ^ secret) + <uint64_t>left, word
    while left > 0:
        word = 0
        memcpy(&word, data, left if left < 8 else 8)
        hashed = mix(hashed ^ word) + secret
        data += 8
        left -= 8
    return mix(hashed) & ~CLAIM | 1


cdef class Places:
    """Sets of places in BUFFER from its byte FIRST on, SETS of them (a power of two)."""

    cdef int attach(self, buffer, Py_ssize_t first, uint64_t sets, Py_ssize_t size) except -1:
        if self.held:
            raise TypeError("made already")
        PyObject_GetBuffer(buffer, &self.view, PyBUF_WRITABLE)
        self.held = True
        if <size_t>self.view.buf % 8 or first < 0 or first % 8 or not sets or sets & (sets - 1):
            raise ValueError("not a place for limits")
        if sets > <uint64_t>self.view.len or first + <Py_ssize_t>sets * size > self.view.len:
            raise ValueError("buffer does not hold so many sets")
        self.base = <uint64_t *>(<char *>self.view.buf + first)
        self.sets = sets
        return 0

    def __dealloc__(self):
        if self.held:
            PyBuffer_Release(&self.view)

    cdef uint64_t number(self, uint64_t tag) noexcept nogil:
        return (tag >> 1) & (self.sets - 1)


cdef class Rates(Places):
    """Leaky buckets, as those of nginx's limit_req without delay."""

    def __init__(self, buffer, Py_ssize_t first, uint64_t sets):
        self.attach(buffer, first, sets, 8 * SETWAYS * RATE_WORDS)

    cpdef bint allows(self, uint64_t tag, uint64_t rate, uint64_t burst) except -1:
        """As `take` at the current time; returns whether the request is within the limit."""
        cdef timespec now
        clock_gettime(CLOCK_MONOTONIC_COARSE, &now)  # which ticks every few milliseconds, and is cheaper
        return self.take(tag, rate, burst, <uint64_t>now.tv_sec * 1000 + <uint64_t>now.tv_nsec // 1000000) >= 0

    cpdef int64_t take(self, uint64_t tag, uint64_t rate, uint64_t burst, uint64_t now) except? -2:
        """Take one request of the key TAG at NOW (milliseconds).

        RATE and BURST are in thousandths of a request, RATE per second. Returns the excess with this request, in
        thousandths, 0 to BURST; -1: it exceeds the limit and is not counted.
        """
        cdef uint64_t *place
        cdef uint64_t state, passed
        cdef int64_t excess
        cdef int attempt
        if self.base == NULL:
            raise TypeError("not made")
        now &= TIME
        burst = min(burst, EXCESS - 1000)
        rate = min(rate, <uint64_t>1000000000)
        for attempt in range(TRIES):
            place = self.find(tag, now)
            if place == NULL:
                continue
            state = edge_load(place + 1)
            excess = 0
            if state:
                passed = (now - (state >> EXCESS_BITS)) & TIME
                if passed > TIME // 2:  # another worker has read its clock later
                    passed = 0
                    now = state >> EXCESS_BITS
                excess = <int64_t>(state & EXCESS) - <int64_t>(rate * min(passed, <uint64_t>1000000000) // 1000) + 1000
                if excess < 0:
                    excess = 0
                if excess > <int64_t>burst:
                    return -1
            if edge_swap(place + 1, &state, now << EXCESS_BITS | <uint64_t>excess) and edge_load(place) == tag:
                return excess
        return 0  # other keys keep reusing the place: there are more clients than places

    cdef uint64_t *find(self, uint64_t tag, uint64_t now) noexcept nogil:
        """The place of TAG, made if there is none; NULL: another worker was first, try again."""
        cdef uint64_t *places = self.base + self.number(tag) * SETWAYS * RATE_WORDS
        cdef uint64_t *oldest = NULL
        cdef uint64_t found, age, oldest_tag = 0, oldest_age = 0
        cdef int way
        for way in range(SETWAYS):
            found = edge_load(places + RATE_WORDS * way)
            if found == tag:
                return places + RATE_WORDS * way
            age = (now - (edge_load(places + RATE_WORDS * way + 1) >> EXCESS_BITS)) & TIME if found else TIME + 1
            if age > TIME // 2 and found:
                age = 0  # later than NOW
            if oldest == NULL or age > oldest_age:
                oldest, oldest_tag, oldest_age = places + RATE_WORDS * way, found, age
        if not edge_swap(oldest, &oldest_tag, tag):
            return NULL
        edge_store(oldest + 1, 0)
        return oldest


cdef class Counts(Places):
    """Numbers of requests under way, as those of nginx's limit_conn.

    Each worker adds to a share of its own in a place, so that `clear` can remove that of a dead one.
    """

    def __init__(self, buffer, Py_ssize_t first, uint64_t sets, int slot):
        """SLOT is the number of this worker, below `SHARES`, which no other live worker has."""
        if not 0 <= slot < COUNT_SHARES:
            raise ValueError("no share for this worker")
        self.attach(buffer, first, sets, 8 * SETWAYS * COUNT_WORDS)
        self.slot = slot

    cpdef int64_t enter(self, uint64_t tag, uint64_t limit) except? -3:
        """Count one more request of the key TAG, of which LIMIT may be under way.

        Returns the place for `leave`; -1: it exceeds the limit; -2: there is no room to count it. There are never more
        than LIMIT; if several compete for the last one at the same time, all may be refused.
        """
        cdef uint64_t *place
        cdef uint16_t *share
        cdef int attempt, full = 0
        cdef bint room = True
        if self.base == NULL:
            raise TypeError("not made")
        for attempt in range(TRIES):
            place = self.find(tag, &room)
            if place == NULL:
                if not room:
                    return -2
                continue
            if self.total(place) >= limit:
                return -1
            share = self.share(place)
            if edge_share(share) == 0xFFFF:
                return -1
            # Count first, then check: if two workers do so concurrently, at least one sees the other.
            edge_add(share, 1)
            if edge_load(place) == tag:
                if not self.is_only(place, tag):
                    edge_add(share, -1)
                    self.give_up(place, tag)
                    continue
                if self.total(place) <= limit:
                    return place - self.base
                full += 1
            edge_add(share, -1)
            if full == 4:
                return -1
        return -1

    cpdef leave(self, int64_t place):
        """A request that `enter` counted at PLACE has ended."""
        cdef uint16_t *share
        if place < 0 or place % COUNT_WORDS or place >= <int64_t>(self.sets * SETWAYS * COUNT_WORDS):
            raise IndexError("no such place")
        share = self.share(self.base + place)
        if edge_share(share):
            edge_add(share, -1)

    def count(self, uint64_t tag):
        """Requests of TAG that are under way."""
        cdef uint64_t *places = self.base + self.number(tag) * SETWAYS * COUNT_WORDS
        cdef int way
        for way in range(SETWAYS):
            if edge_load(places + COUNT_WORDS * way) == tag:
                return self.total(places + COUNT_WORDS * way)
        return 0

    def clear(self):
        """Remove the counts of this worker's slot, whose previous worker has died."""
        cdef uint64_t place
        cdef uint64_t claimed
        for place in range(self.sets * SETWAYS):
            claimed = CLAIM | <uint64_t>self.slot
            edge_swap(self.base + COUNT_WORDS * place, &claimed, 0)
            edge_clear(self.share(self.base + COUNT_WORDS * place))

    cdef uint16_t *share(self, uint64_t *place) noexcept nogil:
        return <uint16_t *>(place + 1) + self.slot

    cdef uint64_t total(self, uint64_t *place) noexcept nogil:
        cdef uint64_t sum = 0
        cdef int share
        for share in range(COUNT_SHARES):
            sum += edge_share(<uint16_t *>(place + 1) + share)
        return sum

    cdef uint64_t *find(self, uint64_t tag, bint *room) noexcept nogil:
        """The place of TAG, made if there is none; NULL: there is no ROOM, or another worker was first."""
        cdef uint64_t *places = self.base + self.number(tag) * SETWAYS * COUNT_WORDS
        cdef uint64_t *place
        cdef uint64_t found
        cdef int way
        for way in range(SETWAYS):
            if edge_load(places + COUNT_WORDS * way) == tag:
                return places + COUNT_WORDS * way
        for way in range(SETWAYS):
            place = places + COUNT_WORDS * way
            found = edge_load(place)
            if found & CLAIM or self.total(place):
                continue
            if self.give_up(place, found):
                found = 0
                return place if edge_swap(place, &found, tag) else NULL
            return NULL
        room[0] = False
        return NULL

    cdef bint give_up(self, uint64_t *place, uint64_t tag) noexcept nogil:
        """Free PLACE of TAG if no request of it is in flight; returns whether it was freed."""
        cdef bint done
        if tag == 0:
            return True
        # Claim first, then check: a worker that counts meanwhile sees the claim, or is seen here.
        if not edge_swap(place, &tag, CLAIM | <uint64_t>self.slot):
            return False
        done = self.total(place) == 0
        edge_store(place, 0 if done else tag)
        return done

    cdef bint is_only(self, uint64_t *place, uint64_t tag) noexcept nogil:
        """Whether TAG has no place but PLACE: two workers may have made one at the same time."""
        cdef uint64_t *places = self.base + self.number(tag) * SETWAYS * COUNT_WORDS
        cdef int way
        for way in range(SETWAYS):
            if places + COUNT_WORDS * way != place and edge_load(places + COUNT_WORDS * way) == tag:
                return False
        return True
