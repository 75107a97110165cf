"""Accepting: one call for a descriptor and an address."""

from __future__ import annotations

import errno
import os
import socket
import sys

import pytest

from edge.data.net._accept import accept, socket_address


@pytest.mark.parametrize("host", ["127.0.0.1", "127.10.255.203", "::1"])
def test_a_connection_is_a_non_blocking_descriptor_that_no_child_inherits_and_an_address(host):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    if family == socket.AF_INET6 and not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    with socket.create_server((host, 0), family=family) as listener:
        listener.setblocking(False)
        with socket.create_connection(listener.getsockname()[:2], source_address=(host, 0)) as client:
            fd, address = accept(listener.fileno())
            assert address == host
            assert not os.get_blocking(fd)
            assert not os.get_inheritable(fd)
            os.write(fd, b"hello")
            assert client.recv(10) == b"hello"
            os.close(fd)


def test_ipv4_on_an_ipv6_socket_is_told_as_it_comes():
    with (
        socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as listener,
        socket.create_connection(("127.0.0.1", listener.getsockname()[1])),
    ):
        fd, address = accept(listener.fileno())
        os.close(fd)
    assert address == "::ffff:127.0.0.1"


def test_where_nobody_waits_there_is_nothing():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        assert accept(listener.fileno()) is None


def test_what_is_no_listener_is_an_error():
    with socket.socket() as sock, pytest.raises(OSError, match=os.strerror(errno.EINVAL)):
        accept(sock.fileno())


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_an_address_to_connect_to_has_family_port_and_host(host):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    if family == socket.AF_INET6 and not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    made = socket_address(host, 0x1F90)
    assert int.from_bytes(made[:2], sys.byteorder) == family
    assert made[2:4] == b"\x1f\x90"
    assert socket.inet_pton(family, host) in made
    assert len(made) == (16 if family == socket.AF_INET else 28)


@pytest.mark.parametrize("text", ["", "a.example", "127.1", "fe80::1%eth0", "::ffff:1.2.3"])
def test_what_is_no_address_is_not_taken_for_this_machine(text):
    made = socket_address(text, 80)
    with pytest.raises(OSError, match=os.strerror(errno.EAFNOSUPPORT)):
        socket.socket(int.from_bytes(made[:2], sys.byteorder), socket.SOCK_STREAM)
