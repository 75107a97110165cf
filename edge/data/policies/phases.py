"""The phases of an exchange in which policies act, collected for one route.

Rules of this file:
- A policy's module adds its steps to the phases, once, when the plan of a route is made. A phase in which no policy
  acts is None in the plan and costs a request one comparison.
- Within a phase, steps act in the order of `edge.data.policies.ORDER`.
- What does not depend on the request is compiled to bytes here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from edge.data.exchange.exchange import Exchange
from edge.data.http._message import Message
from edge.data.http.replies import Reply
from edge.data.net.spool import Spool
from edge.data.policies.fields import without
from edge.table.policies import BodyLimit, RequestBuffering, ResponseBuffering, Retry, Timeouts, Tracing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge.data.exchange.subrequest import Ask
    from edge.data.observe.formats import Named
    from edge.data.policies.errors import Errors
    from edge.data.policies.pace import Pace
    from edge.data.policies.resources import Resources
    from edge.data.upstream.balancer import Balancer
    from edge.data.upstream.chooser import Chooser
    from edge.data.upstream.terms import Terms
    from edge.table.policies import Deadline
    from edge.table.records import Transport

Gate = Callable[[Exchange], Reply | None]
"""Answers the request itself, or lets it pass (None). It may wait."""
Edit = Callable[[Exchange], None]
"""Changes `exchange.outgoing`, the request as the endpoint gets it."""
Choice = Callable[[Exchange], int | None]
"""The number of the backend in `Route.backends` that takes the request; None: the next choice decides, in the end the
weights."""
Tee = Callable[[Exchange, bytes | Spool | None], None]
"""Sees the request as it goes to the endpoint, with its content: bytes, a `Spool` where they are many, None where they
are carried as they come. It must not wait."""
Intercept = Callable[[Exchange, Message], Reply | None]
"""Answers in place of an endpoint's response whose head has come, or lets it pass (None)."""
AnswerEdit = Callable[[Exchange, Message | None], None]
"""Changes the response: adds to `exchange.fields`, hides fields of the endpoint's message. None: the answer is Edge's
own."""

Choosing = Callable[["Balancer", Exchange], "Chooser"]
"""Gives what chooses the endpoint for a request, of those that a balancer has."""
Asks = Callable[["str", "Transport", "Terms", int], "Ask"]
"""What asks the endpoints of a key by a transport, on terms; reads that many bytes of content at most."""

Balancers = Callable[["str", "Transport"], "Balancer"]
"""What chooses among the endpoints of a key, by a transport."""

T = TypeVar("T")


class Phases:
    """The steps of the policies of one route.

    - `resources`: what the steps share within the worker. `route`: what texts say of the route. `owner`: the object
      that asked for it. `scope`: names the route by host and path.
    - `gates`, `choices`, `edits`, `tees`, `intercepts`, `answers`: steps by phase, in this order.
    - `choosing`: what chooses endpoints by the request; None: the balancer of the backend does.
    - `checks`: those of the gates that check who the client is, see `check`.
    - `fields`, `secure_fields`: field lines of every response, and of those over TLS.
    - `replaced`, `secure_replaced`: names (lower case) of endpoints' fields that these take the place of. `hidden`: of
      those that are not passed on, whatever takes their place. `set_by_host`: of those that snippets of the host set.
    - `inherited`: each leaves out what `add_header` of such a snippet adds.
    - `written`: names (lower case) of fields that an edit of the response may add: no other step adds them to that
      response. `content_type`: of Edge's own answers, None: each has its own.
    - `tracing`: whether and how requests are traced, None: as the process has it.
    - `closed`: no request passes. `errors`: what answers in place of errors; None: nothing.
    - `compresses`: responses may get a coding (`Exchange.coding`).
    - `timeouts`, `deadline` (None: there is none), `retry`, `body_limit`, `request_buffering`, `response_buffering`,
      `largest_head` (bytes of a response,
      0: as many as the proxy takes), `pace` (None: as fast as it goes), `logged`: what the exchange itself goes by.
    """

    def __init__(
        self,
        resources: Resources,
        route: Named,
        scope: str = "",
        asks: Asks | None = None,
        balancers: Balancers | None = None,
    ) -> None:
        """ASKS: how steps make requests of their own. BALANCERS: where the client's may go beside its backends."""
        self.resources = resources
        self.route = route
        self.owner = route.owner
        self.scope = scope
        self._asks = asks
        self._balancers = balancers
        self.gates: list[Gate] = []
        self.checks: list[tuple[Gate, bool]] = []
        self.choices: list[Choice] = []
        self.choosing: Choosing | None = None
        self.edits: list[Edit] = []
        self.tees: list[Tee] = []
        self.intercepts: list[Intercept] = []
        self.answers: list[AnswerEdit] = []
        self.fields = b""
        self.secure_fields = b""
        self.replaced: list[bytes] = []
        self.secure_replaced: list[bytes] = []
        self.hidden: list[bytes] = []
        self.set_by_host: set[bytes] = set()
        self.inherited: list[Callable[[], None]] = []
        self.written: set[bytes] = set()
        self.content_type: bytes | None = None
        self.closed = False
        self.errors: Errors | None = None
        self.timeouts = Timeouts("")
        self.deadline: Deadline | None = None
        self.retry = Retry("")
        self.body_limit = BodyLimit("")
        self.request_buffering = RequestBuffering("")
        self.response_buffering = ResponseBuffering("")
        self.largest_head = 0
        self.tracing: Tracing | None = None
        self.pace: Pace | None = None
        self.compresses = False
        self.logged = True

    def asks(self, key: str, transport: Transport, terms: Terms, most: int) -> Ask:
        """What asks the endpoints of KEY by TRANSPORT, on TERMS; it reads MOST bytes of content at most.

        Raises:
            ValueError: nothing can be asked that way.
        """
        if self._asks is None:
            raise ValueError("there are no subrequests here")
        return self._asks(key, transport, terms, most)

    def balancer(self, key: str, transport: Transport) -> Balancer:
        """What chooses among the endpoints of KEY, which are spoken to by TRANSPORT.

        Raises:
            ValueError: they cannot be asked.
        """
        if self._balancers is None:
            raise ValueError("there are no other backends here")
        return self._balancers(key, transport)

    def set_fields(self, lines: bytes, names: Iterable[bytes]) -> None:
        """Have LINES in every response, in place of an endpoint's fields, and of earlier ones, of these NAMES."""
        named = frozenset(names)
        self.fields = without(self.fields, named) + lines
        self.replaced.extend(named)

    def check(self, gate: Gate, *, admits: bool = True) -> None:
        """Add GATE, which checks who the client is; ADMITS: where one check is enough, passing this one is."""
        self.gates.append(gate)
        self.checks.append((gate, admits))


def phase(steps: list[T]) -> tuple[T, ...] | None:
    """STEPS as a plan holds them."""
    return tuple(steps) or None
