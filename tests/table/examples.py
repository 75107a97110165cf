"""One of each policy, for tests of all of them."""

from __future__ import annotations

from typing import Final

from edge.table.policies import (
    AppRoot,
    BasicAuth,
    BodyLimit,
    Canary,
    ClientLimits,
    Closed,
    ConnectionField,
    CookieChange,
    Cors,
    DigestAuth,
    Hsts,
    HttpsRedirect,
    LocationChange,
    NoAccessLog,
    OldHttp,
    Redirect,
    RedirectTo,
    RegexRewrite,
    RequestHeaders,
    ResponseHeaders,
    ResponseRate,
    Retry,
    Rewrite,
    SatisfyAny,
    Snippet,
    SourceRanges,
    Timeouts,
    UpstreamHost,
    WwwRedirect,
)
from edge.table.policies.path_change import PathChange
from edge.table.policies.policy import Policy
from edge.table.policies.snippet import AddField, Answer, If, RequestField, SetField, SetVariable

POLICIES: Final[tuple[Policy, ...]] = (
    Closed("a", "its Secret is missing"),
    HttpsRedirect("b", 301, preserve_trailing_slash=True),
    Redirect("c", 307, "https", "other.example", 8443, PathChange("/new", "/old")),
    BodyLimit("d", 1 << 40),
    Rewrite("e", "inner.example", PathChange("/")),
    RequestHeaders("f", set=(("X-A", "1"),), add=(("X-B", "2"),), remove=("x-c",)),
    ResponseHeaders("g", set=(("X-D", "3"),), add=(("X-E", "4"),), remove=("x-f",)),
    Hsts("h", "max-age=1"),
    Timeouts("i", 0.5, 1.5, 2.5),
    Retry("j", 0, 1.25, True, on_error=False, on_timeout=False, on_invalid=True, on_statuses=(429, 503)),
    NoAccessLog("k"),
    ClientLimits("l", 1, 2, 3, 4, ("10.0.0.0/8",)),
    SourceRanges("m", ("10.1.0.0/16",), ("10.0.0.0/8", "::1")),
    BasicAuth("n", "shop", (("anna", "{PLAIN}a"), ("bert", "{PLAIN}b"))),
    DigestAuth("o", "shop", (("anna", "0" * 32),)),
    SatisfyAny("p"),
    ResponseRate("q", 1024, 2048),
    AppRoot("l", "/app"),
    WwwRedirect("w", "app.example", 301),
    Cors("m", ("https://a.example", "null"), "GET", "X-A", False, "X-B", 60),
    RedirectTo("n", 307, "https://other.example$request_uri"),
    UpstreamHost("o", "$http_x_host"),
    ConnectionField("p", "close"),
    Canary("q", "x-canary", "", "^v[0-9]$", "canary", "INGRESSCOOKIE", ("a", "b")),
    CookieChange("q", "i.example", "o.example", "/a", "/b"),
    LocationChange("r", "http://inner.example/", "/"),
    OldHttp("s"),
    RegexRewrite("t", "/$1", "/a", "/a/(.*)"),
    Snippet(
        "u",
        (
            SetVariable("a", "$host"),
            If("$a", "=", "b", (Answer(403, "no", "text/plain"), SetField("X-A", ""))),
            RequestField("X-B", "1"),
            AddField("X-C", "2", always=True),
        ),
    ),
)
