"""Sessions of a rule (Gateway API, SessionPersistence; GEP-1619).

Rules of this file:
- A session is with one endpoint of one backend. While it lasts the weights of the backends do not count.
- Nothing is remembered about a session: the cookie or the field itself names the endpoint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

from msgspec.structs import replace

from edge.control.kinds.durations import seconds
from edge.control.kinds.problems import Problem, warning
from edge.table.policies import Affinity, SessionBackend
from edge.table.policies.affinity import side
from edge.table.records import upstream_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edge.control.kinds.http_routes import RouteRule, SessionPersistence
    from edge.table.policies import AnyPolicy
    from edge.table.records import Backend, Owner


def with_sessions(
    rule: RouteRule, field: str, owner: Owner, backends: Sequence[Backend]
) -> tuple[tuple[AnyPolicy, ...], tuple[Backend, ...]]:
    """The policies of RULE at FIELD of OWNER, and BACKENDS with theirs."""
    asked = rule.session_persistence
    if asked is None:
        return (), tuple(backends)
    at = f"{field}.sessionPersistence"
    affinity = _affinity(asked, at, asked.session_name or _name(owner, field))
    own: tuple[AnyPolicy, ...] = ()
    if len(backends) > 1:
        sides = tuple(side(upstream_name(one.namespace, one.service, one.port)) if one.key else "" for one in backends)
        own = (SessionBackend(at, affinity.cookie, affinity.header, sides),)
    return own, tuple(replace(one, policies=(*one.policies, affinity)) if one.key else one for one in backends)


def _affinity(asked: SessionPersistence, field: str, name: str) -> Affinity:
    if asked.type == "Header":
        return Affinity(field, "", persistent=True, renews=True, header=name)
    permanent = asked.cookie_config.lifetime_type == "Permanent"
    lifetime = int(seconds(asked.absolute_timeout) or 0) if permanent else None
    return Affinity(field, name, persistent=True, renews=True, max_age=lifetime)


def _name(owner: Owner, field: str) -> str:
    """A name for sessions that have none: another one for each rule."""
    return f"edge-session-{crc32(f'{owner} {field}'.encode()):08x}"


def ignored(asked: SessionPersistence, field: str) -> Iterator[Problem]:
    """What ASKED at FIELD asks for in vain."""
    if asked.idle_timeout:
        yield warning("UnsupportedField", f"{field}.idleTimeout", "not supported; the field is ignored")
    if asked.absolute_timeout and (asked.type == "Header" or asked.cookie_config.lifetime_type != "Permanent"):
        message = "ignored, because only a cookie with lifetimeType Permanent has a time after which it goes"
        yield warning("UnsupportedField", f"{field}.absoluteTimeout", message)
