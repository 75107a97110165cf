"""Keys that only have a meaning in nginx, or that Edge sets by flags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.translate.configmap.keys import refused, without_effect

if TYPE_CHECKING:
    from edge.control.translate.configmap.keys import Key

KEYS: Final[tuple[Key, ...]] = (
    *without_effect(
        "Edge needs no such memory, tables or buffers, or sizes them itself.",
        "client-header-buffer-size",
        "grpc-buffer-size-kb",
        "lua-shared-dicts",
        "map-hash-bucket-size",
        "proxy-busy-buffers-size",
        "proxy-headers-hash-bucket-size",
        "proxy-headers-hash-max-size",
        "server-name-hash-bucket-size",
        "server-name-hash-max-size",
        "ssl-buffer-size",
        "variables-hash-bucket-size",
        "variables-hash-max-size",
    ),
    *without_effect(
        "A change is in force without a reload, and it does not change how workers accept and write.",
        "debug-connections",
        "enable-aio-write",
        "enable-multi-accept",
        "enable-serial-reloads",
        "reuse-port",
        "worker-cpu-affinity",
    ),
    *without_effect(
        "Processes and sockets are made at the start: see the flags `--workers`, `--http` and `--https`, and the limit "
        "of open files of the container.",
        "bind-address",
        "bind-address-ipv4",
        "bind-address-ipv6",
        "disable-ipv6",
        "max-worker-open-files",
        "worker-processes",
    ),
    *without_effect(
        "Names are looked up by the system's resolver, and both families of addresses are used.", "disable-ipv6-dns"
    ),
    *without_effect(
        "Obsolete in nginx, too: `large-client-header-buffers` and `keep-alive-requests` hold for HTTP/2.",
        "http2-max-field-size",
        "http2-max-header-size",
        "http2-max-requests",
    ),
    *without_effect(
        "Edge has metrics at `--admin` instead of nginx's status page.",
        "nginx-status-ipv4-whitelist",
        "nginx-status-ipv6-whitelist",
    ),
    *without_effect(
        "A name that RFC 9110 does not allow is answered 400; for underscores see `enable-underscores-in-headers`.",
        "ignore-invalid-headers",
    ),
    *without_effect("Each Ingress's terms of TLS hold for its own paths already.", "proxy-ssl-location-only"),
    *without_effect(
        "Jaeger's own protocol is gone from ingress-nginx, too; see `enable-opentelemetry`.",
        "jaeger-collector-host",
        "jaeger-collector-port",
        "jaeger-endpoint",
        "jaeger-service-name",
        "jaeger-propagation-format",
        "jaeger-sampler-type",
        "jaeger-sampler-param",
        "jaeger-sampler-host",
        "jaeger-sampler-port",
        "jaeger-trace-context-header-name",
        "jaeger-debug-header",
        "jaeger-baggage-header",
        "jaeger-trace-baggage-header-prefix",
    ),
    *refused(
        "It is nginx's configuration as text, which Edge never evaluates.",
        "main-snippet",
        "http-snippet",
        "stream-snippet",
    ),
    *refused(
        "ModSecurity is a module of nginx. Put a web application firewall in front of Edge or behind it.",
        "enable-modsecurity",
        "enable-owasp-modsecurity-crs",
        "modsecurity-snippet",
    ),
    *refused("Edge has no GeoIP database.", "use-geoip", "use-geoip2", "geoip2-autoreload-in-minutes"),
    *refused("Python's TLS library does not support it for servers.", "enable-ocsp", "ssl-early-data"),
)
