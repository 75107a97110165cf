"""The backend of a session, where a route has several (Gateway API, SessionPersistence)."""

from __future__ import annotations

from edge.table.policies.policy import Policy


class SessionBackend(Policy, frozen=True, tag=True):
    """A client that has a session with one of several backends stays with it, whatever their weights are."""

    cookie: str = ""
    """With the session, as `Affinity` of the backends has it; empty: `header` has it."""
    header: str = ""
    sides: tuple[str, ...] = ()
    """What `edge.table.policies.affinity.side` gives for each backend; empty: it has no sessions."""
    absolute: float = 0.0
    """As `Affinity` has it; `idle` likewise."""
    idle: float = 0.0

    def summary(self) -> str:
        """As `Policy`."""
        return f"the backend by {'cookie' if self.cookie else 'header'} {self.cookie or self.header}"
