"""Changes to header fields of requests and responses (Gateway API, HTTPHeaderFilter)."""

from __future__ import annotations

from edge.table.policies.policy import Policy

Fields = tuple[tuple[str, str], ...]
"""Names and values."""


class RequestHeaders(Policy, frozen=True, tag=True):
    """Fields of the request that goes to the endpoint: removed, set (in place of those that came) and added."""

    set: Fields = ()
    add: Fields = ()
    remove: tuple[str, ...] = ()
    """Names in lower case."""

    def summary(self) -> str:
        """As `Policy`."""
        return "request headers: " + changes(self.set, self.add, self.remove)


class ResponseHeaders(Policy, frozen=True, tag=True):
    """Fields of the response that goes to the client: removed, set (in place of those that came) and added."""

    set: Fields = ()
    add: Fields = ()
    remove: tuple[str, ...] = ()
    """Names in lower case."""

    def summary(self) -> str:
        """As `Policy`."""
        return "response headers: " + changes(self.set, self.add, self.remove)


def changes(to_set: Fields, to_add: Fields, to_remove: tuple[str, ...]) -> str:
    """What is set, added and removed, by name."""
    groups = (("set", [name for name, _ in to_set]), ("add", [name for name, _ in to_add]), ("remove", to_remove))
    return "; ".join(f"{verb} {', '.join(names)}" for verb, names in groups if names)
