"""Annotations of an Ingress as policies, and the problems of those that are none."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import pytest

from edge.control.kinds.problems import Severity
from edge.control.translate import annotations as package
from edge.control.translate.annotations import policies
from edge.control.translate.annotations.defaults import defaults_of
from edge.control.translate.annotations.names import INGRESS_NGINX
from edge.control.translate.annotations.values import PREFIX
from edge.control.translate.annotations.wanted import Deferred
from edge.settings import LARGEST_HEAD, Settings
from edge.table import policies as records
from edge.table.policies import (
    BodyLimit,
    Hsts,
    HttpsRedirect,
    NoAccessLog,
    RequestBuffering,
    ResponseBuffering,
    ResponseHead,
    Retry,
    Timeouts,
)
from edge.table.policies.policy import Policy
from edge.table.policies.request_buffering import ANY
from edge.table.records import Balance
from tests.support import objects
from tests.support.policies import policy
from tests.support.world import World

READER = policies.Reader(
    {
        "allow-snippet-annotations": ("true", "--allow-snippet-annotations"),
        "annotations-risk-level": ("Critical", "--annotations-risk-level"),
    }
)


def read(**annotations: str) -> tuple[policies.Asked, list[str]]:
    named = {PREFIX + name.replace("_", "-"): value for name, value in annotations.items()}
    asked, problems = READER.read(named)
    return asked, [problem.reason for problem in problems]


def place(name: str) -> str:
    """Where an annotation stands in an Ingress."""
    return f'metadata.annotations["{PREFIX}{name}"]'


def asked_for(**annotations: str) -> Policy:
    """The one policy that ANNOTATIONS ask for."""
    (one,) = read(**annotations)[0].policies
    return one


def test_no_annotations_are_the_defaults_of_ingress_nginx() -> None:
    asked, problems = read()
    assert asked.policies == (), "a route without policies has the defaults"
    assert asked.with_tls == (HttpsRedirect(""), Hsts("", "max-age=31536000; includeSubDomains"))
    assert Timeouts("") == Timeouts("", connect=5.0, send=60.0, read=60.0)
    assert Retry("") == Retry("", tries=3, timeout=0.0, non_idempotent=False, on_error=True, on_timeout=True)
    assert problems == []


def test_annotations_of_others_are_nobodys_business() -> None:
    assert READER.read({"cert-manager.io/issuer": "x", "nginx.org/rewrites": "y"}) == READER.read({})


def test_timeouts_and_tries() -> None:
    asked, _ = read(
        proxy_connect_timeout="1",
        proxy_send_timeout="2",
        proxy_read_timeout="3",
        proxy_next_upstream="error timeout non_idempotent",
        proxy_next_upstream_tries="7",
        proxy_next_upstream_timeout="9",
    )
    assert asked.policies == (
        Timeouts(place("proxy-connect-timeout"), 1.0, 2.0, 3.0),
        Retry(place("proxy-next-upstream"), tries=7, timeout=9.0, non_idempotent=True),
    )


def test_conditions_for_further_tries() -> None:
    retry = asked_for(proxy_next_upstream="invalid_header http_503 http_429")
    source = place("proxy-next-upstream")
    assert retry == Retry(source, on_error=False, on_timeout=False, on_invalid=True, on_statuses=(429, 503))


def test_off_means_one_try() -> None:
    retry = asked_for(proxy_next_upstream="off", proxy_next_upstream_tries="7")
    assert isinstance(retry, Retry)
    assert retry.tries == 1


def test_body_size_and_log() -> None:
    asked, _ = read(proxy_body_size="8m", enable_access_log="false")
    assert asked.policies == (BodyLimit(place("proxy-body-size"), 8 << 20), NoAccessLog(place("enable-access-log")))
    assert read(proxy_body_size="1m", enable_access_log="true")[0].policies == (), "the default"
    assert read(proxy_body_size="0")[0].policies == (BodyLimit(place("proxy-body-size"), 0),)


def test_process_wide_values_of_bodies_lie_beneath_the_annotations() -> None:
    reader = policies.Reader(defaults_of(Settings().with_(proxy_body_size="8m", proxy_request_buffering="off")))
    assert reader.read({})[0].policies == (
        BodyLimit("--proxy-body-size", 8 << 20),
        RequestBuffering("--proxy-request-buffering", 0),
    )
    annotations = {PREFIX + "proxy-body-size": "1m", PREFIX + "proxy-request-buffering": "on"}
    assert reader.read(annotations)[0].policies == ()
    assert policies.Reader(defaults_of(Settings())).read({})[0].policies == ()


@pytest.mark.parametrize("size", ["15r", "1.5m", "-1", "10b", "ten"])
def test_a_body_size_that_cannot_be_read_leaves_the_default(size: str) -> None:
    asked, problems = read(proxy_body_size=size)
    assert (asked.policies, problems) == ((), ["InvalidAnnotation"])


def test_buffering_of_responses() -> None:
    assert asked_for(proxy_buffering="on") == ResponseBuffering(place("proxy-buffering"), on=True)
    asked, problems = read(proxy_buffering="on", proxy_buffers_number="8", proxy_max_temp_file_size="0")
    assert asked.policies == (ResponseBuffering(place("proxy-buffering"), on=True, memory=8 * 4096, file=0),)
    assert problems == []
    assert read(proxy_buffering="off", proxy_busy_buffers_size="16k") == (read()[0], [])
    assert read(proxy_buffering="true")[1] == ["InvalidAnnotation"]


def test_size_of_the_heads_of_responses() -> None:
    """It is that of a buffer too."""
    source = place("proxy-buffer-size")
    asked, problems = read(proxy_buffer_size="8k")
    assert asked.policies == (ResponseBuffering(source, memory=4 * 8192), ResponseHead(source, 8192))
    assert problems == []
    assert ResponseHead(source, LARGEST_HEAD) in read(proxy_buffer_size="128k")[0].policies, "the most there can be"
    for size in ("0", "8kb", "much"):
        assert read(proxy_buffer_size=size) == (read()[0], ["InvalidAnnotation"])


def test_buffering_of_requests() -> None:
    assert asked_for(proxy_request_buffering="off") == RequestBuffering(place("proxy-request-buffering"), 0)
    assert asked_for(client_body_buffer_size="1m") == RequestBuffering(
        place("client-body-buffer-size"), ANY, memory=1 << 20
    )
    assert read(proxy_request_buffering="on", client_body_buffer_size="8k")[0].policies == ()
    assert read(proxy_request_buffering="true") == (read()[0], ["InvalidAnnotation"])


def test_a_forced_redirect_is_for_hosts_without_tls_too() -> None:
    asked, _ = read(force_ssl_redirect="true", preserve_trailing_slash="true")
    assert asked.policies == (HttpsRedirect(place("force-ssl-redirect"), preserve_trailing_slash=True),)
    assert [type(one) for one in asked.with_tls] == [Hsts]
    asked, _ = read(ssl_redirect="true", use_port_in_redirects="true")
    assert asked.with_tls[0] == HttpsRedirect(place("ssl-redirect"), with_port=True)
    assert read(use_port_in_redirects="perhaps")[1] == ["InvalidAnnotation"]


EXAMPLES: dict[str, tuple[dict[str, str], type[Policy | Deferred]]] = {
    "https_redirect": ({"force_ssl_redirect": "true"}, records.HttpsRedirect),
    "hsts": ({}, records.Hsts),
    "client_limits": ({"limit_rps": "1"}, records.ClientLimits),
    "source_ranges": ({"denylist_source_range": "10.0.0.0/8"}, records.SourceRanges),
    "auth": ({"auth_type": "basic", "auth_secret": "users"}, Deferred),
    "external_auth": ({"auth_url": "http://auth.example/auth"}, records.ExternalAuth),
    "satisfy": ({"satisfy": "any"}, records.SatisfyAny),
    "response_buffering": ({"proxy_buffering": "on"}, records.ResponseBuffering),
    "response_head": ({"proxy_buffer_size": "8k"}, records.ResponseHead),
    "response_rate": ({"limit_rate": "1"}, records.ResponseRate),
    "body_limit": ({"proxy_body_size": "1"}, records.BodyLimit),
    "request_buffering": ({"proxy_request_buffering": "off"}, records.RequestBuffering),
    "timeouts": ({"proxy_read_timeout": "1"}, records.Timeouts),
    "retry": ({"proxy_next_upstream": "off"}, records.Retry),
    "app_root": ({"app_root": "/app"}, records.AppRoot),
    "cors": ({"enable_cors": "true"}, records.Cors),
    "redirect_to": ({"permanent_redirect": "https://other.example"}, records.RedirectTo),
    "upstream_host": ({"upstream_vhost": "inner.example"}, records.UpstreamHost),
    "connection_field": ({"connection_proxy_header": "close"}, records.ConnectionField),
    "fast_cgi": ({"backend_protocol": "FCGI", "fastcgi_index": "index.php"}, records.FastCgi),
    "old_http": ({"proxy_http_version": "1.0"}, records.OldHttp),
    "cookie_change": ({"proxy_cookie_path": "/ /app"}, records.CookieChange),
    "location_change": ({"proxy_redirect_from": "/a", "proxy_redirect_to": "/b"}, records.LocationChange),
    "regex_rewrite": ({"rewrite_target": "/$1"}, records.RegexRewrite),
    "custom_headers": ({"custom_headers": "demo/fields"}, Deferred),
    "mirror": ({"mirror_target": "http://mirror.example"}, records.Mirror),
    "tracing": ({"enable_opentelemetry": "false"}, records.Tracing),
    "error_pages": ({"custom_http_errors": "404"}, records.ErrorPages),
    "snippets": ({"configuration_snippet": "return 403;"}, records.Snippet),
    "hash_by": ({"upstream_hash_by": "$request_uri"}, records.HashBy),
    "affinity": ({"affinity": "cookie"}, records.Affinity),
    "access_log": ({"enable_access_log": "false"}, records.NoAccessLog),
}
"""Annotations for each unit, and what they ask for; `Deferred` where that needs another object."""
BESIDE: dict[Any, dict[str, str]] = {policies.response_rate: {"proxy_buffering": "on"}}
"""Annotations of other units without which they have no effect."""


@pytest.mark.parametrize("unit", policies.UNITS, ids=lambda unit: unit.__name__.rpartition(".")[2])
def test_every_unit_asks_for_its_policy(unit: Any) -> None:
    annotations, kind = EXAMPLES[unit.__name__.rpartition(".")[2]]
    asked, problems = read(**annotations, **BESIDE.get(unit, {}))
    assert problems == []
    assert kind in [type(one) for one in (*asked.policies, *asked.with_tls, *asked.deferred)]
    assert {name.replace("_", "-") for name in annotations} <= unit.NAMES | policies.transport.NAMES


def test_every_module_with_annotations_is_a_unit() -> None:
    """A module that has `NAMES` and is in no list would never be read."""
    found = [
        importlib.import_module(f"{package.__name__}.{module.name}")
        for module in pkgutil.iter_modules(package.__path__)
    ]
    readers = {module for module in found if hasattr(module, "NAMES") and hasattr(module, "read")}
    assert readers == {*policies.UNITS, *policies.OTHERS}


@pytest.mark.parametrize(
    ("word", "balance"),
    [
        ("round_robin", Balance.ROUND_ROBIN),
        ("least_conn", Balance.LEAST_CONNECTIONS),
        ("ewma", Balance.EWMA),
    ],
)
def test_ways_of_balancing(word: str, balance: Balance) -> None:
    assert read(load_balance=word)[0].balancing.algorithm is balance


@pytest.mark.parametrize("name", sorted(INGRESS_NGINX - policies.SUPPORTED))
def test_one_that_ingress_nginx_carries_out_and_we_do_not_is_a_warning_unless_it_is_off(name: str) -> None:
    reader = policies.Reader({"annotations-risk-level": ("Critical", "")})
    _, (problem,) = reader.read({PREFIX + name: "true"})
    assert (problem.reason, problem.severity) == ("UnsupportedAnnotation", Severity.WARNING)
    assert reader.read({PREFIX + name: "false"}) == reader.read({})


def test_one_that_nobody_knows_is_a_warning_with_a_guess() -> None:
    _, problems = READER.read({PREFIX + "ssl-redirct": "true"})
    assert problems[0].reason == "UnknownAnnotation"
    assert f'did you mean "{PREFIX}ssl-redirect"?' in problems[0].message


def test_what_is_supported_is_of_ingress_nginx() -> None:
    assert policies.SUPPORTED <= INGRESS_NGINX


def test_they_arrive_in_the_routes_of_their_ingress_alone() -> None:
    slow = objects.ingress("slow", host="slow.example", annotations={PREFIX + "proxy-read-timeout": "600"})
    world = World().apply(slow, objects.ingress())
    assert policy(world.route("slow.example"), Timeouts) == Timeouts(place("proxy-read-timeout"), read=600.0)
    assert policy(world.route("web.example"), Timeouts) is None


def test_a_bad_one_is_a_problem_of_its_ingress_and_the_rest_counts() -> None:
    notes = {PREFIX + "proxy-read-timeout": "soon", PREFIX + "proxy-send-timeout": "7"}
    world = World().apply(objects.ingress(annotations=notes), objects.service(), objects.endpoints("web", "10.0.0.1"))
    assert world.reasons() == ["InvalidAnnotation"]
    assert policy(world.route("web.example"), Timeouts) == Timeouts(place("proxy-send-timeout"), 5.0, 7.0, 60.0)


def test_annotations_may_have_another_prefix() -> None:
    """Those with the usual one are then nobody's, and reports name them as they are written."""
    notes = {
        "example.com/proxy-read-timeout": "600",
        "example.com/proxy-send-timeout": "soon",
        PREFIX + "proxy-connect-timeout": "7",
    }
    world = World(Settings(annotations_prefix="example.com"))
    world.apply(objects.ingress(annotations=notes), objects.service(), objects.endpoints("web", "10.0.0.1"))
    found = policy(world.route("web.example"), Timeouts)
    assert found is not None
    assert (found.connect, found.read) == (5.0, 600.0)
    (problem,) = world.problems_of()
    assert problem.field == 'metadata.annotations["example.com/proxy-send-timeout"]'
