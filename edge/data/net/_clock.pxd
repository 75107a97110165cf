# The monotonic clock in seconds, for the leaves.

from posix.time cimport CLOCK_MONOTONIC, clock_gettime, clockid_t, timespec

cdef extern from "time.h":
    clockid_t CLOCK_MONOTONIC_COARSE


cdef inline double seconds(clockid_t clock) noexcept nogil:
    cdef timespec t
    clock_gettime(clock, &t)
    return t.tv_sec + t.tv_nsec * 1e-9


cdef inline double precise_now() noexcept nogil:
    """As `time.monotonic` gives it."""
    return seconds(CLOCK_MONOTONIC)


cdef inline double coarse_now() noexcept nogil:
    """The same, up to some milliseconds late and cheaper: for deadlines."""
    return seconds(CLOCK_MONOTONIC_COARSE)
