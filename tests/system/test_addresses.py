"""Listening addresses."""

from __future__ import annotations

import errno
import socket
import threading

import pytest

from edge.system import addresses
from edge.system.addresses import Address, AddressError, ListenError
from tests.support.waiting import free_port, has_ipv6

needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")

TAKEN = {
    "127.0.0.1:80": Address("127.0.0.1", 80),
    "0.0.0.0:0": Address("0.0.0.0", 0),
    ":8080": Address("0.0.0.0", 8080),
    "localhost:65535": Address("127.0.0.1", 65535),
    "[::]:80": Address("::", 80),
    "[0:0:0:0:0:0:0:1]:443": Address("::1", 443),
    "[FE80::1]:1": Address("fe80::1", 1),
    " 127.0.0.1:80 ": Address("127.0.0.1", 80),
}

REFUSED = {
    "": "is not ADDR:PORT",
    "80": "is not ADDR:PORT",
    "127.0.0.1": "is not ADDR:PORT",
    "127.0.0.1:": "is not ADDR:PORT",
    "127.0.0.1:http": "is not ADDR:PORT",
    "127.0.0.1:٨٠": "is not ADDR:PORT",
    "::1:80": "an IPv6 address stands in brackets",
    "[::1]": "is not ADDR:PORT",
    "127.0.0.1:65536": "the highest port is 65535",
    "[127.0.0.1]:80": "'127.0.0.1' is not an IPv6 address",
    "edge.example:80": "'edge.example' is not an IPv4 address",
    "256.0.0.1:80": "'256.0.0.1' is not an IPv4 address",
    "[]:80": "'' is not an IPv6 address",
}


@pytest.mark.parametrize(("text", "address"), TAKEN.items())
def test_forms(text: str, address: Address) -> None:
    """IPv4, bracketed IPv6 in its shortest form, localhost, or the port alone."""
    assert addresses.parse(text) == address


@pytest.mark.parametrize(("text", "reason"), REFUSED.items())
def test_other_forms_are_refused(text: str, reason: str) -> None:
    """With the text and the reason."""
    with pytest.raises(AddressError) as refusal:
        addresses.parse(text)
    assert reason in str(refusal.value)
    assert repr(text) in str(refusal.value)


def test_a_port_alone_is_listened_on_in_both_families() -> None:
    """`:80` is every address of the machine; an address is itself."""
    assert addresses.parse_listener(":80") == (Address("0.0.0.0", 80), Address("::", 80))
    assert addresses.parse_listener("0.0.0.0:80") == (Address("0.0.0.0", 80),)


def test_text_and_address_are_one() -> None:
    """What `str` gives is what `parse` takes."""
    for text in ("127.0.0.1:80", "[::1]:443"):
        assert str(addresses.parse(text)) == text


def test_listening() -> None:
    """The socket does not block, takes connections, and its name tells the port that the kernel chose."""
    with addresses.listen(Address("127.0.0.1", 0)) as listener:
        address = addresses.of(listener.getsockname())
        assert address.host == "127.0.0.1"
        assert address.port
        assert not listener.getblocking()
        with socket.create_connection(address, 5):
            pass


def test_a_port_may_be_taken_again_at_once() -> None:
    """Connections of the last listener that linger (TIME-WAIT) do not hinder the next."""
    address = Address("127.0.0.1", free_port())
    with addresses.listen(address) as listener:
        listener.setblocking(True)
        client = socket.create_connection(address, 40)
        accepted, _ = listener.accept()
        accepted.close()  # first to close: this side lingers
        assert client.recv(1) == b""
        client.close()
    addresses.listen(address).close()


@needs_ipv6
def test_the_families_stand_side_by_side() -> None:
    """Every IPv4 address and every IPv6 address at one port, each with peers of its own kind."""
    port = free_port()
    with addresses.listen(Address("0.0.0.0", port)) as four, addresses.listen(Address("::", port)) as six:
        for listener, host in ((four, "127.0.0.1"), (six, "::1")):
            listener.setblocking(True)
            client = threading.Thread(target=lambda host=host: socket.create_connection((host, port), 5).close())
            client.start()
            sock, peer = listener.accept()
            sock.close()
            client.join()
            assert peer[0] == host


def test_a_taken_address_is_told() -> None:
    """By the address and the reason."""
    with addresses.listen(Address("127.0.0.1", 0)) as listener:
        address = addresses.of(listener.getsockname())
        with pytest.raises(
            ListenError, match=rf"^cannot listen on {address}: the address is in use by another process$"
        ):
            addresses.listen(address)


def test_an_address_of_another_machine_is_told() -> None:
    """192.0.2.1 is nobody's (RFC 5737)."""
    with pytest.raises(ListenError, match="this machine does not have that address") as refusal:
        addresses.listen(Address("192.0.2.1", 80))
    assert refusal.value.errno == errno.EADDRNOTAVAIL


def test_missing_ipv6_can_be_told_from_other_reasons() -> None:
    """So that the defaults work on a machine without it."""
    assert addresses.lacks_ipv6(ListenError("", errno.EAFNOSUPPORT))
    assert addresses.lacks_ipv6(ListenError("", errno.EADDRNOTAVAIL))
    assert not addresses.lacks_ipv6(ListenError("", errno.EADDRINUSE))
