"""The policies that a route may have: a module and a record for each.

Rules of this package:
- A record holds decisions of the control plane, and names the field that asked for it.
- `AnyPolicy` lists all of them. Readers of the table decode by that list: a policy that is not in it makes its route
  unreadable, and requests to that route are answered 503. No policy is ever skipped.
- The order in which policies act is `edge.data.policies.ORDER`.
"""

from __future__ import annotations

from edge.table.policies.access_log import NoAccessLog
from edge.table.policies.affinity import Affinity
from edge.table.policies.app_root import AppRoot
from edge.table.policies.auth import BasicAuth, DigestAuth, SatisfyAny
from edge.table.policies.body_limit import BodyLimit
from edge.table.policies.canary import Canary
from edge.table.policies.client_blocks import ClientBlocks
from edge.table.policies.client_certificate import ClientCertificate
from edge.table.policies.client_limits import ClientLimits
from edge.table.policies.closed import Closed
from edge.table.policies.compression import Compression
from edge.table.policies.connection_field import ConnectionField
from edge.table.policies.cookie_change import CookieChange
from edge.table.policies.cors import Cors
from edge.table.policies.cors_filter import CorsFilter
from edge.table.policies.custom_headers import CustomHeaders
from edge.table.policies.deadline import Deadline
from edge.table.policies.error_pages import ErrorPages
from edge.table.policies.external_auth import ExternalAuth, SignIn
from edge.table.policies.fast_cgi import FastCgi
from edge.table.policies.hash_by import HashBy
from edge.table.policies.headers import RequestHeaders, ResponseHeaders
from edge.table.policies.hsts import Hsts
from edge.table.policies.https_redirect import HttpsRedirect
from edge.table.policies.location_change import LocationChange
from edge.table.policies.mirror import Mirror
from edge.table.policies.old_http import OldHttp
from edge.table.policies.redirect import Redirect
from edge.table.policies.redirect_to import RedirectTo
from edge.table.policies.regex_rewrite import RegexRewrite
from edge.table.policies.request_buffering import RequestBuffering
from edge.table.policies.response_buffering import ResponseBuffering
from edge.table.policies.response_head import ResponseHead
from edge.table.policies.response_rate import ResponseRate
from edge.table.policies.retry import Retry
from edge.table.policies.rewrite import Rewrite
from edge.table.policies.session_backend import SessionBackend
from edge.table.policies.snippet import LocationSnippet, ServerSnippet, Snippet
from edge.table.policies.source_ranges import SourceRanges
from edge.table.policies.timeouts import Timeouts
from edge.table.policies.tracing import Tracing
from edge.table.policies.upstream_host import UpstreamHost
from edge.table.policies.www_redirect import WwwRedirect

AnyPolicy = (
    ClientCertificate
    | BodyLimit
    | Closed
    | ClientBlocks
    | AppRoot
    | WwwRedirect
    | Cors
    | CorsFilter
    | ServerSnippet
    | Snippet
    | LocationSnippet
    | RedirectTo
    | HttpsRedirect
    | Redirect
    | ClientLimits
    | SourceRanges
    | BasicAuth
    | DigestAuth
    | ExternalAuth
    | SatisfyAny
    | SignIn
    | Rewrite
    | RegexRewrite
    | UpstreamHost
    | ConnectionField
    | OldHttp
    | Canary
    | SessionBackend
    | Affinity
    | HashBy
    | RequestHeaders
    | FastCgi
    | Mirror
    | ErrorPages
    | CookieChange
    | LocationChange
    | ResponseHeaders
    | CustomHeaders
    | Compression
    | Hsts
    | RequestBuffering
    | ResponseBuffering
    | ResponseHead
    | ResponseRate
    | Timeouts
    | Deadline
    | Retry
    | Tracing
    | NoAccessLog
)
"""Any policy; the list of them all."""

__all__ = [
    "Affinity",
    "AnyPolicy",
    "AppRoot",
    "BasicAuth",
    "BodyLimit",
    "Canary",
    "ClientBlocks",
    "ClientCertificate",
    "ClientLimits",
    "Closed",
    "Compression",
    "ConnectionField",
    "CookieChange",
    "Cors",
    "CorsFilter",
    "CustomHeaders",
    "Deadline",
    "DigestAuth",
    "ErrorPages",
    "ExternalAuth",
    "FastCgi",
    "HashBy",
    "Hsts",
    "HttpsRedirect",
    "LocationChange",
    "LocationSnippet",
    "Mirror",
    "NoAccessLog",
    "OldHttp",
    "Redirect",
    "RedirectTo",
    "RegexRewrite",
    "RequestBuffering",
    "RequestHeaders",
    "ResponseBuffering",
    "ResponseHead",
    "ResponseHeaders",
    "ResponseRate",
    "Retry",
    "Rewrite",
    "SatisfyAny",
    "ServerSnippet",
    "SessionBackend",
    "SignIn",
    "Snippet",
    "SourceRanges",
    "Timeouts",
    "Tracing",
    "UpstreamHost",
    "WwwRedirect",
]
