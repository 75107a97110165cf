"""The sockets that the proxy listens on, opened once by the first arbiter and passed on to later ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.system import addresses

if TYPE_CHECKING:
    import socket

    from edge.settings import Settings


def https_port(settings: Settings) -> int:
    """The first port of --https."""
    return next((one.port for text in settings.https for one in addresses.parse_listener(text)), 443)


def listen(settings: Settings) -> list[tuple[socket.socket, bool]]:
    """Open the listening sockets: each with whether it speaks TLS.

    "Every IPv6 address" beside "every IPv4 address" is left out where the machine has no IPv6.

    Raises:
        ListenError: an address cannot be listened on.
    """
    opened: list[tuple[socket.socket, bool]] = []
    for texts, tls in ((settings.http, False), (settings.https, True)):
        wanted = dict.fromkeys(one for text in texts for one in addresses.parse_listener(text))
        for address in wanted:
            try:
                opened.append((addresses.listen(address), tls))
            except addresses.ListenError as error:
                beside = addresses.Address("0.0.0.0", address.port) in wanted
                if not (address.host == "::" and beside and addresses.lacks_ipv6(error)):
                    for sock, _ in opened:
                        sock.close()
                    raise
    return opened
