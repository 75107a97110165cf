"""Asks an authentication server about each request (nginx docs, ngx_http_auth_request_module).

Rules of this file:
- A request passes with an answer of status 2xx and with nothing else: whatever goes wrong, it is refused.
- The server is asked before the client's content is read, and gets none of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.data.exchange.subrequest import UnansweredError
from edge.data.http import replies
from edge.data.policies.fields import USUAL, names, without
from edge.data.policies.questions import question
from edge.data.policies.servers import transport_of
from edge.data.policies.verdicts import Kept, Verdict
from edge.data.upstream.terms import Terms
from edge.table.policies import Retry, Timeouts
from edge.table.shared_cache import CacheError

if TYPE_CHECKING:
    from edge.data.exchange.exchange import Exchange
    from edge.data.exchange.subrequest import Answer
    from edge.data.http._message import Message
    from edge.data.http.replies import Reply
    from edge.data.policies.phases import Edit, Phases
    from edge.data.policies.verdicts import Judge
    from edge.table.policies import ExternalAuth

TERMS: Final = Terms(Timeouts("", 60.0, 60.0, 60.0), Retry("", tries=0, on_timeout=False))
"""nginx's own: those of the route are for its endpoints."""
MOST_CONTENT: Final = 65536
"""Bytes of an answer that are read, for nothing but to use the connection again."""
FAILED: Final = replies.plain(500)


def add(policy: ExternalAuth, phases: Phases) -> None:
    """A check of the client, an edit of the request, and one of the response."""
    judge = _judge(policy, phases)
    kept = _kept(policy, phases)

    def gate(exchange: Exchange) -> Reply | None:
        try:
            verdict = kept.ask(exchange, judge) if kept is not None else judge(exchange)[0]
        except UnansweredError:
            return FAILED
        if policy.always_set_cookie:
            exchange.fields += verdict.cookies
        else:
            exchange.success_fields += verdict.cookies
        if 200 <= verdict.status < 300:
            exchange.outgoing.appended += verdict.fields
            return None
        if verdict.status == 401:
            return replies.plain(401, fields=verdict.challenges)
        return replies.FORBIDDEN if verdict.status == 403 else FAILED

    phases.check(gate)
    if policy.response_headers:
        phases.edits.append(_hiding(names(policy.response_headers)))
    if not policy.always_set_cookie:
        phases.answers.append(_add_cookies)


def _judge(policy: ExternalAuth, phases: Phases) -> Judge:
    """What asks the server."""
    transport = transport_of(policy.remote, secure=policy.secure)
    ask, make = phases.asks(policy.remote, transport, TERMS, MOST_CONTENT), question(policy)

    def judge(exchange: Exchange) -> tuple[Verdict, Answer]:
        answer = ask(make(exchange), b"", exchange.client)
        return _verdict(policy, answer), answer

    return judge


def _kept(policy: ExternalAuth, phases: Phases) -> Kept | None:
    """The verdicts that still hold; None: each holds for one request."""
    if not policy.cache_key:
        return None
    try:
        return Kept(policy, phases.scope, phases.resources.cache)
    except CacheError as error:
        raise ValueError(str(error)) from error


def _verdict(policy: ExternalAuth, answer: Answer) -> Verdict:
    """What ANSWER says."""
    cookies = b"".join(b"Set-Cookie: %b\r\n" % cookie for cookie in answer.values(b"set-cookie"))
    challenges = b""
    if answer.status == 401:
        challenges = b"".join(b"WWW-Authenticate: %b\r\n" % one for one in answer.values(b"www-authenticate"))
    lines = [(name.encode(), answer.get(name.lower().encode())) for name in policy.response_headers]
    fields = b"".join(b"%b: %b\r\n" % (name, value) for name, value in lines if value)
    return Verdict(answer.status, fields, challenges, cookies)


def _hiding(wanted: tuple[bytes, ...]) -> Edit:
    """Removes the fields WANTED from the client's request, also where another check has let it in: only the
    authentication server may set them."""
    written = frozenset(wanted)

    def hide(exchange: Exchange) -> None:
        outgoing = exchange.outgoing
        outgoing.added = without(outgoing.added, written)
        for name in wanted:
            outgoing.message.hide(name)

    return hide


def _add_cookies(exchange: Exchange, response: Message | None) -> None:
    status = response.status if response is not None else exchange.outcome.status
    if exchange.success_fields and status in USUAL:
        exchange.fields += exchange.success_fields
