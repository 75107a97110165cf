"""Sessions of a rule (Gateway API, SessionPersistence; GEP-1619).

Rules of this file:
- A session is with one endpoint of one backend. While it lasts the weights of the backends do not count.
- No state is kept of a session: the cookie or the field names the endpoint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

from msgspec.structs import replace

from edge.control.kinds.durations import seconds
from edge.table.policies import Affinity, SessionBackend
from edge.table.policies.affinity import side
from edge.table.records import upstream_name

if TYPE_CHECKING:
    from collections.abc import Sequence

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
        times = affinity.absolute, affinity.idle
        own = (SessionBackend(at, affinity.cookie, affinity.header, sides, *times),)
    return own, tuple(replace(one, policies=(*one.policies, affinity)) if one.key else one for one in backends)


def _affinity(asked: SessionPersistence, field: str, name: str) -> Affinity:
    absolute, idle = seconds(asked.absolute_timeout) or 0.0, seconds(asked.idle_timeout) or 0.0
    made = Affinity(field, "", persistent=True, renews=True, absolute=absolute, idle=idle)
    if asked.type == "Header":
        return replace(made, header=name)
    if asked.cookie_config.lifetime_type != "Permanent":
        return replace(made, cookie=name)
    # The client drops the cookie by itself: without an idle timeout no other limit is needed.
    return replace(made, cookie=name, max_age=int(absolute), absolute=absolute if idle else 0.0)


def _name(owner: Owner, field: str) -> str:
    """A name for sessions without one, unique for each rule."""
    return f"edge-session-{crc32(f'{owner} {field}'.encode()):08x}"
