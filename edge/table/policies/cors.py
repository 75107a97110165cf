"""Cross-Origin Resource Sharing (the Fetch standard, "CORS protocol"; ingress-nginx, enable-cors)."""

from __future__ import annotations

from edge.table.policies.policy import Policy


class Cors(Policy, frozen=True, tag=True):
    """Responses to allowed origins get the CORS fields, and OPTIONS requests from them are answered 204."""

    origins: tuple[str, ...] = ()
    """`*`, or origins in lower case; `*.` after the scheme stands for one label. None: no origin is allowed."""
    methods: str = ""
    headers: str = ""
    credentials: bool = True
    expose: str = ""
    """Empty: there is no such field."""
    max_age: int = 1728000
    """Seconds."""

    def summary(self) -> str:
        """As `Policy`."""
        return f"CORS for {', '.join(self.origins) or 'no origin'}"
