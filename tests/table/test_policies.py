"""Every policy is in all lists, and has a summary for people."""

from __future__ import annotations

import importlib
import pkgutil
from typing import get_args

import pytest

from edge.data.policies import ORDER
from edge.table import policies
from edge.table.policies import AnyPolicy, BodyLimit, Redirect, RequestBuffering, ResponseBuffering, Retry, Rewrite
from edge.table.policies.policy import Policy
from edge.table.policies.snippet import HideField, RequestField, SetField, Snippet
from tests.table.examples import POLICIES

KNOWN = set(get_args(AnyPolicy))


def defined() -> set[type[Policy]]:
    """All records of policies that modules of the package define."""
    modules = [
        importlib.import_module(f"{policies.__name__}.{one.name}") for one in pkgutil.iter_modules(policies.__path__)
    ]
    found = {one for module in modules for one in vars(module).values() if isinstance(one, type)}
    return {one for one in found if issubclass(one, Policy) and one is not Policy}


def test_every_record_is_in_the_list_by_which_tables_are_read() -> None:
    assert defined() == KNOWN
    assert {getattr(policies, name) for name in policies.__all__ if name != "AnyPolicy"} == KNOWN


def test_every_record_has_its_step_in_the_data_plane_once() -> None:
    assert sorted(one.__name__ for one, _ in ORDER) == sorted(one.__name__ for one in KNOWN)
    assert len({module for _, module in ORDER}) == len(ORDER) - 1  # both snippets of routes have one


def test_there_is_an_example_of_each() -> None:
    assert sorted(type(one).__name__ for one in POLICIES) == sorted(one.__name__ for one in KNOWN)


@pytest.mark.parametrize("kind", sorted(KNOWN, key=lambda one: one.__name__), ids=lambda one: one.__name__)
def test_the_first_field_says_who_asked_for_it(kind: type[Policy]) -> None:
    assert kind.__struct_fields__[0] == "source"


SUMMARIES = {
    "Closed": "closed (503): its Secret is missing",
    "HttpsRedirect": "http is redirected to https (301, trailing slash kept)",
    "Redirect": "redirect (307) to https://other.example:8443 with /new for /old",
    "BodyLimit": "request bodies up to 1099511627776 bytes",
    "Rewrite": "requests are passed on with Host inner.example with path /",
    "RequestHeaders": "request headers: set X-A; add X-B; remove x-c",
    "ResponseHeaders": "response headers: set X-D; add X-E; remove x-f",
    "Hsts": "Strict-Transport-Security: max-age=1",
    "Mirror": "copies go to http://10.0.0.1:8080/$request_uri without content",
    "Tracing": "traced as shop, in a trace of its own",
    "ErrorPages": "404 503 are answered by errors; errors answers where there is no endpoint",
    "CustomHeaders": "fields of every response: X-G",
    "Timeouts": "timeouts connect 0.5 s, send 1.5 s, read 2.5 s",
    "Retry": "a try for each endpoint within 1.25 s on invalid_header http_429 http_503 non_idempotent",
    "NoAccessLog": "not logged",
    "Compression": "compressed by br (level 4), gzip (level 1)",
    "ClientLimits": "requests of a client: 1/s, 2/min, 3 at once, not for 1 network",
    "SourceRanges": "clients: no 10.1.0.0/16, only 10.0.0.0/8 ::1",
    "ServerSnippet": "a snippet of 2 statements for the host",
    "LocationSnippet": "a snippet of 1 statement for all routes",
    "Snippet": "a snippet of 4 statements",
    "BasicAuth": 'Basic authentication for "shop", 2 users',
    "DigestAuth": 'Digest authentication for "shop", 1 user',
    "RequestBuffering": "request bodies up to 1099511627776 bytes are read first, 65536 bytes of each in memory",
    "ResponseBuffering": "responses are read ahead, 131072 bytes in memory and 1048576 in a file",
    "ResponseHead": "heads of responses up to 4096 bytes",
    "ResponseRate": "responses at 1024 bytes/s after 2048 bytes",
    "ExternalAuth": "only clients that http://auth.example:4180/auth?u=$request_uri lets in, answers kept",
    "SignIn": "redirect (302) to https://sign.example/in?rd=$scheme://$http_host$escaped_request_uri instead of 401",
    "SessionBackend": "the backend by cookie route",
    "SatisfyAny": "one of the checks of clients is enough",
    "AppRoot": "redirect (302) to /app",
    "CorsFilter": "CORS for https://*.a.example",
    "Deadline": "a request takes 0.5 s at most, an attempt takes 0.25 s at most",
    "ClientBlocks": "no clients of 1 network, 2 user agents, 1 referer",
    "ClientCertificate": "client certificates: optional with subject CN=a",
    "WwwRedirect": "redirect (301) to app.example",
    "Cors": "CORS for https://a.example, null",
    "RedirectTo": "redirect (307) to https://other.example$request_uri",
    "HashBy": "endpoints by $request_uri, 3 for each",
    "Affinity": "sticky by cookie route (persistent), for 3600 s in all or 60 s idle",
    "Canary": "canary by cookie INGRESSCOOKIE, header x-canary: ~ ^v[0-9]$, cookie canary=always",
    "UpstreamHost": "requests are passed on with Host $http_x_host",
    "CookieChange": "cookies of endpoints are passed on with Domain o.example for i.example with Path /b for /a",
    "LocationChange": "redirects of endpoints are passed on with / for http://inner.example/",
    "RegexRewrite": "requests are passed on with path /$1 and X-Forwarded-Prefix /a",
    "FastCgi": "requests are passed on by FastCGI with index index.php, 1 parameter of its own",
    "OldHttp": "requests are passed on as HTTP/1.0",
    "ConnectionField": "requests are passed on with Connection: close",
}


@pytest.mark.parametrize("policy", POLICIES, ids=lambda one: type(one).__name__)
def test_what_it_does_is_said_in_a_line(policy: Policy) -> None:
    assert policy.summary() == SUMMARIES[type(policy).__name__]


@pytest.mark.parametrize(
    ("policy", "summary"),
    [
        (Retry("a", tries=1), "no retries"),
        (Retry("a", on_error=False, on_timeout=False), "no retries"),
        (Redirect("a"), "redirect (302) to scheme as asked://host as asked"),
        (Rewrite("a"), "requests are passed on"),
        (BodyLimit("a", 0), "request bodies of any size"),
        (RequestBuffering("a"), "request bodies are read first, 32768 bytes of each in memory"),
        (ResponseBuffering("a", file=0), "responses that ask for it are read ahead, 16384 bytes in memory"),
        (Snippet("a", (SetField("Server", ""),)), "response fields: Server removed"),
        (Snippet("a", (HideField("X-A"), SetField("X-A", "1"))), "response fields: X-A hidden, X-A set"),
        (
            Snippet("a", (RequestField("X-A", "$uri"), SetField("B", "1"), SetField("C", ""))),
            "request fields: X-A set; response fields: B set, C removed",
        ),
        (RequestBuffering("a", 0), "request bodies go to the endpoint as they come"),
    ],
)
def test_a_policy_of_defaults_has_a_summary_too(policy: Policy, summary: str) -> None:
    assert policy.summary() == summary
