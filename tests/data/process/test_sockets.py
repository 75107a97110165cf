"""The sockets that the proxy opens before there are workers."""

import errno

import pytest

from edge.data.process.sockets import listen
from edge.settings import Settings
from edge.system import addresses
from tests.support.waiting import free_port


@pytest.fixture
def no_ipv6(monkeypatch):
    """A machine without IPv6, as the kernel puts it."""
    real = addresses.listen

    def listen_on(address):
        if ":" in address.host:
            raise addresses.ListenError(f"cannot listen on {address}", errno.EADDRNOTAVAIL)
        return real(address)

    monkeypatch.setattr(addresses, "listen", listen_on)


@pytest.mark.usefixtures("no_ipv6")
def test_every_address_is_every_ipv4_address_where_there_is_no_ipv6():
    http, https = free_port(), free_port()
    opened = listen(Settings(http=(f"0.0.0.0:{http}", f"[::]:{http}"), https=(f":{https}",)))
    try:
        assert [sock.getsockname() for sock, _ in opened] == [("0.0.0.0", http), ("0.0.0.0", https)]
    finally:
        for sock, _ in opened:
            sock.close()


@pytest.mark.usefixtures("no_ipv6")
@pytest.mark.parametrize("address", ["[::]:{}", "[::1]:{}"])
def test_an_ipv6_address_that_is_asked_for_alone_is_missed(address):
    port, other = free_port(), free_port()
    with pytest.raises(addresses.ListenError):
        listen(Settings(http=(address.format(port), f"127.0.0.1:{other}"), https=()))
