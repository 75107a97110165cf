"""A request and its response, as policies see them.

Rules of this file:
- It is only the state of one exchange, which `edge.data.handling` drives. A policy reads the request (`client`), and
  changes the request for the endpoint (`outgoing`) and the response for the client (`fields`).
- It knows no HTTP version, no route and no endpoint.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from edge.data.exchange._outcome import Outcome
from edge.data.http._message import Outgoing

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.data.exchange.client import Client
    from edge.table.policies.compression import Coding

log = logging.getLogger("edge.data")


class Exchange:
    """One exchange after another of the same client half.

    - `client`: the half of the client. `outgoing`: the request for the endpoint.
    - `fields`: complete field lines that the response gets, an endpoint's as well as Edge's own.
    - `success_fields`: those for a response that is not an error; the policy that adds some also sends them.
    - `releases`: called when the exchange has ended, in order; `on_release` adds to them.
    - `notes`: values of a step for later steps of the same policy, by a key of its own; None: nothing.
    - `coding`: the content coding of the response for the client; None: as the endpoint sends it.
    - `begun`: the final response has begun, so no other one can be sent.
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        self.outgoing = Outgoing(client.request)
        self.outcome = Outcome()
        self.fields = b""
        self.success_fields = b""
        self.releases: list[Callable[[Exchange], None]] | None = None
        self.notes: dict[object, Any] | None = None
        self.begun = False
        self.coding: Coding | None = None

    def begin(self) -> None:
        """Begin with the request that stands in `client.request`."""
        client, outgoing, outcome = self.client, self.outgoing, self.outcome
        request = client.request
        outcome.start()
        outcome.request_id = request.identify()
        outgoing.message = request
        outgoing.method = request.method
        outgoing.target = request.target
        outgoing.host = outgoing.forwarded_host = client.host
        outgoing.added = client.forwarding
        outgoing.appended = b""
        outgoing.request_id = outcome.request_id
        outgoing.length = client.length
        outgoing.old = False
        self.fields = self.success_fields = b""
        self.releases = None
        self.notes = None
        self.begun = False
        self.coding = None

    def note(self, key: object, value: object) -> None:
        """Store VALUE for later steps that have KEY."""
        if self.notes is None:
            self.notes = {}
        self.notes[key] = value

    def on_release(self, release: Callable[[Exchange], None]) -> None:
        """Call RELEASE when the exchange ends, also after an error."""
        if self.releases is None:
            self.releases = []
        self.releases.append(release)

    def release(self) -> None:
        """Call the `releases`: the exchange has ended."""
        releases, self.releases = self.releases, None
        for release in releases or ():
            try:
                release(self)
            except Exception:
                log.exception("what a policy took is not given back")
