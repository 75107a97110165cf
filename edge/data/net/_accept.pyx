# cython: language_level=3
"""Accepting a connection: one system call, and the peer's address as text; counting the open ones; and the address to
connect to."""

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.exc cimport PyErr_SetFromErrno
from cpython.unicode cimport PyUnicode_AsUTF8, PyUnicode_DecodeASCII
from libc.errno cimport EAGAIN, EINTR, errno
from libc.string cimport memset, strchr

from edge.data.net._digits cimport put_decimal
from edge.data.net._sockets cimport (
    AF_INET, AF_INET6, INET6_ADDRSTRLEN, SOCK_CLOEXEC, SOCK_NONBLOCK, htons, inet_ntop, inet_pton, sockaddr, sockaddr_in,
    sockaddr_in6, socklen_t,
)

cdef extern from "sys/socket.h":
    struct sockaddr_storage:
        pass
    int c_accept4 "accept4"(int fd, sockaddr *address, socklen_t *size, int flags)


def socket_address(str address not None, int port):
    """ADDRESS, of IPv4 or IPv6, and PORT as connect(2) takes them. What is no address has no family, so that no socket
    is made for it; zeros would be this machine.
    """
    cdef const char *text = PyUnicode_AsUTF8(address)
    cdef sockaddr_in6 to
    cdef sockaddr_in *to4 = <sockaddr_in *>&to
    memset(&to, 0, sizeof(to))
    if strchr(text, b":") != NULL:
        if inet_pton(AF_INET6, text, &to.sin6_addr) == 1:
            to.sin6_family = AF_INET6
        to.sin6_port = htons(port)
        return PyBytes_FromStringAndSize(<char *>&to, sizeof(sockaddr_in6))
    if inet_pton(AF_INET, text, &to4.sin_addr) == 1:
        to4.sin_family = AF_INET
    to4.sin_port = htons(port)
    return PyBytes_FromStringAndSize(<char *>&to, sizeof(sockaddr_in))


cdef class Counted:
    """Connections of which `accepted` are open, whatever they speak."""


def accept(int listener):
    """The descriptor, non-blocking, of the next connection to LISTENER and its peer's address; None: no connection is waiting.

    An IPv6 address is given without its zone, which has no meaning on other machines.

    Raises:
        OSError: as accept4(2).
    """
    cdef sockaddr_storage address
    cdef socklen_t size = sizeof(address)
    cdef char text[INET6_ADDRSTRLEN]  # also room for put_decimal
    cdef const unsigned char *source
    cdef int i, length = 0
    cdef int fd = c_accept4(listener, <sockaddr *>&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC)
    if fd < 0:
        if errno == EAGAIN or errno == EINTR:
            return None
        PyErr_SetFromErrno(OSError)
    cdef int family = (<sockaddr *>&address).sa_family
    if family == AF_INET:
        source = <const unsigned char *>&(<sockaddr_in *>&address).sin_addr
        for i in range(4):
            if i:
                text[length] = 46
                length += 1
            length += put_decimal(text + length, source[i])
        return fd, PyUnicode_DecodeASCII(text, length, NULL)
    if family == AF_INET6:
        inet_ntop(family, &(<sockaddr_in6 *>&address).sin6_addr, text, INET6_ADDRSTRLEN)
        return fd, text.decode("ascii")
    return fd, ""
