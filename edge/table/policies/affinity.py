"""Sticky sessions (ingress-nginx, affinity and session-cookie-*; Gateway API, SessionPersistence)."""

from __future__ import annotations

from hashlib import md5

from edge.table.policies.policy import Policy


class Affinity(Policy, frozen=True, tag=True):
    """A client gets a cookie, and its further requests go to the endpoint of the cookie."""

    cookie: str
    persistent: bool = False
    """Whether the cookie names an endpoint; else it is a key, whose endpoint may change when others are added."""
    path: str = "/"
    """The attributes of the cookie (RFC 6265, section 4.1); empty, None or False: it has none of that name."""
    domain: str = ""
    expires: int | None = None
    """Seconds from the response on."""
    max_age: int | None = None
    """Seconds."""
    secure: bool = False
    """Whether it is `Secure` also where the request has not come by TLS."""
    same_site: str = ""
    lenient: bool = False
    """Whether `SameSite=None` is left out for browsers that are known to misread it."""
    renews: bool = False
    """Whether there is a new cookie when the endpoint failed and another has answered."""

    header: str = ""
    """Name of a field that takes the place of the cookie, in responses and in further requests."""
    absolute: float = 0.0
    """Seconds after its begin at which a session is over, and the client gets a new one; 0: never."""
    idle: float = 0.0
    """The same after the last request of the session."""

    def summary(self) -> str:
        """As `Policy`."""
        by = f"header {self.header}" if self.header else f"cookie {self.cookie}"
        ends = [
            f"{seconds:g} s {what}" for seconds, what in ((self.absolute, "in all"), (self.idle, "idle")) if seconds
        ]
        limits = f", for {' or '.join(ends)}" if ends else ""
        return f"sticky by {by}{' (persistent)' if self.persistent else ''}{limits}"


def side(upstream: str) -> str:
    """The part of the cookie after its `|`: a name for UPSTREAM (`edge.table.records.upstream_name`), which
    distinguishes a canary from its main Service. It is that of ingress-nginx, so that its cookies lead to the same
    endpoints."""
    return _md5(_md5(upstream) + upstream)


def _md5(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()
