"""Listening addresses: `ADDR:PORT`, `[V6]:PORT`, `:PORT` (every address of the machine), and the sockets for them.

An IPv6 socket takes IPv6 only, so that `0.0.0.0:80` and `[::]:80` can be used side by side, and no peer has an
IPv4-mapped address. Port 0 asks the kernel for a free port.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import re
import socket
from typing import Any, NamedTuple

BACKLOG = 4096
"""Connections that may wait to be accepted; the kernel lowers it to net.core.somaxconn."""

IP_PKTINFO = 8
"""Of Linux (ip(7)); Python 3.11 has no name for it."""

_FORM = re.compile(r"(?:\[(?P<v6>[^\]]*)\]|(?P<host>[^:\[\]]*)):(?P<port>[0-9]{1,5})", re.ASCII)


class AddressError(ValueError):
    """Not an address to listen on; the message says why."""


class ListenError(Exception):
    """The address cannot be listened on now; the message says why and what to do."""

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.errno = number


class Address(NamedTuple):
    """An IP address and a port."""

    host: str
    """IPv4 or IPv6 without brackets, in its shortest form."""
    port: int

    @property
    def family(self) -> socket.AddressFamily:
        """AF_INET or AF_INET6."""
        return socket.AF_INET6 if ":" in self.host else socket.AF_INET

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse(text: str) -> Address:
    """The address in TEXT; `:PORT` is the port on every IPv4 address.

    Raises:
        AddressError: TEXT is not an address.
    """
    match = _FORM.fullmatch(text.strip())
    if match is None:
        hint = "; an IPv6 address stands in brackets" if text.count(":") > 1 and "[" not in text else ""
        raise AddressError(f"{text!r} is not ADDR:PORT, [V6ADDR]:PORT or :PORT{hint}")
    port = int(match["port"])
    if port > 65535:
        raise AddressError(f"{text!r}: the highest port is 65535")
    if match["v6"] is not None:
        return Address(_ip(match["v6"], 6, text), port)
    host = {"": "0.0.0.0", "localhost": "127.0.0.1"}.get(match["host"], match["host"])
    return Address(_ip(host, 4, text), port)


def parse_listener(text: str) -> tuple[Address, ...]:
    """As `parse`, but `:PORT` is the port on every IPv4 and every IPv6 address."""
    address = parse(text)
    if text.strip().startswith(":"):
        return address, Address("::", address.port)
    return (address,)


def of(socket_name: Any) -> Address:
    """The address in the result of `getsockname`."""
    return Address(socket_name[0], socket_name[1])


def listen(address: Address, *, backlog: int = BACKLOG) -> socket.socket:
    """A non-blocking listening socket at ADDRESS.

    Raises:
        ListenError: the kernel refuses.
    """
    try:
        sock = socket.socket(address.family, socket.SOCK_STREAM)
    except OSError as error:
        raise _explained(address, error) from error
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # accepted sockets inherit it (tcp(7))
        if address.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(address)
        sock.listen(backlog)
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        raise _explained(address, error) from error
    return sock


def bind_group(address: Address, size: int) -> list[socket.socket]:
    """SIZE non-blocking sockets for datagrams at ADDRESS, among which the kernel spreads clients (SO_REUSEPORT).

    Bound to all addresses, they say to which one a datagram was sent.

    Raises:
        ListenError: the kernel refuses.
    """
    group: list[socket.socket] = []
    try:
        # The address must be free before the group is made: another program may have a group of its own there.
        with socket.socket(address.family, socket.SOCK_DGRAM) as alone:
            _only_ipv6(alone)
            alone.bind(address)
        for _ in range(size):
            sock = socket.socket(address.family, socket.SOCK_DGRAM)
            group.append(sock)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            _only_ipv6(sock)
            if address.host == "0.0.0.0":
                sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
            elif address.host == "::":
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
            sock.bind(address)
            sock.setblocking(False)
    except OSError as error:
        for sock in group:
            sock.close()
        raise _explained(address, error) from error
    return group


def _only_ipv6(sock: socket.socket) -> None:
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)


def lacks_ipv6(error: ListenError) -> bool:
    """Whether ERROR says that this machine has no IPv6."""
    return error.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)


def _ip(host: str, version: int, text: str) -> str:
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        ip = None
    if ip is None or ip.version != version:
        raise AddressError(f"{text!r}: {host!r} is not an IPv{version} address")
    return str(ip)


def _explained(address: Address, error: OSError) -> ListenError:
    number = error.errno or 0
    reason = {
        errno.EADDRINUSE: "the address is in use by another process",
        errno.EACCES: "permission denied; ports below net.ipv4.ip_unprivileged_port_start need CAP_NET_BIND_SERVICE",
        errno.EADDRNOTAVAIL: "this machine does not have that address",
        errno.EAFNOSUPPORT: "this machine has no IPv6",
    }.get(number, os.strerror(number))
    return ListenError(f"cannot listen on {address}: {reason}", number)
