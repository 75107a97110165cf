"""The rules of a canary (ingress-nginx, canary-by-header and its like)."""

from __future__ import annotations

from edge.table.policies.policy import Policy


class Canary(Policy, frozen=True, tag=True):
    """A field or a cookie of the request chooses the first backend or the second one, its canary.

    `never` is the first one, `always` the second. Without an answer the weights of the backends decide.
    """

    header: str = ""
    """Name of a field; empty: there is none."""
    value: str = ""
    """The one value of HEADER that means the canary, instead of `always` and `never`; empty: those do."""
    pattern: str = ""
    """A regular expression for the value, if there is no VALUE. If it cannot be used, HEADER chooses the first
    backend."""
    cookie: str = ""
    """Name of a cookie that decides if the field does not."""
    affinity: str = ""
    """The cookie of the route's affinity. It goes before all others; empty: there is none."""
    sides: tuple[str, ...] = ()
    """The values of that cookie for the first backend and for the canary (`Affinity.side`)."""

    def summary(self) -> str:
        """As `Policy`."""
        wanted = self.value or (f"~ {self.pattern}" if self.pattern else "always")
        rules = [f"cookie {self.affinity}"] if self.affinity else []
        rules += [f"header {self.header}: {wanted}"] if self.header else []
        rules += [f"cookie {self.cookie}=always"] if self.cookie else []
        return f"canary by {', '.join(rules)}"
