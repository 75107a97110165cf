from edge.data.net._poller cimport Polled

cdef class DatagramPort

cdef class DatagramSession(Polled):
    cdef DatagramPort port
    cdef int fd
    cdef int longest             # see `Path`; to the endpoint, and to the client
    cdef int longest_answer
    cdef bytes key               # the client's address, and the local one behind it
    cdef unsigned int name_size
    cdef long long expected      # answers to each datagram, after which it ends; -1: it ends by silence
    cdef double active
    cdef readonly unsigned long long requests, responses, received, sent

    cdef int begin(self, DatagramPort port, bytes key, unsigned int name_size) except -1
    cdef int take(self, int first, int n) except -1
    cdef int finish(self, int error) except -1
    cdef int finished(self, int error) except -1

cdef class DatagramPort:
    cdef int fd
    cdef object watcher
    cdef dict sessions

    cdef DatagramSession make(self, str client)
    cdef int forget(self, DatagramSession session) except -1
    cdef int take(self) except -2
    cdef int read_key(self, int at, char *key) noexcept
    cdef int dispatch(self, bytes key, int first, int n) except -1
    cdef DatagramSession begin(self, bytes key, int first)
