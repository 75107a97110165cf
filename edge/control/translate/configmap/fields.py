"""Fields of requests and responses: added ones, hidden ones, and Server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.translate import templated_fields
from edge.control.translate.configmap.forms import BOOLEAN, REFERENCE, TEXT, TYPE
from edge.control.translate.configmap.keys import group, routes
from edge.table import variables
from edge.table.fields import name_fault
from edge.table.policies import CustomHeaders, Snippet
from edge.table.policies.snippet import HideField, RequestField, SetField

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.translate.configmap.keys import Found, Key
    from edge.table.policies import AnyPolicy
    from edge.table.policies.snippet import If, Statement

_LIVE: Final = (
    "A change of the ConfigMap that it names is in force at once. It may have the variables of [requests](#variables) "
    "and of routes, such as `$service_name`; a field with another one is reported and left out."
)
_KEYS: Final = (
    "proxy-set-headers",
    "proxy-add-original-uri-header",
    "generate-request-id",
    "hide-headers",
    "server-tokens",
    "add-headers",
)
_ENDPOINTS: Final = "allow-backend-server-header"
KEYS: Final[tuple[Key, ...]] = (
    group("proxy-set-headers", REFERENCE, _LIVE),
    group("add-headers", REFERENCE, _LIVE),
    group("hide-headers", TEXT, "A name that cannot be hidden is left out."),
    group("server-tokens", BOOLEAN, "With `true` the name is edge."),
    group(_ENDPOINTS, BOOLEAN, "Has no effect where `server-tokens` is false, as in ingress-nginx."),
    group("proxy-add-original-uri-header", BOOLEAN),
    group("generate-request-id", BOOLEAN, "Logs and traces have an ID of their own in any case."),
    routes("default-type", TYPE, "Of answers that snippets give; an endpoint's stay as they are, as in nginx."),
)


def parameters(found: Found) -> Iterator[tuple[str, object]]:
    """Whether responses without a field Server get one."""
    yield "sends_server", not _hides_server(found)


def policies(found: Found) -> Iterator[AnyPolicy]:
    """A policy for each kind of change."""
    asked: list[Statement | If] = []
    if found.get("proxy-add-original-uri-header"):
        asked.append(RequestField("X-Original-URI", "$request_uri"))
    if found.get("generate-request-id") is False:
        asked.append(RequestField("X-Request-ID", "$http_x_request_id"))
    asked += (RequestField(name, value) for name, value in _fields(found, "proxy-set-headers"))
    asked += (HideField(name) for name in found.each("hide-headers", _check))
    if _hides_server(found):
        asked.append(SetField("Server", ""))  # before added fields, which may have the same name
    added = list(_fields(found, "add-headers"))
    if _hides_server(found) and found.get("server-tokens"):
        added.append(("Server", "edge"))
    constant = tuple(one for one in added if "$" not in one[1])
    asked += (SetField(name, value) for name, value in added if "$" in value)
    source = found.source(next(filter(found.is_set, _KEYS), "server-tokens"))
    if asked:
        yield Snippet(source, tuple(asked))
    if constant:
        adds = "add-headers" if found.is_set("add-headers") else "server-tokens"
        yield CustomHeaders(found.source(adds), constant)


def _hides_server(found: Found) -> bool:
    """Whether the field Server of endpoints is not passed on."""
    return not (found.get("server-tokens") and found.get(_ENDPOINTS))


def _check(name: str) -> None:
    if fault := name_fault(name):
        raise ValueError(fault)


def _fields(found: Found, key: str) -> Iterator[tuple[str, str]]:
    """The fields in the ConfigMap that KEY names, as far as they can be sent."""
    for name, value in sorted(found.fields(key).items()):
        if fault := templated_fields.fault_of(name, value, variables.REQUEST | variables.ROUTE):
            found.report(key, f'the field "{name}" is left out: {fault}')
        else:
            yield name, value
