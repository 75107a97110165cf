"""Errors that another backend answers (ingress-nginx, custom-http-errors and default-backend)."""

from __future__ import annotations

from edge.table.policies.policy import Policy


class ErrorPages(Policy, frozen=True, tag=True):
    """An error backend answers in place of errors, and in place of a Service without endpoints."""

    statuses: tuple[int, ...] = ()
    """Of the answers that are replaced."""
    of_endpoints: bool = True
    """Whether those of endpoints are, too, or only those that Edge makes itself."""
    service: str = ""
    """Name of the error backend; empty: that of the process alone."""
    key: str = ""
    """Of the `ServicePort` record of `service`: it answers errors, and what the route's Service has no endpoint for."""
    shared: str = ""
    """Of the `ServicePort` record of the process's default backend, which answers errors where the other one cannot.
    Without either, errors are answered 404."""

    def summary(self) -> str:
        """As `Policy`."""
        statuses = " ".join(map(str, self.statuses))
        errors = f"{statuses} are answered by {self.service or 'the default backend'}" if statuses else ""
        absence = f"{self.service} answers where there is no endpoint" if self.service else ""
        return "; ".join(filter(None, (errors, absence)))
