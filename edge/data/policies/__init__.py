"""The steps of policies: a module for each record of `edge.table.policies`, one for both snippets of routes.

Rules of this package:
- A module has one function, `add`, which adds the policy's steps to the phases of a plan. It sees exchanges and
  messages, never an HTTP version, a connection or an endpoint. What chooses endpoints is in `edge.data.upstream`.
- `ORDER` lists them all. Within a phase they act in this order: it is part of what users rely on.
- A policy that is not listed here closes its route: requests are answered 503.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.data.policies import (
    access_log,
    affinity,
    app_root,
    basic_auth,
    body_limit,
    canary,
    client_blocks,
    client_certificate,
    client_limits,
    closed,
    compression,
    connection_field,
    cookie_change,
    cors,
    cors_filter,
    custom_headers,
    deadline,
    digest_auth,
    error_pages,
    external_auth,
    fast_cgi,
    hash_by,
    hsts,
    https_redirect,
    location_change,
    mirror,
    old_http,
    redirect,
    redirect_to,
    regex_rewrite,
    request_buffering,
    request_headers,
    response_buffering,
    response_head,
    response_headers,
    response_rate,
    retry,
    rewrite,
    satisfy_any,
    server_snippet,
    session_backend,
    sign_in,
    snippet,
    source_ranges,
    timeouts,
    tracing,
    upstream_host,
    www_redirect,
)
from edge.table import policies

if TYPE_CHECKING:
    from types import ModuleType

    from edge.table.policies.policy import Policy

ORDER: Final[tuple[tuple[type[Policy], ModuleType], ...]] = (
    # gates
    (policies.ClientCertificate, client_certificate),  # of the host, so it goes before all that a route has
    (policies.BodyLimit, body_limit),  # before all gates, as in nginx
    (policies.Closed, closed),
    (policies.ServerSnippet, server_snippet),  # of the host
    (policies.ClientBlocks, client_blocks),
    (policies.AppRoot, app_root),
    (policies.WwwRedirect, www_redirect),
    (policies.Cors, cors),  # a preflight request carries no credentials, and must not be redirected
    (policies.CorsFilter, cors_filter),
    (policies.Snippet, snippet),  # nginx's rewrite phase comes before all that follows
    (policies.LocationSnippet, snippet),  # stands after that of the Ingress, as in ingress-nginx
    (policies.RedirectTo, redirect_to),
    (policies.RegexRewrite, regex_rewrite),  # an edit, but for a target that is a URL
    (policies.HttpsRedirect, https_redirect),
    (policies.Redirect, redirect),
    (policies.ClientLimits, client_limits),
    (policies.SourceRanges, source_ranges),
    (policies.BasicAuth, basic_auth),
    (policies.DigestAuth, digest_auth),
    (policies.ExternalAuth, external_auth),
    (policies.SatisfyAny, satisfy_any),  # after all that check who the client is
    (policies.SignIn, sign_in),
    # choices of the backend
    (policies.Canary, canary),
    (policies.SessionBackend, session_backend),
    # choices of the endpoint
    (policies.HashBy, hash_by),
    (policies.Affinity, affinity),  # it has the last word
    # edits of the request
    (policies.Rewrite, rewrite),
    (policies.UpstreamHost, upstream_host),
    (policies.ConnectionField, connection_field),
    (policies.OldHttp, old_http),
    (policies.RequestHeaders, request_headers),
    (policies.FastCgi, fast_cgi),  # after all that changes the path
    # copies of the request
    (policies.Mirror, mirror),
    # in place of the response
    (policies.ErrorPages, error_pages),
    # edits of the response
    (policies.CookieChange, cookie_change),
    (policies.LocationChange, location_change),
    (policies.ResponseHeaders, response_headers),
    (policies.CustomHeaders, custom_headers),
    (policies.Hsts, hsts),
    (policies.Compression, compression),  # after all that changes the type of the response
    # values that the exchange itself reads
    (policies.RequestBuffering, request_buffering),
    (policies.ResponseBuffering, response_buffering),
    (policies.ResponseHead, response_head),
    (policies.ResponseRate, response_rate),
    (policies.Timeouts, timeouts),
    (policies.Deadline, deadline),
    (policies.Retry, retry),
    (policies.Tracing, tracing),
    (policies.NoAccessLog, access_log),
)
AMONG_ROUTES: Final[frozenset[type[Policy]]] = frozenset((policies.LocationSnippet,))
"""Policies of all routes that act among those of each route; the others act before them."""
OF_BACKENDS: Final[frozenset[type[Policy]]] = frozenset(
    (
        policies.Redirect,
        policies.Rewrite,
        policies.RequestHeaders,
        policies.ResponseHeaders,
        policies.Affinity,
        policies.HashBy,
    )
)
"""Policies that a single backend may have. They act once it has been chosen, so the only gate among them is one that
lets nothing pass."""
