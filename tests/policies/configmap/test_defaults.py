"""Where the ConfigMap lacks a key, ingress-nginx's default holds, or the key's remark says what holds instead."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from edge.control.translate.configmap.groups import KEYS
from edge.control.translate.configmap.keys import Sort
from edge.settings import Settings
from edge.table.parameters import INGRESS_NGINX, PARAMETERS, TLS_PARAMETERS, Parameters, TlsParameters
from edge.table.records import SHARED_POLICIES
from tests.support import objects
from tests.support.configured import NAME, OWNER, config_map
from tests.support.world import World

COMMON_TYPES = (
    "application/atom+xml application/javascript application/x-javascript application/json application/rss+xml "
    "application/vnd.ms-fontobject application/x-font-ttf application/x-web-app-manifest+json application/xhtml+xml "
    "application/xml font/opentype image/svg+xml image/x-icon text/css text/javascript text/plain text/x-component"
)
THEIRS = {
    "allow-snippet-annotations": "false",
    "allow-cross-namespace-resources": "false",
    "allow-backend-server-header": "false",
    "annotations-risk-level": "High",
    "access-log-path": "/var/log/nginx/access.log",
    "brotli-level": "4",
    "brotli-min-length": "20",
    "brotli-types": f"application/xml+rss {COMMON_TYPES}",
    "client-body-buffer-size": "8k",
    "client-body-timeout": "60",
    "client-header-timeout": "60",
    "compute-full-forwarded-for": "false",
    "default-type": "text/html",
    "disable-access-log": "false",
    "disable-proxy-intercept-errors": "false",
    "enable-access-log-for-default-backend": "false",
    "enable-brotli": "false",
    "enable-opentelemetry": "false",
    "enable-real-ip": "false",
    "enable-syslog": "false",
    "enable-underscores-in-headers": "false",
    "error-log-level": "notice",
    "forwarded-for-header": "X-Forwarded-For",
    "forwarded-host-header": "X-Forwarded-Host",
    "force-ssl-redirect": "false",
    "generate-request-id": "true",
    "global-auth-always-set-cookie": "false",
    "gzip-level": "1",
    "gzip-min-length": "256",
    "gzip-types": COMMON_TYPES,
    "hsts": "true",
    "hsts-include-subdomains": "true",
    "hsts-max-age": "31536000",
    "hsts-preload": "false",
    "http-redirect-code": "308",
    "http2-max-concurrent-streams": "128",
    "keep-alive": "75",
    "keep-alive-requests": "1000",
    "large-client-header-buffers": "4 8k",
    "limit-conn-status-code": "503",
    "limit-rate": "0",
    "limit-rate-after": "0",
    "limit-req-status-code": "503",
    "log-format-escape-json": "false",
    "log-format-escape-none": "false",
    "max-worker-connections": "16384",
    "no-auth-locations": "/.well-known/acme-challenge",
    "no-tls-redirect-locations": "/.well-known/acme-challenge",
    "opentelemetry-trust-incoming-span": "true",
    "otel-max-export-batch-size": "512",
    "otel-max-queuesize": "2048",
    "otel-sampler": "AlwaysOn",
    "otel-sampler-parent-based": "true",
    "otel-schedule-delay-millis": "5000",
    "otel-service-name": "nginx",
    "preserve-trailing-slash": "false",
    "proxy-add-original-uri-header": "false",
    "proxy-body-size": "1m",
    "proxy-buffer-size": "4k",
    "proxy-buffering": "off",
    "proxy-buffers-number": "4",
    "proxy-connect-timeout": "5",
    "proxy-cookie-domain": "off",
    "proxy-cookie-path": "off",
    "proxy-http-version": "1.1",
    "proxy-max-temp-file-size": "1024m",
    "proxy-next-upstream": "error timeout",
    "proxy-next-upstream-timeout": "0",
    "proxy-next-upstream-tries": "3",
    "proxy-protocol-header-timeout": "5s",
    "proxy-read-timeout": "60",
    "proxy-redirect-from": "off",
    "proxy-redirect-to": "off",
    "proxy-request-buffering": "on",
    "proxy-send-timeout": "60",
    "proxy-stream-next-upstream": "true",
    "proxy-stream-next-upstream-timeout": "600s",
    "proxy-stream-next-upstream-tries": "3",
    "proxy-stream-responses": "1",
    "proxy-stream-timeout": "600s",
    "relative-redirects": "false",
    "retry-non-idempotent": "false",
    "server-tokens": "false",
    "service-upstream": "false",
    "ssl-ecdh-curve": "auto",
    "ssl-protocols": "TLSv1.2 TLSv1.3",
    "ssl-redirect": "true",
    "ssl-reject-handshake": "false",
    "ssl-session-cache": "true",
    "ssl-session-cache-size": "10m",
    "ssl-session-tickets": "false",
    "ssl-session-timeout": "10m",
    "strict-validate-path-type": "true",
    "syslog-port": "514",
    "upstream-keepalive-connections": "320",
    "upstream-keepalive-requests": "10000",
    "upstream-keepalive-time": "1h",
    "upstream-keepalive-timeout": "60",
    "use-forwarded-headers": "false",
    "use-gzip": "false",
    "use-http2": "true",
    "use-port-in-redirects": "false",
    "use-proxy-protocol": "false",
    "worker-shutdown-timeout": "240s",
}
"""ingress-nginx's defaults (kubernetes/ingress-nginx 1.15, internal/ingress/controller/config)."""
UNSET = {
    *("add-headers", "annotation-value-word-blocklist", "app-root", "block-cidrs", "block-referers"),
    *("block-user-agents", "custom-http-errors", "denylist-source-range", "global-allowed-response-headers"),
    *("global-auth-cache-duration", "global-auth-cache-key", "global-auth-method", "global-auth-request-redirect"),
    *("global-auth-response-headers", "global-auth-signin", "global-auth-signin-redirect-param", "global-auth-snippet"),
    *("global-auth-url", "gzip-disable", "hide-headers", "http-access-log-path", "load-balance"),
    *("disable-http-access-log", "disable-stream-access-log", "opentelemetry-operation-name", "otlp-collector-host"),
    *("proxy-set-headers", "skip-access-log-urls", "ssl-dh-param", "ssl-session-ticket-key", "syslog-host"),
    *("location-snippet", "server-snippet"),
    *("upstream-hash-by", "upstream-hash-by-subset", "upstream-hash-by-subset-size", "whitelist-source-range"),
}
"""Keys that ask for nothing until they are set, in ingress-nginx and here."""
TEXTS = {
    "ssl-ciphers": "the same list",
    "log-format-upstream": "the same line, made by other means",
    "log-format-stream": "that of the setting",
    "otel-sampler-ratio": "behind otel-sampler",
    "otlp-collector-port": "another protocol",
    "proxy-real-ip-cidr": "all networks, of IPv6 too",
    **dict.fromkeys(("enable-zstd", "zstd-level", "zstd-min-length", "zstd-types"), "not in ingress-nginx"),
}
"""Keys whose defaults are not compared here, and why."""
OTHERS = {"otel-schedule-delay-millis", "proxy-buffer-size", "ssl-session-tickets"}
"""Keys of which a remark says what holds without them."""
HONOURED = [key.name for key in KEYS.values() if key.sort not in (Sort.WITHOUT_EFFECT, Sort.REFUSED)]


def in_force(**data: str) -> dict[str, Any]:
    """All that a ConfigMap with DATA comes to: settings, parameters, handshakes, and a host with TLS."""
    world = World(Settings(configmap=NAME))
    site = (objects.ingress(secret="tls"), objects.service(), objects.endpoints("web", "10.0.0.1"))
    world.apply(config_map({name.replace("_", "-"): text for name, text in data.items()}), *site)
    assert not world.problems.get(OWNER)
    record = world.routes[PARAMETERS]
    assert isinstance(record, Parameters)
    settings = record.over(Settings())
    return {
        "settings": settings,
        "parameters": {name: getattr(record, name) for name in record.__struct_fields__ if not hasattr(settings, name)},
        "handshakes": world.tls.get(TLS_PARAMETERS) or TlsParameters(),
        "host": _without_sources(world.routes["web.example"]),
        "shared": _without_sources(world.routes.get(SHARED_POLICIES)),
        "endpoints": _without_sources(tuple(world.endpoints.values())),
    }


def _without_sources(value: Any) -> Any:
    """VALUE without the names of what has asked for it."""
    if isinstance(value, msgspec.Struct):
        names = (name for name in value.__struct_fields__ if name != "source")
        return type(value), {name: _without_sources(getattr(value, name)) for name in names}
    return [_without_sources(one) for one in value] if isinstance(value, list | tuple) else value


def test_every_key_that_is_honoured_is_looked_at() -> None:
    assert THEIRS.keys() | UNSET | TEXTS.keys() == set(HONOURED)


@pytest.mark.parametrize("name", sorted(THEIRS))
def test_a_key_at_its_default_is_as_one_that_is_not_set(name: str) -> None:
    key = name.replace("-", "_")
    if name in OTHERS:
        assert "Without the key" in KEYS[name].remark
        assert in_force(**{key: THEIRS[name]}) != in_force()
    else:
        assert in_force(**{key: THEIRS[name]}) == in_force()


@pytest.mark.parametrize("name", sorted(INGRESS_NGINX))
def test_a_flag_goes_before_a_default_and_a_key_before_both(name: str) -> None:
    other = {"keep_alive_requests": 7, "otel_sampler_ratio": 0.5, "otel_service_name": "own", "shutdown_grace": 7.0}
    started = Settings(**{name: other[name]})
    assert getattr(Parameters().over(Settings()), name) == getattr(Settings(), name)
    assert getattr(Parameters(as_ingress_nginx=True).over(Settings()), name) == INGRESS_NGINX[name]
    assert getattr(Parameters(as_ingress_nginx=True).over(started), name) == other[name]


def test_without_a_configmap_of_that_name_the_defaults_are_the_same() -> None:
    world = World(Settings(configmap=NAME)).delete("ConfigMap", *reversed(NAME.split("/")))
    record = world.routes[PARAMETERS]
    assert isinstance(record, Parameters)
    assert record.over(Settings()).keep_alive_requests == 1000
