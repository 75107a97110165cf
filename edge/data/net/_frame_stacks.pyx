# cython: language_level=3
"""Reuses chunks of Python's frame stack for the next greenlet.

CPython (3.11 and later) puts the frames of Python functions into chunks of 16 KiB, which come straight from the arena
allocator. A greenlet begins without one: its first call of a Python function maps a chunk, and the return from that
call unmaps it, which is two system calls and a page fault for each connection. This module wraps the arena allocator
(Python/C API, "Customize pymalloc Arena Allocator") and keeps some of those chunks.
"""

cdef extern from "Python.h":
    ctypedef struct PyObjectArenaAllocator:
        void *ctx
        void *(*alloc)(void *ctx, size_t size) noexcept
        void (*free)(void *ctx, void *ptr, size_t size) noexcept
    void PyObject_GetArenaAllocator(PyObjectArenaAllocator *allocator)
    void PyObject_SetArenaAllocator(PyObjectArenaAllocator *allocator)

cdef enum:
    CHUNK = 16384  # DATA_STACK_CHUNK_SIZE of CPython
    MOST = 64      # kept: 1 MiB

cdef PyObjectArenaAllocator system
cdef void *kept[MOST]
cdef int count = 0
cdef bint installed = False


# The allocator is called with the GIL held, as all of pymalloc.
cdef void *allocate(void *ctx, size_t size) noexcept:
    global count
    if size == CHUNK and count:
        count -= 1
        return kept[count]
    return system.alloc(system.ctx, size)


cdef void release(void *ctx, void *pointer, size_t size) noexcept:
    global count
    if size == CHUNK and count < MOST:
        kept[count] = pointer
        count += 1
    else:
        system.free(system.ctx, pointer, size)


def keep_frame_stacks():
    """Keep freed chunks from now on, for the whole process."""
    global installed
    cdef PyObjectArenaAllocator own
    if installed:
        return
    installed = True
    PyObject_GetArenaAllocator(&system)
    own.ctx = NULL
    own.alloc = allocate
    own.free = release
    PyObject_SetArenaAllocator(&own)


def kept_frame_stacks():
    """How many are kept at the moment."""
    return count
