"""All annotations of an Ingress as policies: the only thing that the rest of the translation knows of them."""

from __future__ import annotations

import difflib
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import msgspec

from edge.control.kinds.problems import Problem, warning
from edge.control.translate.annotations import (
    access_log,
    affinity,
    app_root,
    auth,
    balancing,
    body_limit,
    canary,
    client_certificate,
    client_limits,
    connection_field,
    cookie_change,
    cors,
    custom_headers,
    error_pages,
    exempt_paths,
    external_auth,
    fast_cgi,
    further_names,
    hash_by,
    hsts,
    https_redirect,
    location_change,
    mirror,
    old_http,
    redirect_to,
    regex_rewrite,
    request_buffering,
    response_buffering,
    response_head,
    response_rate,
    retry,
    risks,
    satisfy,
    server_snippet,
    snippets,
    source_ranges,
    ssl_passthrough,
    timeouts,
    tls_ciphers,
    tracing,
    transport,
    upstream_host,
)
from edge.control.translate.annotations.balancing import Balancing
from edge.control.translate.annotations.exempt_paths import Exempt
from edge.control.translate.annotations.names import INGRESS_NGINX, REFUSED
from edge.control.translate.annotations.transport import Speaking
from edge.control.translate.annotations.values import FALSE, PREFIX, Values, field
from edge.control.translate.annotations.wanted import Deferred, Wanted
from edge.table.policies.closed import Closed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from types import ModuleType

    from edge.control.translate.annotations.canary import Rules
    from edge.control.translate.annotations.client_certificate import DeferredTrust
    from edge.control.translate.annotations.values import Defaults
    from edge.control.translate.parts import FurtherNames
    from edge.table.policies import AnyPolicy, ServerSnippet

UNITS: Final = (
    app_root,
    cors,
    snippets,
    redirect_to,
    https_redirect,
    hsts,
    client_limits,
    source_ranges,
    auth,
    external_auth,
    satisfy,
    body_limit,
    regex_rewrite,
    upstream_host,
    connection_field,
    old_http,
    fast_cgi,
    cookie_change,
    location_change,
    custom_headers,
    error_pages,
    mirror,
    affinity,
    hash_by,
    request_buffering,
    response_buffering,
    response_head,
    response_rate,
    timeouts,
    retry,
    tracing,
    access_log,
)
"""The readers of policies. A new one is a module with NAMES and `read`, and an entry here."""
WITHOUT_EFFECT: Final = frozenset({"enable-rewrite-log", "http2-push-preload"})
"""Accepted, for nothing that a client or an endpoint could see depends on them."""
_OF_ALL: Final = (balancing, ssl_passthrough, canary, further_names, client_certificate, tls_ciphers, server_snippet)
OTHERS: Final = (*_OF_ALL, transport)
"""The readers of what is no policy."""
UNITS_OF_CANARIES: Final[tuple[ModuleType, ...]] = (hash_by,)
"""Those of UNITS that a canary has for itself; in all else it is as its main Ingress."""
OF_CANARIES: Final = frozenset[str]().union(*(unit.NAMES for unit in (*UNITS_OF_CANARIES, balancing, canary)))
SUPPORTED: Final = WITHOUT_EFFECT.union(*(unit.NAMES for unit in (*UNITS, *OTHERS)))


class HostAsked(msgspec.Struct, frozen=True, gc=False):
    """As `edge.control.translate.parts.HostOptions`, before its Secret is read."""

    clients: DeferredTrust | Closed | None
    ciphers: str
    server_order: bool | None
    snippet: ServerSnippet | Closed | None


_NOTHING_OF_HOSTS: Final = HostAsked(None, "", None, None)


class Asked(msgspec.Struct, frozen=True, gc=False):
    """What the annotations of one Ingress ask for, over the process-wide values."""

    policies: tuple[AnyPolicy, ...] = ()
    with_tls: tuple[AnyPolicy, ...] = ()
    """Policies of hosts that have TLS only."""
    deferred: tuple[Deferred, ...] = ()
    """Policies that need a Secret or ConfigMap."""
    balancing: Balancing = Balancing()
    canary: Rules | None = None
    """The Ingress is a canary: it asks for nothing else but its balancing."""
    speaking: Speaking = Speaking()
    use_regex: bool = False
    """Whether its paths are regular expressions in any case."""
    host: HostAsked | None = None
    """What it asks for on behalf of its hosts."""
    redirect_base: str = ""
    """What stands before the path in redirects to a path, with variables."""
    exempt: Exempt = Exempt()
    """Paths to which not all policies apply."""
    names: FurtherNames | None = None
    """Names of its hosts beside their own."""
    passthrough: bool = False
    """Whether TLS of its hosts is passed on."""
    refused: bool = False
    """The operator does not allow one of them: the Ingress is not served."""


class Reader:
    """Reads the annotations of Ingresses over process-wide DEFAULTS."""

    def __init__(self, defaults: Defaults, prefix: str = PREFIX) -> None:
        """PREFIX: what the names of annotations begin with."""
        self._defaults = dict(defaults)
        self._of_canaries = {name: value for name, value in defaults.items() if name in OF_CANARIES}
        self._prefix = prefix
        # Most Ingresses of a cluster carry one of few sets of annotations.
        self._remembered = lru_cache(maxsize=1024)(self._read)

    def read(self, annotations: Mapping[str, str]) -> tuple[Asked, tuple[Problem, ...]]:
        """The policies in ANNOTATIONS, and what is wrong with them."""
        prefix = self._prefix
        ours = tuple((name[len(prefix) :], value) for name, value in annotations.items() if name.startswith(prefix))
        return self._remembered(ours)

    def _read(self, annotations: tuple[tuple[str, str], ...]) -> tuple[Asked, tuple[Problem, ...]]:
        refused = tuple(risks.refused(annotations, self._defaults))
        if refused:
            return Asked(refused=True), refused
        rules, values, units = _canary(annotations, self._of_canaries)
        if rules is None:
            known = {name: text for name, text in annotations if name in SUPPORTED}
            values, units = Values(known, self._defaults), UNITS
            canary.read(values)
        found = [one for unit in units for one in unit.read(values)]
        wanted = [one for one in found if isinstance(one, Wanted)]
        speaking = transport.read(values)
        asked = Asked(
            policies=one_closed((*(one.policy for one in wanted if not one.with_tls), *speaking.closing)),
            with_tls=tuple(one.policy for one in wanted if one.with_tls),
            deferred=tuple(one for one in found if isinstance(one, Deferred)),
            balancing=balancing.read(values),
            canary=rules,
            speaking=speaking,
            use_regex=regex_rewrite.uses_regex(values),
            host=_of_hosts(values),
            redirect_base=redirect_to.base(values),
            exempt=exempt_paths.read(values),
            names=further_names.read(values),
            passthrough=ssl_passthrough.read(values),
        )
        ignored = [_ignored(name) for name, text in annotations if name not in SUPPORTED and not _is_off(name, text)]
        if rules is not None:
            ignored += _idle(name for name, _ in annotations if name in SUPPORTED - OF_CANARIES - WITHOUT_EFFECT)
        return asked, (*values.problems, *ignored)


def _of_hosts(values: Values) -> HostAsked | None:
    clients = client_certificate.read(values)
    ciphers, order = tls_ciphers.read(values)
    asked = HostAsked(clients, ciphers, order, server_snippet.read(values))
    return asked if asked != _NOTHING_OF_HOSTS else None


def _canary(
    annotations: tuple[tuple[str, str], ...], defaults: Defaults
) -> tuple[Rules | None, Values, tuple[ModuleType, ...]]:
    """The rules of a canary with those ANNOTATIONS that it may have, and the units that read them; None: it is none."""
    values = Values({name: value for name, value in annotations if name in OF_CANARIES}, defaults)
    return canary.read(values), values, UNITS_OF_CANARIES


def one_closed(policies: Iterable[AnyPolicy]) -> tuple[AnyPolicy, ...]:
    """POLICIES with the first `Closed` only: one closes a route as well as several."""
    found: list[AnyPolicy] = []
    for policy in policies:
        if not isinstance(policy, Closed) or not any(isinstance(one, Closed) for one in found):
            found.append(policy)
    return tuple(found)


def _idle(names: Iterable[str]) -> Iterator[Problem]:
    """The report of NAMES, which a canary does not have for itself: one for all of them."""
    first, *others = (*names, "")
    if first:
        more = f", and so have {', '.join(others[:-1])}" if len(others) > 1 else ""
        message = f"has no effect in a canary, which is as its main Ingress in all else{more}"
        yield warning("CanaryAnnotation", field(first), message)


def _is_off(name: str, text: str) -> bool:
    """Whether an annotation that Edge refuses asks for nothing."""
    return name in REFUSED and text.strip() in FALSE


def _ignored(name: str) -> Problem:
    if name in INGRESS_NGINX:
        reason = f". {REFUSED[name]}" if name in REFUSED else ""
        return warning("UnsupportedAnnotation", field(name), f"not supported; the annotation is ignored{reason}")
    close = difflib.get_close_matches(name, SUPPORTED | INGRESS_NGINX, n=1)
    hint = f'; did you mean "{PREFIX}{close[0]}"?' if close else ""
    return warning("UnknownAnnotation", field(name), f"there is no such annotation{hint}")
