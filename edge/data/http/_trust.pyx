# cython: language_level=3
"""Trusted peers, and the search for the client in X-Forwarded-For.

Rules of this file:
- The search begins with the nearest hop, at the right end, and stops at the first address that is not trusted. Entries
  to the left of that come from an untrusted peer and are not read.
- An entry is an IP address, or one with a port (RFC 7239, section 6: IPv6 in brackets). Anything else (`unknown`, an
  obfuscated identifier, an address with a zone) ends the search. Empty members are skipped (RFC 9110, section 5.6.1).
- A client decides how many entries there are: each costs one inet_pton(3), and no Python object.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.stdint cimport uint8_t
from libc.string cimport memchr, memcmp, memcpy, memset

import ipaddress

cdef extern from "sys/socket.h":
    ctypedef unsigned int socklen_t
    int AF_INET, AF_INET6

cdef extern from "arpa/inet.h":
    int inet_pton(int family, const char *text, void *address) nogil
    const char *inet_ntop(int family, const void *address, char *text, socklen_t size) nogil

cdef enum:
    LONGEST = 46  # INET6_ADDRSTRLEN: of an address as text, with NUL
    MAPPED = 96   # bits before an IPv4 address within IPv6

cdef struct Node:
    uint8_t bytes[16]  # IPv4 as it is mapped into IPv6 (RFC 4291, section 2.5.5.2)
    int family         # as it was written
    bint four          # whether it is IPv4, also where it was written as IPv6

cdef struct Network:
    Node node
    int bits

cdef uint8_t mapped[12]
memset(mapped, 0, 12)
mapped[10] = mapped[11] = 255


cdef bint parse(const char *p, Py_ssize_t n, int family, Node *node) noexcept nogil:
    """Read the address of N bytes at P into NODE; False: it is none."""
    cdef char text[LONGEST]
    if n <= 0 or n >= LONGEST or memchr(p, 0, n) != NULL:
        return False
    memcpy(text, p, n)
    text[n] = 0
    node.family = family
    if family == AF_INET:
        memcpy(node.bytes, mapped, 12)
        node.four = True
        return inet_pton(AF_INET, text, node.bytes + 12) == 1
    if inet_pton(AF_INET6, text, node.bytes) != 1:
        return False
    node.four = memcmp(node.bytes, mapped, 12) == 0
    return True


cdef bint is_port(const char *p, Py_ssize_t n) noexcept nogil:
    """Whether the N bytes at P are a colon and a port."""
    cdef Py_ssize_t i
    cdef int port = 0
    if n < 2 or n > 6 or p[0] != 58:
        return False
    for i in range(1, n):
        if not 48 <= p[i] <= 57:
            return False
        port = port * 10 + p[i] - 48
    return port < 65536


cdef bint parse_entry(const char *p, Py_ssize_t n, Node *node) noexcept nogil:
    """Read a member of the chain, an address with or without a port, into NODE; False: it is something else."""
    cdef const char *found
    cdef Py_ssize_t at
    if n > LONGEST + 8:
        return False
    if p[0] == 91:
        found = <const char *>memchr(p, 93, n)
        if found == NULL:
            return False
        at = found - p
        if at + 1 < n and not is_port(found + 1, n - at - 1):
            return False
        return parse(p + 1, at - 1, AF_INET6, node)
    found = <const char *>memchr(p, 58, n)
    if found == NULL:
        return parse(p, n, AF_INET, node)
    at = found - p
    if memchr(found + 1, 58, n - at - 1) != NULL:
        return parse(p, n, AF_INET6, node)
    return is_port(found, n - at) and parse(p, at, AF_INET, node)


cdef bint is_within(const Node *node, const Network *network) noexcept nogil:
    """Whether NODE is one of NETWORK; IPv4 is never within a network of IPv6, whatever its size."""
    cdef int whole = network.bits >> 3, rest = network.bits & 7
    if node.four != network.node.four or memcmp(node.bytes, network.node.bytes, whole) != 0:
        return False
    return not rest or (node.bytes[whole] ^ network.node.bytes[whole]) >> (8 - rest) == 0


cdef class Trust:
    """The networks of trusted peers."""

    cdef Network *networks
    cdef int count

    def __init__(self, networks):
        """NETWORKS are address blocks such as 10.0.0.0/8; bits behind the prefix do not matter.

        Raises:
            ValueError: one is no address block.
        """
        cdef Network *network
        # The widest first: 0.0.0.0/0 decides at once.
        blocks = sorted((ipaddress.ip_network(block, strict=False) for block in networks), key=lambda one: one.prefixlen)
        PyMem_Free(self.networks)
        self.count = 0
        self.networks = <Network *>PyMem_Calloc(max(len(blocks), 1), sizeof(Network))
        if self.networks == NULL:
            raise MemoryError
        for block in blocks:
            network = self.networks + self.count
            address = block.network_address.packed
            network.bits = block.prefixlen
            if len(address) == 4:
                memcpy(network.node.bytes, mapped, 12)
                memcpy(network.node.bytes + 12, PyBytes_AS_STRING(address), 4)
                network.bits += MAPPED
            else:
                memcpy(network.node.bytes, PyBytes_AS_STRING(address), 16)
            network.node.four = network.bits >= MAPPED and memcmp(network.node.bytes, mapped, 12) == 0
            self.count += 1

    def __dealloc__(self):
        PyMem_Free(self.networks)

    cdef bint _covers(self, const Node *node) noexcept nogil:
        cdef int i
        for i in range(self.count):
            if is_within(node, self.networks + i):
                return True
        return False

    def covers(self, str address not None):
        """Whether the host at ADDRESS is trusted; a text that is not an address is not."""
        cdef bytes text = address.encode()
        cdef Node node
        cdef int family = AF_INET6 if b":" in text else AF_INET
        return parse(PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text), family, &node) and self._covers(&node)

    def client(self, bytes chain not None, str peer not None):
        """The client, if a trusted PEER sends CHAIN as the value of X-Forwarded-For: the nearest hop that is not
        trusted; if all are trusted, the furthest one that can be read; PEER if there is none. In its shortest form (RFC
        5952), without port.
        """
        cdef const char *p = PyBytes_AS_STRING(chain)
        cdef Py_ssize_t end = PyBytes_GET_SIZE(chain), begin, next_end
        cdef Node node, client
        cdef bint found = False
        cdef char text[LONGEST]
        while end > 0:
            begin = end
            while begin > 0 and p[begin - 1] != 44:
                begin -= 1
            next_end = begin - 1
            while begin < end and (p[begin] == 32 or p[begin] == 9):
                begin += 1
            while end > begin and (p[end - 1] == 32 or p[end - 1] == 9):
                end -= 1
            if begin < end:
                if not parse_entry(p + begin, end - begin, &node):
                    break
                client = node
                found = True
                if not self._covers(&node):
                    break
            end = next_end
        if not found:
            return peer
        inet_ntop(client.family, client.bytes + (12 if client.family == AF_INET else 0), text, LONGEST)
        return text.decode("ascii")
