# cython: language_level=3
"""TLS over a non-blocking socket, in steps that never wait.

Rules of this file:
- "Not yet" is a number, `WANT_READ` or `WANT_WRITE`, never an exception; waiting is the stream's business.
- OpenSSL is called directly where its functions are known (`use_openssl`): Python's wrappers cost an exception for each
  time that there is nothing to read, and two objects for each piece of data. Else through Python's object.
"""

import ssl

from cpython.buffer cimport PyBUF_READ, PyBUF_WRITE
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.memoryview cimport PyMemoryView_FromMemory

SslError = ssl.SSLError
WantRead = ssl.SSLWantReadError
WantWrite = ssl.SSLWantWriteError
End = (ssl.SSLZeroReturnError, ssl.SSLEOFError)

# OpenSSL's functions, by address.
ctypedef void *(*new_function)(void *context) noexcept
ctypedef int (*descriptor_function)(void *ssl, int fd) noexcept
ctypedef void (*plain_function)(void *ssl) noexcept
ctypedef int (*state_function)(const void *ssl) noexcept
ctypedef int (*read_function)(void *ssl, void *into, int n) noexcept
ctypedef int (*write_function)(void *ssl, const void *p, int n) noexcept
ctypedef int (*error_function)(const void *ssl, int result) noexcept
ctypedef void (*clear_function)() noexcept
ctypedef unsigned long (*last_error_function)() noexcept
ctypedef const char *(*reason_function)(unsigned long error) noexcept
ctypedef void *(*memory_function)(const void *p, int n) noexcept
ctypedef long (*control_function)(void *bio, int command, long number, void *pointer) noexcept
ctypedef void (*source_function)(void *ssl, void *bio) noexcept
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
cdef descriptor_function ssl_set_fd = NULL
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
cdef descriptor_function ssl_set_rfd = NULL
cdef source_function ssl_set0_rbio = NULL
cdef memory_function bio_new_mem_buf = NULL
cdef control_function bio_ctrl = NULL
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
    SET_BUF_MEM_EOF_RETURN = 130  # BIO_C_SET_BUF_MEM_EOF_RETURN
    SET_TLSEXT_HOSTNAME = 55      # SSL_CTRL_SET_TLSEXT_HOSTNAME
    HOST_NAME = 0                 # TLSEXT_NAMETYPE_host_name
    OURS = 0                      # the index of SSL_set_app_data(3)


def use_openssl(dict functions not None):
    """From now on speak TLS by FUNCTIONS of OpenSSL, addresses by name."""
    global ssl_new, ssl_set_fd, ssl_set_accept_state, ssl_do_handshake, ssl_session_reused, ssl_read, ssl_write
    global ssl_has_pending, ssl_shutdown, ssl_free, ssl_get_error, err_clear_error, err_peek_last_error
    global err_reason_error_string, ssl_set_rfd, ssl_set0_rbio, bio_new_mem_buf, bio_ctrl
    global ssl_set_connect_state, ssl_ctrl, ssl_set1_host, ssl_add1_host, ssl_set_session, ssl_session_free
    global ssl_get_verify_result, x509_verify_cert_error_string, ssl_set_ex_data, ssl_get_ex_data
    global ssl_ctx_sess_set_new_cb, ssl_get0_alpn_selected
    ssl_new = <new_function><size_t>functions["SSL_new"]
    ssl_set_fd = <descriptor_function><size_t>functions["SSL_set_fd"]
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
    ssl_set_rfd = <descriptor_function><size_t>functions["SSL_set_rfd"]
    ssl_set0_rbio = <source_function><size_t>functions["SSL_set0_rbio"]
    bio_new_mem_buf = <memory_function><size_t>functions["BIO_new_mem_buf"]
    bio_ctrl = <control_function><size_t>functions["BIO_ctrl"]
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


cdef int accept_any(int verified, void *store) noexcept nogil:
    """Have OpenSSL go on whatever it has found out; it keeps what that was."""
    return 1


def accept_any_certificate():
    """The address of a callback for SSL_CTX_set_verify(3) that lets the handshake go on."""
    return <size_t>&accept_any


cdef bint openssl_is_known() noexcept:
    return ssl_new != NULL


cdef class Session:
    """The latest session with one server, by which the next connection to it is resumed (RFC 8446, section 2.2).

    `known`: whether there is one. Which server it is, and on which terms, is its owner's business.
    """

    def __dealloc__(self):
        self.keep(NULL)

    cdef void keep(self, void *session) noexcept:
        """Own SESSION from now on, in place of the one before."""
        if self.session != NULL:
            ssl_session_free(self.session)
        self.session = session

    @property
    def known(self):
        return self.session != NULL

    def forget(self):
        """The next connection begins a session of its own."""
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
        """The number of bytes taken. Else as `read`."""
        raise NotImplementedError

    cdef bint pending(self) except -1:
        """Whether bytes that have been taken from the socket wait in here."""
        raise NotImplementedError

    cdef say_goodbye(self):
        """Send close_notify; the peer's own is not waited for."""
        raise NotImplementedError

    cdef size_t address(self) except? 0:
        """Where OpenSSL has the connection; 0: it is not known."""
        return 0

    cdef str reason(self):
        """Why the step before `FAILED`, in a few words."""
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
        cdef void *memory
        self.context = context  # OpenSSL refers to memory that it owns
        self.ssl = ssl_new(<void *>address)
        if self.ssl == NULL:
            raise MemoryError
        self.fd = fd
        ssl_set_fd(self.ssl, fd)
        ssl_set_accept_state(self.ssl)
        if ahead:
            self.ahead = ahead  # OpenSSL reads them where they are
            memory = bio_new_mem_buf(PyBytes_AS_STRING(ahead), <int>PyBytes_GET_SIZE(ahead))
            if memory == NULL:
                raise MemoryError
            bio_ctrl(memory, SET_BUF_MEM_EOF_RETURN, -1, NULL)  # behind them is more, not the end
            ssl_set0_rbio(self.ssl, memory)

    def __dealloc__(self):
        if self.ssl != NULL:
            ssl_free(self.ssl)

    cdef size_t address(self) except? 0:
        return <size_t>self.ssl

    cdef int as_client(self, bytes server_name, tuple names, Session session) except -1:
        """Be the client's end. SERVER_NAME is sent (RFC 6066, section 3; empty: none is).

        NAMES: the server's certificate has to be for one of them, where the context verifies it (none: for any).
        SESSION is resumed if it is known, and keeps new ones.
        """
        cdef bint first = True
        ssl_set_connect_state(self.ssl)
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
        err_clear_error()
        done = ssl_do_handshake(self.ssl)
        if self.ahead is not None and (done == 1 or self.not_yet(done) == WANT_READ):
            # They are used up: no handshake ends before its client has answered.
            ssl_set_rfd(self.ssl, self.fd)
            self.ahead = None
            if done != 1:
                done = ssl_do_handshake(self.ssl)
        if done == 1:
            return 0
        step = self.not_yet(done)
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
        err_clear_error()
        n = ssl_read(self.ssl, into, <int>room)
        return n if n > 0 else self.not_yet(n)

    cdef Py_ssize_t write(self, const char *p, Py_ssize_t n) except? -9:
        cdef int done
        cdef Py_ssize_t step
        err_clear_error()
        done = ssl_write(self.ssl, p, <int>min(n, 1 << 30))
        if done > 0:
            return done
        step = self.not_yet(done)
        return step if step else RESET

    cdef bint pending(self) except -1:
        return ssl_has_pending(self.ssl) != 0

    cdef say_goodbye(self):
        err_clear_error()
        ssl_shutdown(self.ssl)
        err_clear_error()

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

    cdef say_goodbye(self):
        try:
            self.connection.shutdown()
        except (OSError, ValueError):
            pass

    cdef bytes protocol(self):
        return (self.connection.selected_alpn_protocol() or "").encode()


def keep_sessions(size_t address):
    """Have clients by the context whose `SSL_CTX` is at ADDRESS keep their sessions in their `Session`."""
    if ssl_ctx_sess_set_new_cb != NULL:
        ssl_ctx_sess_set_new_cb(<void *>address, keep_session)
