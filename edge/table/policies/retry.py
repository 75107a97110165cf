"""When another endpoint is asked."""

from __future__ import annotations

from edge.table.policies.policy import Policy


class Retry(Policy, frozen=True, tag=True):
    """When another endpoint may be asked, before any byte of a response has been sent to the client.

    The defaults are ingress-nginx's. They hold for routes without this policy.
    """

    tries: int = 3
    """Attempts in all, the first one included; 0: as many as there are endpoints."""
    timeout: float = 0.0
    """Seconds within which a new attempt may start; 0: no limit."""
    non_idempotent: bool = False
    """Whether a request that may have been processed is repeated although its method is not idempotent."""
    on_error: bool = True
    """After a connection that could not be made, or that broke before the response."""
    on_timeout: bool = True
    """After an endpoint that was silent for too long."""
    on_invalid: bool = False
    """After a response that is not HTTP."""
    on_statuses: tuple[int, ...] = ()
    """After a response with one of these statuses."""
    same_endpoint: bool = False
    """Whether an endpoint may be asked again where there is no other."""
    backoff: float = 0.0
    """Seconds before a further attempt, at least."""
    counts_all: bool = False
    """Whether a request that is sent again because a kept connection had ended counts as an attempt."""
    when_broken: int = 502
    """Answered where the last attempt got no connection, or one that broke."""

    def summary(self) -> str:
        """As `Policy`."""
        words = [name for name, on in (("error", self.on_error), ("timeout", self.on_timeout)) if on]
        words += ["invalid_header"] if self.on_invalid else []
        words += [f"http_{status}" for status in self.on_statuses]
        words += ["non_idempotent"] if self.non_idempotent else []
        if self.tries == 1 or not words:
            return "no retries"
        tries = f"{self.tries} tries" if self.tries else "a try for each endpoint"
        within = f" within {self.timeout:g} s" if self.timeout else ""
        apart = f" {self.backoff:g} s apart" if self.backoff else ""
        return f"{tries}{within}{apart} on {' '.join(words)}"
