# Socket addresses of either family, for the leaves that call connect(2) and accept(2) themselves.

cdef extern from "sys/socket.h":
    ctypedef unsigned int socklen_t
    struct sockaddr:
        unsigned short sa_family
    int c_socket "socket"(int family, int kind, int protocol)
    int c_connect "connect"(int fd, const sockaddr *address, socklen_t size)
    enum: AF_INET, AF_INET6
    int SOCK_STREAM, SOCK_DGRAM, SOCK_NONBLOCK, SOCK_CLOEXEC

cdef extern from "netinet/in.h":
    struct in_addr:
        pass
    struct in6_addr:
        pass
    struct sockaddr_in:
        unsigned short sin_family
        unsigned short sin_port
        in_addr sin_addr
    struct sockaddr_in6:
        unsigned short sin6_family
        unsigned short sin6_port
        in6_addr sin6_addr
    enum: INET6_ADDRSTRLEN

cdef extern from "arpa/inet.h":
    const char *inet_ntop(int family, const void *address, char *text, socklen_t size)
    int inet_pton(int family, const char *text, void *address)
    unsigned short htons(unsigned short port)


cdef inline bint get_address(const sockaddr_in6 *of, char *text) noexcept:
    """Put the address OF as text into TEXT, of INET6_ADDRSTRLEN bytes; whether it is one."""
    if of.sin6_family == AF_INET6:
        return inet_ntop(AF_INET6, &of.sin6_addr, text, INET6_ADDRSTRLEN) != NULL
    return of.sin6_family == AF_INET and inet_ntop(
        AF_INET, &(<const sockaddr_in *>of).sin_addr, text, INET6_ADDRSTRLEN
    ) != NULL
