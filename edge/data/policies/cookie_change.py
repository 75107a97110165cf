"""Replaces the attributes Domain and Path of the cookies that endpoints set."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.data.exchange.exchange import Exchange
    from edge.data.http._message import Message
    from edge.data.policies.phases import Phases
    from edge.table.policies import CookieChange

SET_COOKIE = b"set-cookie"


def add(policy: CookieChange, phases: Phases) -> None:
    """An edit of endpoints' responses; nginx docs, ngx_http_proxy_module, proxy_cookie_domain and proxy_cookie_path."""
    domain, new_domain = policy.domain.encode(), policy.new_domain.encode()
    path, new_path = policy.path.encode(), policy.new_path.encode()

    def changed(attribute: bytes) -> bytes:
        name, equals, value = attribute.partition(b"=")
        value = value.strip()
        match name.strip().lower():
            case b"domain" if domain and value.removeprefix(b".").lower() == domain:
                dot = b"." if value.startswith(b".") else b""
                return name + equals + dot + new_domain
            case b"path" if path and value.startswith(path):
                return name + equals + new_path + value[len(path) :]
        return attribute

    def edit(exchange: Exchange, response: Message | None) -> None:
        cookies = response.passed_on(SET_COOKIE) if response is not None else None
        if response is None or not cookies:
            return
        response.hide(SET_COOKIE)
        for cookie in cookies:
            pair, *attributes = cookie.split(b";")
            exchange.fields += b"Set-Cookie: " + b";".join([pair, *map(changed, attributes)]) + b"\r\n"

    phases.answers.append(edit)
