"""Hosts, and records for all of them."""

from __future__ import annotations

from edge.table.policies import AnyPolicy
from edge.table.record import Record
from edge.table.records.routes import Route

GLOBALS = "globals:"
"""Key of the `Globals` record, in the routes part; no host name has a colon."""
SHARED_POLICIES = "policies:"
"""Key of the `SharedPolicies` record, in the routes part."""
HOST_PATTERNS = "patterns:"
"""Key of the `HostPatterns` record, in the routes part."""


class Host(Record, frozen=True):
    """Everything that is served under one host name. Key: `scoped(scope, name)`."""

    name: str
    """Lower case, without port or trailing dot; empty: any other host. `*.example.com` stands for one more label,
    `**.example.com` for one or more, `~` and a regular expression for all hosts in which it is found."""
    routes: tuple[Route, ...] = ()
    """Exact paths are tried first, then regular expressions in the order in which they stand here, then the longest
    path; order counts else among routes of the same kind and path only."""
    default: Route | None = None
    """For paths that match no route; None: `Globals.default`, else 404."""
    tls: bool = False
    """Whether a certificate is configured for this host."""
    tls_options: bool = False
    """Whether there is a `TlsOptions` record for it."""
    scope: str = ""
    """Of the listeners that take its requests (`Listening`); empty: Edge's own addresses."""
    listener: str = ""
    """With a scope: the host name of the listener that these routes are attached to, written as `name`."""
    wider: bool = False
    """Whether a request that no route takes goes on to the routes of the next wider host, if that allows it too."""


class Globals(Record, frozen=True):
    """Settings of all hosts. Key: `GLOBALS`."""

    default: Route | None = None
    """For requests that no host or path takes (`--default-backend-service`); None: 404."""


class SharedPolicies(Record, frozen=True):
    """Policies of all routes of all objects; they act before the routes' own, but for `LocationSnippet`.
    Key: `SHARED_POLICIES`."""

    policies: tuple[AnyPolicy, ...] = ()
    """At most one of a kind."""


class HostPatterns(Record, frozen=True):
    """Names of Host records that are regular expressions. Key: `HOST_PATTERNS`."""

    names: tuple[str, ...] = ()
    """Each with its `~`; of several that match a host the first takes it, after exact names and wildcards."""
