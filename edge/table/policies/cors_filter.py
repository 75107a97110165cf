"""Cross-Origin Resource Sharing by the Gateway API (HTTPCORSFilter; the Fetch standard, "CORS protocol")."""

from __future__ import annotations

from edge.table.policies.policy import Policy


class CorsFilter(Policy, frozen=True, tag=True):
    """Preflight requests are answered by Edge, and responses to allowed origins get the CORS fields.

    In a list `*` stands for everything.
    """

    origins: tuple[str, ...] = ()
    """In lower case; `*` in front of a domain stands for one label or more."""
    methods: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    expose: tuple[str, ...] = ()
    credentials: bool = False
    max_age: int = 5
    """Seconds."""

    def summary(self) -> str:
        """As `Policy`."""
        return f"CORS for {', '.join(self.origins) or 'no origin'}"
