# cython: language_level=3
"""Accepting a connection: one system call, and the peer's address as text."""

from cpython.exc cimport PyErr_SetFromErrno
from cpython.unicode cimport PyUnicode_DecodeASCII
from libc.errno cimport EAGAIN, EINTR, errno

from edge.data.net._digits cimport put_decimal

cdef extern from "sys/socket.h":
    ctypedef unsigned int socklen_t
    struct sockaddr:
        unsigned short sa_family
    struct sockaddr_storage:
        pass
    int c_accept4 "accept4"(int fd, sockaddr *address, socklen_t *size, int flags)
    int AF_INET, AF_INET6, SOCK_NONBLOCK, SOCK_CLOEXEC

cdef extern from "netinet/in.h":
    struct in_addr:
        pass
    struct in6_addr:
        pass
    struct sockaddr_in:
        in_addr sin_addr
    struct sockaddr_in6:
        in6_addr sin6_addr
    enum: INET6_ADDRSTRLEN

cdef extern from "arpa/inet.h":
    const char *inet_ntop(int family, const void *address, char *text, socklen_t size)


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
