"""Redirects, and header fields in both directions."""

from __future__ import annotations

from dataclasses import dataclass

from edge.settings.field import PROXY, TRANSLATION, setting


@dataclass(frozen=True, kw_only=True)
class Headers:
    """Redirects, and header fields in both directions."""

    ssl_redirect: bool = setting(
        True,
        "Send plain http requests for hosts with TLS to https (308) unless an annotation says otherwise.",
        commands=TRANSLATION,
    )
    global_allowed_response_headers: tuple[str, ...] = setting(
        (),
        "Response header field that a ConfigMap named by the annotation custom-headers may set.",
        placeholder="NAME",
        commands=TRANSLATION,
    )
    hsts: bool = setting(True, "Send Strict-Transport-Security on https responses of Ingresses.", commands=TRANSLATION)
    use_forwarded_headers: bool = setting(
        False,
        "Trust X-Forwarded-For, -Host, -Port and -Proto of peers in --proxy-real-ip-cidr, and pass on other fields by"
        " which proxies describe the client.",
        commands=PROXY,
    )
    proxy_real_ip_cidr: tuple[str, ...] = setting(
        ("0.0.0.0/0", "::/0"),
        "Peers whose forwarded headers and PROXY protocol are trusted.",
        placeholder="CIDR",
        commands=PROXY,
    )
    compute_full_forwarded_for: bool = setting(
        False, "Append the peer to X-Forwarded-For instead of replacing it.", commands=PROXY
    )
    send_forwarded_header: bool = setting(
        False, "Send endpoints the client's address, host and scheme also as Forwarded (RFC 7239).", commands=PROXY
    )
    pass_cdn_headers: bool = setting(
        True,
        "Pass True-Client-IP, CF-Connecting-IP and other fields that a CDN sets for its origin, from any client.",
        commands=PROXY,
    )
    use_proxy_protocol: bool = setting(
        False, "Every connection must begin with a PROXY protocol header, version 1 or 2.", commands=PROXY
    )
    enable_underscores_in_headers: bool = setting(
        False, "Pass request headers with underscores in their names instead of dropping them.", commands=PROXY
    )
