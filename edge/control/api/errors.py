"""Errors of requests to the API server, grouped by what the caller should do."""

from __future__ import annotations

RELIST = frozenset({400, 410, 504})
"""Refusals that a watch from the same version would get again: the version is too old (410), malformed (400) or, after
a restore of etcd, newer than the cluster (504)."""


class ConfigurationError(Exception):
    """No usable configuration of a cluster; the message says what is missing."""


class KubernetesError(Exception):
    """A request failed; the message is one line for people."""


class UnreachableError(KubernetesError):
    """No answer: refused, reset, timed out, or TLS failed."""


class MalformedError(KubernetesError):
    """The answer, or a line of a watch, is not what it should be."""


class ExpiredError(Exception):
    """The API server has forgotten the version from which a list or a watch was to go on; it has to be listed again."""


class RefusedError(KubernetesError):
    """The API server answered with an error."""

    def __init__(self, code: int, reason: str, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(f"{code} {reason or 'error'}: {message}" if message else f"{code} {reason}")
        self.code = code
        """HTTP status."""
        self.reason = reason
        """`Status.reason`, for instance `AlreadyExists`."""
        self.message = message
        self.retry_after = retry_after
        """Seconds to wait before the next request (Retry-After)."""
