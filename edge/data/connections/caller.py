"""The peer of a client's connection, and the client behind it.

Rules of this file:
- A trusted peer names its client with each request; any other peer is the client.
- If nothing changes from request to request, a request costs nothing here.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from edge.data.net.peers import PLAIN

if TYPE_CHECKING:
    from edge.data.exchange.client import Client
    from edge.data.http.forwarding import Forwarding
    from edge.data.http.scope import Scope
    from edge.data.net.peers import Peer

_numbers: Final = itertools.count(1)


class Caller:
    """The peer of a connection, shared by its streams.

    - `address`, `port`, `secure`: of the connection. `forwarding`: field lines that say so to an endpoint.
    - `trusted`: what it says of its client is used; `claiming`: not only the address.
    - `varies`: `describe` is needed for each request.
    """

    def __init__(
        self,
        forwarding: Forwarding,
        *,
        address: str,
        port: int,
        secure: bool,
        peer: Peer = PLAIN,
        scope: Scope | None = None,
    ) -> None:
        """ADDRESS: of the peer; PORT: ours; PEER: what its TLS handshake has shown; SCOPE: see `Message`."""
        self.peer = peer
        self.scope = scope
        self.address = address
        self.port = port
        self.secure = secure
        self._renewed = False
        self._number = 0
        self._go_by(forwarding)

    def _go_by(self, forwarding: Forwarding) -> None:
        self._forwarding = forwarding
        self.forwarding = forwarding.fields(self.address, self.address, self.port, secure=self.secure)
        self.trusted = forwarding.trusting and forwarding.trusts(self.address)
        self.claiming = self.trusted and forwarding.claiming
        self.varies = self.trusted or forwarding.writes_forwarded or self._renewed

    def renew(self, forwarding: Forwarding) -> None:
        """Use FORWARDING from the next request on; it may trust other peers than before."""
        self._renewed = True
        self._go_by(forwarding)

    def number(self) -> int:
        """The number of the connection, given when it is first read."""
        if not self._number:
            self._number = next(_numbers)
        return self._number

    def describe(self, client: Client) -> None:
        """Set address and forwarding fields of the request of CLIENT."""
        added = self.forwarding
        if self._renewed:
            client.address, client.secure, client.port = self.address, self.secure, self.port
            client.request.pass_on(claims=self.claiming, cdn=self._forwarding.passes_cdn)
        if self.trusted:
            origin = self._forwarding.origin(client.request, peer=self.address, port=self.port, secure=self.secure)
            client.address, client.secure, added = origin.address, origin.secure, origin.fields
            client.host, client.port = origin.host, origin.port
        if self._forwarding.writes_forwarded:
            # Replaces the field of a trusted proxy.
            client.request.hide(b"forwarded")
            added += self._forwarding.forwarded(client.address, client.host, secure=client.secure)
        client.forwarding = added
