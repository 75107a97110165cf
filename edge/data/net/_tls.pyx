# cython: language_level=3
"""TLS over a non-blocking socket, in steps that never block.

Rules of this file:
- "Not yet" is a number, `WANT_READ` or `WANT_WRITE`, never an exception; the stream waits.
- OpenSSL reads and writes by two functions of ours (a BIO): bytes that were taken out of the socket before come first,
  session tickets leave with the first bytes that follow them instead of in a packet of their own, and the last bytes leave
  with close_notify.
- OpenSSL is called directly if the addresses of its functions are known (`use_openssl`): Python's wrappers cost an
  exception each time that there is nothing to read, and two objects for each piece of data. Else Python's object is
  used.
"""

import ssl

from cpython.buffer cimport PyBUF_READ, PyBUF_WRITE
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.memoryview cimport PyMemoryView_FromMemory
from libc.errno cimport EAGAIN, EINTR, errno
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy, memmove, memset

cdef extern from "sys/types.h":
    ctypedef Py_ssize_t ssize_t

cdef extern from "sys/socket.h":
    ssize_t c_recv "recv"(int fd, void *buf, size_t n, int flags) nogil
    ssize_t c_send "send"(int fd, const void *buf, size_t n, int flags) nogil
    int MSG_NOSIGNAL
    struct msghdr:
        iovec *msg_iov
        size_t msg_iovlen
    ssize_t c_sendmsg "sendmsg"(int fd, const msghdr *m, int flags) nogil
    int MSG_MORE

cdef extern from "sys/uio.h":
    struct iovec:
        void *iov_base
        size_t iov_len

SslError = ssl.SSLError
WantRead = ssl.SSLWantReadError
WantWrite = ssl.SSLWantWriteError
End = (ssl.SSLZeroReturnError, ssl.SSLEOFError)

# OpenSSL's functions, by address, and those that it calls.
ctypedef long (*control_function)(void *bio, int command, long number, void *pointer) noexcept
ctypedef int (*bio_reader)(void *bio, char *into, int n) noexcept
ctypedef int (*bio_writer)(void *bio, const char *p, int n) noexcept
ctypedef void *(*new_function)(void *context) noexcept
ctypedef void (*bios_function)(void *ssl, void *input, void *output) noexcept
ctypedef void *(*method_function)(int kind, const char *name) noexcept
ctypedef int (*set_reader_function)(void *method, bio_reader reader) noexcept
ctypedef int (*set_writer_function)(void *method, bio_writer writer) noexcept
ctypedef int (*set_control_function)(void *method, control_function control) noexcept
ctypedef int (*index_function)() noexcept
ctypedef void (*flags_function)(void *bio, int flags) noexcept
ctypedef void *(*owner_function)(void *bio) noexcept
ctypedef void (*set_owner_function)(void *bio, void *owner) noexcept
ctypedef void (*plain_function)(void *ssl) noexcept
ctypedef int (*state_function)(const void *ssl) noexcept
ctypedef int (*read_function)(void *ssl, void *into, int n) noexcept
ctypedef int (*write_function)(void *ssl, const void *p, int n) noexcept
ctypedef int (*error_function)(const void *ssl, int result) noexcept
ctypedef void (*clear_function)() noexcept
ctypedef unsigned long (*last_error_function)() noexcept
ctypedef const char *(*reason_function)(unsigned long error) noexcept
ctypedef int (*name_function)(void *ssl, const char *name) noexcept
ctypedef int (*set_session_function)(void *ssl, void *session) noexcept
ctypedef long (*verdict_function)(const void *ssl) noexcept
ctypedef const char *(*verdict_text_function)(long verdict) noexcept
ctypedef int (*set_data_function)(void *ssl, int index, void *data) noexcept
ctypedef void *(*get_data_function)(const void *ssl, int index) noexcept
ctypedef int (*keep_function)(void *ssl, void *session) noexcept
ctypedef void (*on_session_function)(void *context, keep_function keep) noexcept
ctypedef void (*selected_function)(const void *ssl, const unsigned char **data, unsigned int *size) noexcept

cdef new_function ssl_new = NULL
cdef bios_function ssl_set_bio = NULL
cdef state_function ssl_version = NULL
cdef index_function bio_get_new_index = NULL
cdef method_function bio_meth_new = NULL
cdef set_reader_function bio_meth_set_read = NULL
cdef set_writer_function bio_meth_set_write = NULL
cdef set_control_function bio_meth_set_ctrl = NULL
cdef owner_function bio_new = NULL
cdef owner_function bio_get_data = NULL
cdef set_owner_function bio_set_data = NULL
cdef flags_function bio_set_flags = NULL
cdef flags_function bio_clear_flags = NULL
cdef plain_function ssl_set_accept_state = NULL
cdef state_function ssl_do_handshake = NULL
cdef state_function ssl_session_reused = NULL
cdef read_function ssl_read = NULL
cdef write_function ssl_write = NULL
cdef state_function ssl_has_pending = NULL
cdef state_function ssl_shutdown = NULL
cdef plain_function ssl_free = NULL
cdef error_function ssl_get_error = NULL
cdef clear_function err_clear_error = NULL
cdef last_error_function err_peek_last_error = NULL
cdef reason_function err_reason_error_string = NULL
cdef plain_function ssl_set_connect_state = NULL
cdef control_function ssl_ctrl = NULL
cdef name_function ssl_set1_host = NULL
cdef name_function ssl_add1_host = NULL
cdef set_session_function ssl_set_session = NULL
cdef plain_function ssl_session_free = NULL
cdef verdict_function ssl_get_verify_result = NULL
cdef verdict_text_function x509_verify_cert_error_string = NULL
cdef set_data_function ssl_set_ex_data = NULL
cdef get_data_function ssl_get_ex_data = NULL
cdef on_session_function ssl_ctx_sess_set_new_cb = NULL
cdef selected_function ssl_get0_alpn_selected = NULL

cdef enum:
    SSL_ERROR_SSL = 1
    SSL_ERROR_WANT_READ = 2
    SSL_ERROR_WANT_WRITE = 3
    SSL_ERROR_ZERO_RETURN = 6
    SOURCE_SINK = 0x0400          # BIO_TYPE_SOURCE_SINK
    CTRL_EOF = 2                  # BIO_CTRL_EOF
    CTRL_FLUSH = 11               # BIO_CTRL_FLUSH
    RETRY_READ = 0x09             # BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY
    RETRY_WRITE = 0x0A            # BIO_FLAGS_WRITE | BIO_FLAGS_SHOULD_RETRY
    RETRY = 0x0F                  # BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY
    TLS_1_3 = 0x0304              # TLS1_3_VERSION
    SET_TLSEXT_HOSTNAME = 55      # SSL_CTRL_SET_TLSEXT_HOSTNAME
    HOST_NAME = 0                 # TLSEXT_NAMETYPE_host_name
    OURS = 0                      # the index of SSL_set_app_data(3)
    HELD = 4096                   # bytes that are held back at most: a ticket is smaller, unless a certificate is in it

cdef void *method = NULL


def use_openssl(dict functions not None):
    """Use FUNCTIONS of OpenSSL, addresses by name, from now on."""
    global ssl_new, ssl_set_bio, ssl_version, ssl_set_accept_state, ssl_do_handshake, ssl_session_reused, ssl_read, ssl_write
    global ssl_has_pending, ssl_shutdown, ssl_free, ssl_get_error, err_clear_error, err_peek_last_error
    global err_reason_error_string, bio_get_new_index, bio_meth_new, bio_meth_set_read, bio_meth_set_write
    global bio_meth_set_ctrl, bio_new, bio_get_data, bio_set_data, bio_set_flags, bio_clear_flags, method
    global ssl_set_connect_state, ssl_ctrl, ssl_set1_host, ssl_add1_host, ssl_set_session, ssl_session_free
    global ssl_get_verify_result, x509_verify_cert_error_string, ssl_set_ex_data, ssl_get_ex_data
    global ssl_ctx_sess_set_new_cb, ssl_get0_alpn_selected
    ssl_new = <new_function><size_t>functions["SSL_new"]
    ssl_set_bio = <bios_function><size_t>functions["SSL_set_bio"]
    ssl_version = <state_function><size_t>functions["SSL_version"]
    ssl_set_accept_state = <plain_function><size_t>functions["SSL_set_accept_state"]
    ssl_do_handshake = <state_function><size_t>functions["SSL_do_handshake"]
    ssl_session_reused = <state_function><size_t>functions["SSL_session_reused"]
    ssl_read = <read_function><size_t>functions["SSL_read"]
    ssl_write = <write_function><size_t>functions["SSL_write"]
    ssl_has_pending = <state_function><size_t>functions["SSL_has_pending"]
    ssl_shutdown = <state_function><size_t>functions["SSL_shutdown"]
    ssl_free = <plain_function><size_t>functions["SSL_free"]
    ssl_get_error = <error_function><size_t>functions["SSL_get_error"]
    err_clear_error = <clear_function><size_t>functions["ERR_clear_error"]
    err_peek_last_error = <last_error_function><size_t>functions["ERR_peek_last_error"]
    err_reason_error_string = <reason_function><size_t>functions["ERR_reason_error_string"]
    bio_get_new_index = <index_function><size_t>functions["BIO_get_new_index"]
    bio_meth_new = <method_function><size_t>functions["BIO_meth_new"]
    bio_meth_set_read = <set_reader_function><size_t>functions["BIO_meth_set_read"]
    bio_meth_set_write = <set_writer_function><size_t>functions["BIO_meth_set_write"]
    bio_meth_set_ctrl = <set_control_function><size_t>functions["BIO_meth_set_ctrl"]
    bio_new = <owner_function><size_t>functions["BIO_new"]
    bio_get_data = <owner_function><size_t>functions["BIO_get_data"]
    bio_set_data = <set_owner_function><size_t>functions["BIO_set_data"]
    bio_set_flags = <flags_function><size_t>functions["BIO_set_flags"]
    bio_clear_flags = <flags_function><size_t>functions["BIO_clear_flags"]
    ssl_set_connect_state = <plain_function><size_t>functions["SSL_set_connect_state"]
    ssl_ctrl = <control_function><size_t>functions["SSL_ctrl"]
    ssl_set1_host = <name_function><size_t>functions["SSL_set1_host"]
    ssl_add1_host = <name_function><size_t>functions["SSL_add1_host"]
    ssl_set_session = <set_session_function><size_t>functions["SSL_set_session"]
    ssl_session_free = <plain_function><size_t>functions["SSL_SESSION_free"]
    ssl_get_verify_result = <verdict_function><size_t>functions["SSL_get_verify_result"]
    x509_verify_cert_error_string = <verdict_text_function><size_t>functions["X509_verify_cert_error_string"]
    ssl_set_ex_data = <set_data_function><size_t>functions["SSL_set_ex_data"]
    ssl_get_ex_data = <get_data_function><size_t>functions["SSL_get_ex_data"]
    ssl_ctx_sess_set_new_cb = <on_session_function><size_t>functions["SSL_CTX_sess_set_new_cb"]
    ssl_get0_alpn_selected = <selected_function><size_t>functions["SSL_get0_alpn_selected"]
    if method == NULL:
        method = bio_meth_new(SOURCE_SINK | bio_get_new_index(), b"edge")
        if method == NULL:
            raise MemoryError
        bio_meth_set_read(method, take)
        bio_meth_set_write(method, give)
        bio_meth_set_ctrl(method, control)


cdef int take(void *bio, char *into, int n) noexcept:
    """As recv(2), for OpenSSL."""
    cdef OpenSslTls tls = <OpenSslTls>bio_get_data(bio)
    cdef Py_ssize_t got
    bio_clear_flags(bio, RETRY)
    if tls.ahead is not None:
        got = min(n, PyBytes_GET_SIZE(tls.ahead) - tls.used)
        if got:
            memcpy(into, PyBytes_AS_STRING(tls.ahead) + tls.used, got)
            tls.used += got
            return <int>got
        # All are consumed. The socket is read after a wait, because the handshake continues with the client's answer.
        tls.ahead = None
        bio_set_flags(bio, RETRY_READ)
        return -1
    got = c_recv(tls.fd, into, n, 0)
    if got < 0 and (errno == EAGAIN or errno == EINTR):
        bio_set_flags(bio, RETRY_READ)
    tls.ended = got == 0
    return <int>got


cdef int give(void *bio, const char *p, int n) noexcept:
    """As send(2), for OpenSSL."""
    cdef OpenSslTls tls = <OpenSslTls>bio_get_data(bio)
    cdef Py_ssize_t done
    bio_clear_flags(bio, RETRY)
    if tls.holds and tls.hold(p, n):
        return n
    if tls.held_size:
        done = tls.send_held(p, n)
    else:
        done = c_send(tls.fd, p, n, tls.flags)
        if done < 0 and (errno == EAGAIN or errno == EINTR):
            done = WANT_WRITE
    if done == WANT_WRITE:
        bio_set_flags(bio, RETRY_WRITE)
    return <int>max(done, -1)


cdef long control(void *bio, int command, long number, void *pointer) noexcept:
    """Answers to OpenSSL about a connection's BIO."""
    if command == CTRL_EOF:
        return (<OpenSslTls>bio_get_data(bio)).ended
    return command == CTRL_FLUSH  # what is held stays so


cdef int accept_any(int verified, void *store) noexcept nogil:
    """Make OpenSSL continue regardless of the result of the verification, which it stores."""
    return 1


def accept_any_certificate():
    """The address of a callback for SSL_CTX_set_verify(3) that lets the handshake go on."""
    return <size_t>&accept_any


cdef inline void forget_errors() noexcept:
    """Clear OpenSSL's error queue, by which it explains a result. It is nearly always empty, and clearing it costs a
    call for each of its entries."""
    if err_peek_last_error() != 0:
        err_clear_error()


cdef bint openssl_is_known() noexcept:
    return ssl_new != NULL


cdef class Session:
    """The latest session with one server, by which the next connection to it is resumed (RFC 8446, section 2.2).

    `known`: whether there is one. Its owner must use it for the same server and the same terms.
    """

    def __dealloc__(self):
        self.keep(NULL)

    cdef void keep(self, void *session) noexcept:
        """Own SESSION in place of the previous one."""
        if self.session != NULL:
            ssl_session_free(self.session)
        self.session = session

    @property
    def known(self):
        return self.session != NULL

    def forget(self):
        """Make the next connection begin a new session."""
        self.keep(NULL)


cdef int keep_session(void *ssl, void *session) noexcept:
    """OpenSSL has a new SESSION of SSL; 1: it is ours now."""
    cdef void *owner = ssl_get_ex_data(ssl, OURS)
    if owner == NULL:
        return 0
    (<Session>owner).keep(session)
    return 1


cdef class Tls:
    """One end of a TLS connection; the docstrings say what each step returns."""

    cdef Py_ssize_t handshake(self) except? -9:
        """0: done. Else `WANT_READ`, `WANT_WRITE` or `RESET`. A handshake that fails raises `ssl.SSLError`."""
        raise NotImplementedError

    cdef bint resumed(self) except -1:
        """Whether the handshake resumed a session."""
        raise NotImplementedError

    cdef Py_ssize_t read(self, char *into, Py_ssize_t room) except? -9:
        """The number of bytes put INTO; 0: the end. Else `WANT_READ`, `WANT_WRITE`, `FAILED` or `RESET`."""
        raise NotImplementedError

    cdef Py_ssize_t write(self, const char *p, Py_ssize_t n) except? -9:
        """The number of bytes written. Else as `read`."""
        raise NotImplementedError

    cdef bint pending(self) except -1:
        """Whether bytes that have been read from the socket are buffered here."""
        raise NotImplementedError

    cdef void begin_end(self) noexcept:
        """The next write is the last, and is sent together with close_notify if possible."""

    cdef Py_ssize_t say_goodbye(self) except? -9:
        """Send close_notify, and bytes that are held back, without waiting for the peer's. `WANT_WRITE`: call it again;
        else: done."""
        raise NotImplementedError

    cdef size_t address(self) except? 0:
        """The address of OpenSSL's `SSL`; 0: it is not known."""
        return 0

    cdef str reason(self):
        """Why the last step `FAILED`, in a few words."""
        return "TLS failed"

    cdef bytes protocol(self):
        """The protocol that both sides agreed on by ALPN (RFC 7301); empty: none."""
        raise NotImplementedError


cdef class OpenSslTls(Tls):
    """By OpenSSL itself."""

    def __init__(self, context not None, size_t address, int fd, bytes ahead=b""):
        """Over FD by CONTEXT, an `ssl.SSLContext` whose `SSL_CTX` is at ADDRESS.

        AHEAD: bytes that the peer has sent and that have been taken from FD already.
        """
        cdef void *bio
        self.context = context  # OpenSSL refers to memory that it owns
        self.ssl = ssl_new(<void *>address)
        if self.ssl == NULL:
            raise MemoryError
        self.fd = fd
        bio = bio_new(method)
        if bio == NULL:
            raise MemoryError
        bio_set_data(bio, <void *>self)
        ssl_set_bio(self.ssl, bio, bio)
        ssl_set_accept_state(self.ssl)
        self.is_server = True
        self.flags = MSG_NOSIGNAL
        self.ahead = ahead or None

    def __dealloc__(self):
        if self.ssl != NULL:
            ssl_free(self.ssl)
        free(self.held)

    cdef bint hold(self, const char *p, Py_ssize_t n) noexcept:
        """Hold back N bytes at P until others follow; returns whether there is room."""
        cdef char *larger
        if self.held_size + n > HELD:
            return False
        if self.held_size + n > self.held_room:
            larger = <char *>realloc(self.held, HELD)
            if larger == NULL:
                return False
            self.held = larger
            self.held_room = HELD
        memcpy(self.held + self.held_size, p, n)
        self.held_size += n
        return True

    cdef Py_ssize_t send_held(self, const char *p, Py_ssize_t n) noexcept:
        """Send the bytes that are held back and the N bytes at P; returns how many of these. Else `WANT_WRITE` or
        `RESET`."""
        cdef iovec pieces[2]
        cdef msghdr message
        cdef Py_ssize_t done
        pieces[0].iov_base = self.held
        pieces[0].iov_len = self.held_size
        pieces[1].iov_base = <void *>p
        pieces[1].iov_len = n
        memset(&message, 0, sizeof(message))
        message.msg_iov = pieces
        message.msg_iovlen = 2
        done = c_sendmsg(self.fd, &message, self.flags)
        if done < 0:
            return WANT_WRITE if errno == EAGAIN or errno == EINTR else RESET
        if done < self.held_size or (n and done == self.held_size):
            self.held_size -= done
            memmove(self.held, self.held + done, self.held_size)
            return WANT_WRITE
        done -= self.held_size
        self.held_size = self.held_room = 0
        free(self.held)
        self.held = NULL
        return done

    cdef size_t address(self) except? 0:
        return <size_t>self.ssl

    cdef int as_client(self, bytes server_name, tuple names, Session session) except -1:
        """Be the client's end. SERVER_NAME is sent (RFC 6066, section 3; empty: none is).

        NAMES: the server's certificate has to be for one of them, where the context verifies it (none: for any).
        SESSION is resumed if it is known, and keeps new ones.
        """
        cdef bint first = True
        ssl_set_connect_state(self.ssl)
        self.is_server = False
        if server_name and ssl_ctrl(self.ssl, SET_TLSEXT_HOSTNAME, HOST_NAME, <void *>PyBytes_AS_STRING(server_name)) != 1:
            raise SslError("the server name cannot be sent")
        for name in names:
            if (ssl_set1_host if first else ssl_add1_host)(self.ssl, PyBytes_AS_STRING(<bytes>name)) != 1:
                raise SslError("the server's name cannot be verified")
            first = False
        self.session = session
        ssl_set_ex_data(self.ssl, OURS, <void *>session)
        if session.session != NULL:
            ssl_set_session(self.ssl, session.session)
        return 0

    cdef Py_ssize_t not_yet(self, int result) noexcept:
        """The meaning of RESULT, which is not a success."""
        cdef int error = ssl_get_error(self.ssl, result)
        if error == SSL_ERROR_WANT_READ:
            return WANT_READ
        if error == SSL_ERROR_WANT_WRITE:
            return WANT_WRITE
        if error == SSL_ERROR_ZERO_RETURN:
            return 0
        return FAILED if error == SSL_ERROR_SSL else RESET

    cdef Py_ssize_t handshake(self) except? -9:
        cdef int done
        cdef Py_ssize_t step
        cdef const char *verdict
        cdef char *smaller
        step = self.send_held(NULL, 0) if self.held_size else 0
        if step < 0:
            return step
        forget_errors()
        # From TLS 1.3 on a client does not wait for the last messages of the server.
        self.holds = self.is_server and self.ahead is None and ssl_version(self.ssl) == TLS_1_3
        done = ssl_do_handshake(self.ssl)
        self.holds = False
        if done == 1:
            if self.held_size:
                smaller = <char *>realloc(self.held, self.held_size)  # it may take long until others follow
                if smaller != NULL:
                    self.held = smaller
                    self.held_room = self.held_size
            return 0
        step = self.not_yet(done)
        if self.held_size and self.send_held(NULL, 0) == WANT_WRITE and step == WANT_READ:
            return WANT_WRITE
        if step == FAILED:
            reason = self.reason()
            if self.session is not None and reason == "certificate verify failed":
                verdict = x509_verify_cert_error_string(ssl_get_verify_result(self.ssl))
                reason = f"{reason}: {(<bytes>verdict).decode()}"
            raise SslError(reason)
        return step if step else RESET

    cdef bint resumed(self) except -1:
        return ssl_session_reused(self.ssl) == 1

    cdef Py_ssize_t read(self, char *into, Py_ssize_t room) except? -9:
        cdef int n
        forget_errors()
        n = ssl_read(self.ssl, into, <int>room)
        return n if n > 0 else self.not_yet(n)

    cdef Py_ssize_t write(self, const char *p, Py_ssize_t n) except? -9:
        cdef int done
        cdef Py_ssize_t step
        forget_errors()
        done = ssl_write(self.ssl, p, <int>min(n, 1 << 30))
        if done > 0:
            return done
        step = self.not_yet(done)
        return step if step else RESET

    cdef bint pending(self) except -1:
        return ssl_has_pending(self.ssl) != 0

    cdef void begin_end(self) noexcept:
        self.holds = True
        self.flags = MSG_NOSIGNAL | MSG_MORE  # shutdown(2) follows

    cdef Py_ssize_t say_goodbye(self) except? -9:
        cdef int done
        cdef Py_ssize_t step
        forget_errors()
        self.holds = False
        done = ssl_shutdown(self.ssl)
        step = 0 if done >= 0 else self.not_yet(done)
        forget_errors()
        return step

    cdef str reason(self):
        cdef const char *reason = err_reason_error_string(err_peek_last_error())
        return (<bytes>reason).decode() if reason != NULL else "TLS failed"

    cdef bytes protocol(self):
        cdef const unsigned char *data = NULL
        cdef unsigned int size = 0
        ssl_get0_alpn_selected(self.ssl, &data, &size)
        return data[:size] if size else b""


cdef class PythonTls(Tls):
    """By Python's `_ssl._SSLSocket`."""

    def __init__(self, connection not None):
        self.connection = connection

    cdef Py_ssize_t handshake(self) except? -9:
        try:
            self.connection.do_handshake()
        except WantRead:
            return WANT_READ
        except WantWrite:
            return WANT_WRITE
        return 0

    cdef bint resumed(self) except -1:
        return self.connection.session_reused

    cdef Py_ssize_t read(self, char *into, Py_ssize_t room) except? -9:
        try:
            return self.connection.read(room, PyMemoryView_FromMemory(into, room, PyBUF_WRITE))
        except WantRead:
            return WANT_READ
        except WantWrite:
            return WANT_WRITE
        except End:
            return 0
        except SslError:
            return FAILED
        except OSError:
            return RESET

    cdef Py_ssize_t write(self, const char *p, Py_ssize_t n) except? -9:
        try:
            return self.connection.write(PyMemoryView_FromMemory(<char *>p, n, PyBUF_READ))
        except WantWrite:
            return WANT_WRITE
        except WantRead:
            return WANT_READ
        except SslError:
            return FAILED
        except (OSError, ValueError):
            return RESET

    cdef bint pending(self) except -1:
        return self.connection.pending() > 0

    cdef Py_ssize_t say_goodbye(self) except? -9:
        try:
            self.connection.shutdown()
        except (OSError, ValueError):
            pass
        return 0

    cdef bytes protocol(self):
        return (self.connection.selected_alpn_protocol() or "").encode()


def keep_sessions(size_t address):
    """Make client connections of the context whose `SSL_CTX` is at ADDRESS keep their sessions in their `Session`."""
    if ssl_ctx_sess_set_new_cb != NULL:
        ssl_ctx_sess_set_new_cb(<void *>address, keep_session)
