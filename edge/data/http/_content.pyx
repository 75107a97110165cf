# cython: language_level=3
"""The content of a message as it arrives, whatever HTTP version frames it (RFC 9110, section 6.4)."""

from edge.data.net._buffer cimport Buffer


cdef class Content:
    """Pieces of content, one after another at the beginning of `buffer`.

    `done`: all of it has been seen; `received`: bytes of content so far; `trailers`: the trailer section; empty: there
    is none, or it has not arrived yet.
    """

    cpdef Py_ssize_t fill(self) except -1:
        """Bytes of content at the start of the buffer, after reading some if there were none; 0 at the end.

        All that the last call announced must have been consumed.

        Raises:
            MessageError: the framing is broken, or the stream ended first.
            StreamError: the stream broke or was silent for too long.
        """
        raise NotImplementedError

    cpdef bint finish(self):
        """Whether all of it has been read and consumed."""
        raise NotImplementedError
