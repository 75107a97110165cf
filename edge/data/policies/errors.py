"""The error backends of a route, and the requests that they get.

Rules of this file:
- The error backend gets the client's method, query and content, the path `/`, and what is to be known of the error in
  X- fields.
- What stands in for a Service without endpoints gets the client's request as it is, and those fields.

Source: ingress-nginx, nginx.tmpl, "CUSTOM_ERRORS".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.data.http._message import NO_CONTENT
from edge.data.net.spool import Spool
from edge.data.policies.fields import name_of
from edge.data.upstream.terms import Terms
from edge.table.policies import Retry, Timeouts

if TYPE_CHECKING:
    from edge.data.exchange.exchange import Exchange
    from edge.data.http.replies import Reply
    from edge.data.upstream.balancer import Balancer
    from edge.data.upstream.target import Target
    from edge.table.records import Backend, Owner

TERMS: Final = Terms(Timeouts(""), Retry(""))
"""On which error backends are asked: nginx's defaults."""
CHALLENGE: Final = b"www-authenticate"
"""The field of the answer that is replaced which the client gets all the same: without it 401 is useless."""
FIELDS: Final = (
    b"x-code",
    b"x-format",
    b"x-original-uri",
    b"x-namespace",
    b"x-ingress-name",
    b"x-service-name",
    b"x-service-port",
)
"""What an error backend believes, so that it must not come from a client."""


class Errors:
    """The error backends of a route.

    - `statuses`: of the answers that they replace. `stand_in`: takes the requests that no endpoint is there for; None:
      they are answered 503.
    """

    def __init__(
        self, statuses: frozenset[int], stand_in: Balancer | None, shared: Balancer | None, owner: Owner
    ) -> None:
        """SHARED answers errors where STAND_IN cannot."""
        self.statuses = statuses
        self.stand_in = stand_in
        self._shared = shared
        self._owner = owner

    def choose(self) -> tuple[Balancer, Target] | None:
        """The endpoint that answers an error; None: there is none."""
        for balancer in (self.stand_in, self._shared):
            target = balancer.choose(()) if balancer is not None else None
            if balancer is not None and target is not None:
                return balancer, target
        return None

    def introduce(self, exchange: Exchange, backend: Backend) -> None:
        """Say in EXCHANGE's request why it goes to the stand-in: BACKEND has no endpoint."""
        exchange.outgoing.appended += self._fields(exchange, 503, backend)

    def replace(self, exchange: Exchange, reply: Reply, backend: Backend, content: bytes | Spool) -> None:
        """Make EXCHANGE's request one with CONTENT for the answer in place of REPLY, which BACKEND's requests would
        get."""
        client, outgoing = exchange.client, exchange.outgoing
        _, mark, query = client.request.target.partition(b"?")
        outgoing.target = b"/" + mark + query
        outgoing.host = outgoing.forwarded_host = client.host
        outgoing.added = client.forwarding
        outgoing.appended = self._fields(exchange, reply.status, backend)
        outgoing.appended += b"X-Original-URI: " + client.request.target + b"\r\n"
        outgoing.message.upgrade = False
        size = content.size if isinstance(content, Spool) else len(content)
        outgoing.length = NO_CONTENT if client.length == NO_CONTENT else size
        outgoing.old = False
        exchange.fields += challenges(reply)

    def _fields(self, exchange: Exchange, status: int, backend: Backend) -> bytes:
        """The field lines about an error with STATUS; the client's own of these names are not passed on."""
        request = exchange.client.request
        values = (
            (b"X-Code", b"%d" % status),
            (b"X-Format", request.get(b"accept") or b""),
            (b"X-Namespace", self._owner.namespace.encode()),
            (b"X-Ingress-Name", self._owner.name.encode()),
            (b"X-Service-Name", backend.service.encode()),
            (b"X-Service-Port", backend.port.encode()),
        )
        for name in FIELDS:
            request.hide(name)
        return b"".join([name + b": " + value + b"\r\n" for name, value in values if value])


def challenges(reply: Reply) -> bytes:
    """The field lines of REPLY that a client needs to log in."""
    lines = reply.fields.splitlines(keepends=True)
    return b"".join(line for line in lines if name_of(line) == CHALLENGE)
