cdef enum:
    WANT_READ = -1
    WANT_WRITE = -2
    FAILED = -3  # TLS itself: a record that is none, a wrong key
    RESET = -4   # the socket below


cdef bint openssl_is_known() noexcept


cdef class Session:
    cdef void *session

    cdef void keep(self, void *session) noexcept


cdef class Tls:
    cdef Py_ssize_t handshake(self) except? -9
    cdef bint resumed(self) except -1
    cdef Py_ssize_t read(self, char *into, Py_ssize_t room) except? -9
    cdef Py_ssize_t write(self, const char *p, Py_ssize_t n) except? -9
    cdef bint pending(self) except -1
    cdef void begin_end(self) noexcept
    cdef Py_ssize_t say_goodbye(self) except? -9
    cdef size_t address(self) except? 0
    cdef str reason(self)
    cdef bytes protocol(self)


cdef class OpenSslTls(Tls):
    cdef void *ssl
    cdef object context
    cdef int fd
    cdef bytes ahead          # taken out of the socket before, not yet read by OpenSSL; None: nothing
    cdef Py_ssize_t used      # bytes of these that OpenSSL has read
    cdef bint ended           # the socket's end has been read
    cdef bint is_server
    cdef bint holds           # what OpenSSL writes is held back
    cdef int flags            # of send(2)
    cdef char *held           # what leaves with the next bytes: session tickets, the last response
    cdef Py_ssize_t held_size
    cdef Py_ssize_t held_room
    cdef Session session

    cdef int as_client(self, bytes server_name, tuple names, Session session) except -1

    cdef Py_ssize_t not_yet(self, int result) noexcept
    cdef bint hold(self, const char *p, Py_ssize_t n) noexcept
    cdef Py_ssize_t send_held(self, const char *p, Py_ssize_t n) noexcept


cdef class PythonTls(Tls):
    cdef object connection
