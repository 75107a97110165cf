"""Whether and how requests are traced."""

from __future__ import annotations

from edge.table.policies.policy import Policy


class Tracing(Policy, frozen=True, tag=True):
    """Where the proxy traces requests (`--enable-opentelemetry`): whether those of this route are, and how."""

    on: bool = True
    trusts: bool | None = None
    """Whether the client's trace is continued; None: the setting of the process."""
    name: str = ""
    """Of the span; empty: method, host and path of the route."""

    def summary(self) -> str:
        """As `Policy`."""
        if not self.on:
            return "not traced"
        trust = {None: "", True: ", within the client's trace", False: ", in a trace of its own"}[self.trusts]
        return f"traced{f' as {self.name}' if self.name else ''}{trust}"
