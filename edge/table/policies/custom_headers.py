"""Fields of every response (ingress-nginx, custom-headers)."""

from __future__ import annotations

from edge.table.policies.headers import Fields
from edge.table.policies.policy import Policy


class CustomHeaders(Policy, frozen=True, tag=True):
    """Every response, Edge's own ones included, has these fields; they take the place of the endpoint's."""

    fields: Fields = ()

    def summary(self) -> str:
        """As `Policy`."""
        return "fields of every response: " + ", ".join(name for name, _ in self.fields)
