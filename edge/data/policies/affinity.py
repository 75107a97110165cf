"""Sends the requests of a client to one endpoint, which a cookie leads to, and gives it that cookie.

A field of the request may take the place of the cookie, and one of the response that of Set-Cookie.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Final

from edge.data.http.cookies import cookies
from edge.data.policies.fields import checked_name
from edge.data.policies.session_times import SessionTimes
from edge.data.upstream.sticky import BALANCED, PERSISTENT, Sticky

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.data.exchange.exchange import Exchange
    from edge.data.http._message import Message
    from edge.data.policies.phases import Phases
    from edge.data.upstream.balancer import Balancer
    from edge.table.policies import Affinity

_MISREADING: Final = re.compile(
    rb"Chrome/[456]|CPU iPhone OS 12|iPad; CPU OS 12|(?=.*Macintosh)(?=.*Intel Mac OS X 10_14)(?=.*Safari)(?!.*Chrome)"
)
"""Browsers that take `SameSite=None` for `Strict` or refuse the cookie, as ingress-nginx lists them.

Source: https://www.chromium.org/updates/same-site/incompatible-clients
"""
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LAST_SHORT_YEAR: Final = 2037


def add(policy: Affinity, phases: Phases) -> None:
    """The choice of endpoints, and an edit of the response. Answers of Edge itself carry no cookie."""
    value = value_of(policy.cookie, policy.header)
    times = SessionTimes(value, policy.absolute, policy.idle) if policy.absolute or policy.idle else None
    session = times.read if times is not None else value
    mode = PERSISTENT if policy.persistent else BALANCED
    made = _field_writer(policy) if policy.header else _writer(policy)
    key = object()

    def choosing(balancer: Balancer, exchange: Exchange) -> Sticky:
        sticky = Sticky(balancer, mode, split(session(exchange.client.request))[0], renews=policy.renews)
        exchange.note(key, sticky)
        return sticky

    def edit(exchange: Exchange, response: Message | None) -> None:
        sticky = exchange.notes.get(key) if exchange.notes is not None else None
        if response is None or sticky is None:
            return
        given = sticky.cookie if times is None else times.renewed(exchange.client.request, sticky.cookie)
        if given:
            exchange.fields += made(exchange, given)

    phases.choosing = choosing
    phases.answers.append(edit)


def value_of(cookie: str, header: str) -> Callable[[Message], bytes]:
    """What reads the session of a request out of the COOKIE, or else out of the field HEADER."""
    if not header:
        encoded = cookie.encode()
        return lambda request: _cookie(request, encoded)
    name = header.lower().encode()
    return lambda request: request.get(name) or b""


def parts(request: Message, name: bytes) -> tuple[bytes, bytes]:
    """What the cookie NAME has before and behind its `|`."""
    return split(_cookie(request, name))


def _cookie(request: Message, name: bytes) -> bytes:
    """The cookie NAME; of several the last one counts, as in ingress-nginx."""
    value = b""
    for given, one in cookies(request):
        if given == name:
            value = one
    return value


def split(value: bytes) -> tuple[bytes, bytes]:
    """What the VALUE of a session has before and behind its first `|`."""
    key, _, rest = value.partition(b"|")
    return key, rest.partition(b"|")[0]


def _field_writer(policy: Affinity) -> Callable[[Exchange, bytes], bytes]:
    """Gives the field line of the header for a value."""
    begin = checked_name(policy.header).encode() + b": "
    return lambda exchange, value: begin + value + b"\r\n"  # noqa: ARG005 - the signature of `_writer`


def _writer(policy: Affinity) -> Callable[[Exchange, bytes], bytes]:
    """Gives the field line for a value of the cookie. The attributes stand in the order of ingress-nginx."""
    begin = f"Set-Cookie: {policy.cookie}=".encode()
    before = f"; Max-Age={policy.max_age}" if policy.max_age is not None else ""
    before += f"; Domain={policy.domain}" if policy.domain else ""
    before += f"; Path={policy.path}" if policy.path else ""
    attributes = before.encode()
    same_site = f"; SameSite={policy.same_site}".encode() if policy.same_site else b""
    judged = policy.lenient and policy.same_site == "None"

    def write(exchange: Exchange, value: bytes) -> bytes:
        client = exchange.client
        expires = _expires(policy.expires) if policy.expires is not None else b""
        secure = b"; Secure" if policy.secure or client.secure else b""
        left_out = judged and _MISREADING.search(client.request.get(b"user-agent") or b"")
        end = b"; HttpOnly" + (b"" if left_out else same_site) + b"\r\n"
        return begin + value + expires + attributes + secure + end

    return write


def _expires(seconds: int) -> bytes:
    """The attribute for so many SECONDS from now on, in nginx's form: two digits are the year, as far as that goes."""
    at = time.gmtime(max(time.time() + seconds, 0))
    year = f"{at.tm_year % 100:02}" if at.tm_year <= _LAST_SHORT_YEAR else str(at.tm_year)
    date = f"{_DAYS[at.tm_wday]}, {at.tm_mday:02}-{_MONTHS[at.tm_mon - 1]}-{year}"
    return f"; Expires={date} {at.tm_hour:02}:{at.tm_min:02}:{at.tm_sec:02} GMT".encode()
