"""The other end of a client's connection, and what is known of the client from it.

Rules of this file:
- A peer that is trusted speaks for its client, request by request; any other is the client.
- Where nothing changes from request to request, nothing is done for a request.
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
    """Who connected. Streams of one connection share it.

    - `address`, `port`, `secure`: of the connection. `forwarding`: field lines that say so to an endpoint.
    - `trusted`: its word about its client is taken; `claiming`: not just about its address.
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
        """ADDRESS is the peer's, PORT the one that it came to, PEER what its handshake has shown; SCOPE: see
        `Message`."""
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
        """Go by FORWARDING from the next request on, which may trust others than before."""
        self._renewed = True
        self._go_by(forwarding)

    def number(self) -> int:
        """The number of the connection among those of the worker that have been asked for theirs."""
        if not self._number:
            self._number = next(_numbers)
        return self._number

    def describe(self, client: Client) -> None:
        """Say who has sent the request of CLIENT."""
        added = self.forwarding
        if self._renewed:
            client.address, client.secure, client.port = self.address, self.secure, self.port
            client.request.pass_on(claims=self.claiming, cdn=self._forwarding.passes_cdn)
        if self.trusted:
            origin = self._forwarding.origin(client.request, peer=self.address, port=self.port, secure=self.secure)
            client.address, client.secure, added = origin.address, origin.secure, origin.fields
            client.host, client.port = origin.host, origin.port
        if self._forwarding.writes_forwarded:
            # In place of one that a trusted proxy sent.
            client.request.hide(b"forwarded")
            added += self._forwarding.forwarded(client.address, client.host, secure=client.secure)
        client.forwarding = added
