"""Authentication by another server: auth-url and what goes with it.

- If a value that decides about access cannot be read, the routes of the Ingress are closed.
- Each annotation has a process-wide counterpart that begins with `global-`. An Ingress with an `auth-url` of its own,
  or with `enable-global-auth: "false"`, has none of these.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from msgspec.structs import replace

from edge.control.kinds.core import ConfigMap
from edge.control.translate import templated_fields
from edge.control.translate.annotations.durations import cache_times
from edge.control.translate.annotations.server_url import VISIBLE, server_of
from edge.control.translate.annotations.snippets import allowed
from edge.control.translate.annotations.wanted import ContentError, Deferred, Wanted
from edge.control.translate.snippets.dialect import SUBREQUEST, statements
from edge.control.translate.snippets.lexer import SnippetError
from edge.table import templates, variables
from edge.table.fields import name_fault
from edge.table.policies.external_auth import ExternalAuth, SignIn
from edge.table.policies.snippet import RequestField
from edge.table.remotes import remote_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.kinds.core import Secret
    from edge.control.translate.annotations.server_url import Server
    from edge.control.translate.annotations.values import Values
    from edge.table.policies import AnyPolicy

_KEPT_ALIVE: Final = ("auth-keepalive", "auth-keepalive-requests", "auth-keepalive-timeout")
_BOTH: Final = (
    "auth-url",
    "auth-method",
    "auth-signin",
    "auth-signin-redirect-param",
    "auth-response-headers",
    "auth-request-redirect",
    "auth-always-set-cookie",
    "auth-cache-key",
    "auth-cache-duration",
    "auth-snippet",
)
"""Annotations that also exist process-wide."""
NAMES: Final = frozenset(
    {*_BOTH, *_KEPT_ALIVE, "auth-keepalive-share-vars", "auth-proxy-set-headers", "enable-global-auth"}
)
DIFFERENCES: Final = {
    "auth-url": (
        "A name is looked up as that of an ExternalName Service. The host may be `$host`, except under a wildcard "
        "host or any host, where clients would choose the server. A URL without path asks "
        "for `/`. The server does not get the client's X-Forwarded-\\* fields. Variables are those of "
        "[requests](#variables)."
    ),
    "auth-response-headers": "Host, X-Request-ID and fields that frame a message are reported and left out.",
    "auth-always-set-cookie": "Each cookie of the server is a field of its own.",
    "auth-cache-key": (
        "Kept in memory for all workers of a pod, by route and by each variable for itself. An answer of more than "
        "4 KiB is not kept."
    ),
    **dict.fromkeys(
        ("auth-keepalive", "auth-keepalive-requests", "auth-keepalive-timeout", "auth-keepalive-share-vars"),
        "Accepted; connections to authentication servers are kept as those to endpoints are.",
    ),
    "auth-snippet": (
        "Has `proxy_set_header` only, and is off like `configuration-snippet`. One with anything else closes the "
        "routes (503)."
    ),
}
"""How Edge differs from ingress-nginx, by annotation."""
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE")
CACHE_TIMES: Final = "200 202 401 5m"
WRITTEN: Final = frozenset({"host", "x-request-id", "x-forwarded-host"})
"""Fields that every request has from Edge."""

_PARAMETER: Final = re.compile(r"[A-Za-z0-9._~-]+")
_KEY: Final = re.compile(r"[A-Za-z0-9_${}-]+")
_HEADER: Final = re.compile(r"[A-Za-z0-9_-]+")


def read(values: Values) -> Iterator[Wanted | Deferred]:
    """`auth-url` asks for it."""
    for name in _KEPT_ALIVE:
        values.integer(name, 0)
    values.boolean("auth-keepalive-share-vars")
    if values.text("auth-url"):
        yield from _Reader(values, "").read()
    elif values.boolean("enable-global-auth", default=True) and values.text("global-auth-url"):
        yield from _Reader(values, "global-").read()
    if values.text("auth-snippet") and not values.text("auth-url"):
        values.warn("auth-snippet", "has no effect without auth-url")


class _Reader:
    """Reads the annotations, or what is there for all Ingresses with PREFIX."""

    def __init__(self, values: Values, prefix: str) -> None:
        self._values = values
        self._prefix = prefix

    def read(self) -> Iterator[Wanted | Deferred]:
        values, url = self._values, self._name("auth-url")
        server = server_of(values.text(url))
        if isinstance(server, str):
            yield values.refuse(url, server)
            return
        refused = self._refused()
        if refused is not None:
            yield refused
            return
        try:
            fields = self._fields()
        except SnippetError as error:
            yield values.refuse(self._name("auth-snippet"), str(error))
            return
        asked = self._asked(server, fields)
        if values.text("auth-proxy-set-headers") and not self._prefix:
            reference = values.reference("ConfigMap", "auth-proxy-set-headers")
            if reference is None:
                yield values.close("auth-proxy-set-headers", "auth-proxy-set-headers is no name of a ConfigMap")
                return
            yield Deferred(reference, lambda found: (_with(asked, found), ()))
        else:
            yield Wanted(asked)
        location = self._sign_in()
        if location:
            yield Wanted(SignIn(values.source(self._name("auth-signin")), location))

    def _name(self, name: str) -> str:
        return self._prefix + name

    def _text(self, name: str) -> str:
        return self._values.text(self._name(name))

    def _refused(self) -> Wanted | None:
        """The policy that closes the routes because of another value than the URL."""
        method, headers = self._text("auth-method"), _listed(self._text("auth-response-headers"))
        if method and method not in METHODS:
            return self._values.refuse(self._name("auth-method"), f'"{method}" is not one of {", ".join(METHODS)}')
        wrong = [name for name in headers if _HEADER.fullmatch(name) is None]
        if wrong:
            return self._values.refuse(self._name("auth-response-headers"), f'"{wrong[0]}" is not a field name')
        times = self._text("auth-cache-duration")
        if times and cache_times(times) is None:
            fault = f'"{times}" is not a list of statuses and times such as {CACHE_TIMES}'
            return self._values.refuse(self._name("auth-cache-duration"), fault)
        return None

    def _fields(self) -> tuple[tuple[str, str], ...]:
        """The fields that the snippet sets.

        Raises:
            SnippetError: it has something else.
        """
        name = self._name("auth-snippet")
        text = self._values.text(name) if self._prefix else allowed(self._values, name)
        found = statements(text, SUBREQUEST)
        return tuple((one.name, one.value) for one in found if isinstance(one, RequestField))

    def _asked(self, server: Server, fields: tuple[tuple[str, str], ...]) -> ExternalAuth:
        values, name = self._values, self._name
        key = values.parsed(name("auth-cache-key"), "letters, digits, - and variables of a request", _key, "")
        redirect = "a URL or path without space, with no variable but those of a request"
        return ExternalAuth(
            values.source(name("auth-url")),
            remote=remote_key(server.name, server.port),
            secure=server.secure,
            host=server.host,
            target=server.target,
            method=self._text("auth-method"),
            redirect=values.parsed(name("auth-request-redirect"), redirect, _visible, "$request_uri"),
            set_headers=fields,
            response_headers=self._response_headers(),
            always_set_cookie=values.boolean(name("auth-always-set-cookie")) is True,
            cache_key=key,
            cache_times=(cache_times(self._text("auth-cache-duration") or CACHE_TIMES) or ()) if key else (),
        )

    def _response_headers(self) -> tuple[str, ...]:
        """The fields that can be given to an endpoint; others are reported and left out."""
        names: dict[str, str] = {}
        for name in _listed(self._text("auth-response-headers")):
            if name.lower() in WRITTEN or name_fault(name):
                self._values.report(self._name("auth-response-headers"), f'"{name}" cannot be changed; it is left out')
            else:
                names.setdefault(name.lower(), name)
        return tuple(names.values())

    def _sign_in(self) -> str:
        """The URL of the sign-in redirect, with the parameter for the original URL."""
        wanted = "a URL or path without space, with no variable but those of a request"
        url = self._values.parsed(self._name("auth-signin"), wanted, _visible, "")
        name = self._values.parsed(self._name("auth-signin-redirect-param"), "a parameter's name", _parameter, "rd")
        if not url:
            return ""
        if url.startswith("/"):
            url = f"$scheme://$host{url}"
        query = parse_qs(url.partition("?")[2], keep_blank_values=True)
        if query.get(name, [""])[0]:
            return url
        mark = "&" if query else "?"
        return f"{url}{mark}{name}=$pass_access_scheme://$http_host$escaped_request_uri"


def _with(asked: ExternalAuth, found: Secret | ConfigMap) -> AnyPolicy:
    """ASKED with the fields that the ConfigMap FOUND holds.

    Raises:
        ContentError: one of them cannot be sent.
    """
    fields = sorted(((found.data or {}) if isinstance(found, ConfigMap) else {}).items())
    for name, value in fields:
        if fault := templated_fields.fault_of(name, value):
            raise ContentError(f"{name}: {fault}")
    return replace(asked, set_headers=(*fields, *asked.set_headers))


def _listed(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _visible(text: str) -> str | None:
    return _template(text) if VISIBLE.fullmatch(text) else None


def _key(text: str) -> str | None:
    return _template(text) if _KEY.fullmatch(text) else None


def _parameter(text: str) -> str | None:
    return text if _PARAMETER.fullmatch(text) else None


def _template(text: str) -> str | None:
    try:
        return templates.parse(text, variables.REQUEST).text
    except templates.TemplateError:
        return None
