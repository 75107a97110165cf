"""What filters become: policies, or a refusal of the requests."""

from __future__ import annotations

from typing import Any

import pytest

from edge.control.kinds.admission import admit
from edge.control.kinds.http_routes import HTTPRoute
from edge.control.kinds.route_filters import RouteFilter
from edge.control.kinds.route_filters_validation import OTHER_FILTERS, REPEATED, SETTINGS
from edge.control.translate.gateway import filters
from edge.table.policies import AnyPolicy, Redirect, RequestHeaders, ResponseHeaders, Rewrite
from edge.table.policies.path_change import PathChange
from tests.support import gateway
from tests.support.objects import Manifest

FIELD = "spec.rules[0].filters"


def of(*asked: Manifest) -> HTTPRoute:
    """An HTTPRoute with a rule for /v1/ and these filters."""
    made = admit(gateway.route({"matches": [gateway.path("/v1/")], "filters": list(asked)}), "HTTPRoute")
    assert isinstance(made, HTTPRoute)
    return made


def read(*asked: Manifest) -> tuple[AnyPolicy, ...]:
    (rule,) = of(*asked).spec.rules
    assert not list(filters.faults(rule.filters, FIELD, of_backend=False))
    return filters.policies(rule.filters, FIELD, "/v1")


def faults(*asked: Manifest, of_backend: bool = False) -> list[str]:
    (rule,) = of(*asked).spec.rules
    return [f"{one.reason} {one.field}" for one in filters.faults(rule.filters, FIELD, of_backend=of_backend)]


def redirect(**asked: Any) -> Manifest:
    return {"type": "RequestRedirect", "requestRedirect": asked}


def rewrite(**asked: Any) -> Manifest:
    return {"type": "URLRewrite", "urlRewrite": asked}


def headers(side: str, **asked: Any) -> Manifest:
    return {"type": f"{side}HeaderModifier", f"{side.lower()}HeaderModifier": asked}


def full(value: str) -> Manifest:
    return {"type": "ReplaceFullPath", "replaceFullPath": value}


def prefix(value: str) -> Manifest:
    return {"type": "ReplacePrefixMatch", "replacePrefixMatch": value}


SOURCE = f"{FIELD}[0].requestRedirect"
REWRITE = f"{FIELD}[0].urlRewrite"


@pytest.mark.parametrize(
    ("asked", "policy"),
    [
        (redirect(), Redirect(SOURCE, 302)),
        (redirect(statusCode=301, scheme="https"), Redirect(SOURCE, 301, "https")),
        (redirect(hostname="b.example", port=8443), Redirect(SOURCE, 302, "", "b.example", 8443)),
        (redirect(path=full("/new")), Redirect(SOURCE, 302, path=PathChange("/new"))),
        (redirect(path=prefix("/v2")), Redirect(SOURCE, 302, path=PathChange("/v2", "/v1"))),
        (rewrite(hostname="b.example"), Rewrite(REWRITE, "b.example")),
        (rewrite(path=full("")), Rewrite(REWRITE, path=PathChange("/"))),
        (rewrite(path=prefix("")), Rewrite(REWRITE, path=PathChange("/", "/v1"))),
        (rewrite(path=prefix("/v2/")), Rewrite(REWRITE, path=PathChange("/v2/", "/v1"))),
    ],
)
def test_redirects_and_rewrites(asked: Manifest, policy: AnyPolicy) -> None:
    assert read(asked) == (policy,)


@pytest.mark.parametrize(("side", "kind"), [("Request", RequestHeaders), ("Response", ResponseHeaders)])
def test_header_modifiers(side: str, kind: type[RequestHeaders | ResponseHeaders]) -> None:
    """Of several entries with one name the first counts."""
    named = [{"name": "X-A", "value": "1"}, {"name": "x-a", "value": "2"}, {"name": "X-B", "value": " 3 "}]
    asked = headers(side, set=named, add=[{"name": "X-C", "value": "4"}], remove=["X-D", "x-d"])
    (policy,) = read(asked)
    source = f"{FIELD}[0].{side.lower()}HeaderModifier"
    assert policy == kind(source, (("X-A", "1"), ("X-B", "3")), (("X-C", "4"),), ("x-d",))


@pytest.mark.parametrize("kind", OTHER_FILTERS)
def test_a_filter_that_is_not_supported_is_a_fault(kind: str) -> None:
    assert faults({"type": kind}) == [f"UnsupportedFilter {FIELD}[0].type"]


@pytest.mark.parametrize("kind", [*filters.SUPPORTED, filters.MIRROR])
def test_a_filter_without_what_its_type_requires_is_a_fault(kind: str) -> None:
    """A cluster whose CRDs do not refuse it can hold one."""
    (found,) = filters.faults([RouteFilter(kind)], FIELD, of_backend=False)
    field = {"URLRewrite": "urlRewrite", "CORS": "cors"}.get(kind, kind[0].lower() + kind[1:])
    assert (found.reason, found.field) == ("UnsupportedFilter", f"{FIELD}[0].{field}")
    assert found.message == f"required for type {kind}, so its requests are answered 500"


@pytest.mark.parametrize("side", ["Request", "Response"])
@pytest.mark.parametrize(
    "asked",
    [
        {"set": [{"name": "Content-Length", "value": "1"}]},
        {"add": [{"name": "transfer-encoding", "value": "chunked"}]},
        {"remove": ["Host"]},
    ],
)
def test_fields_that_frame_messages_are_not_to_be_changed(side: str, asked: Manifest) -> None:
    assert faults(headers(side, **asked)) == [f"UnsupportedFilter {FIELD}[0]"]


def test_backends_have_all_filters_but_cors_and_mirrors() -> None:
    for kind in ("CORS", "RequestMirror"):
        (found,) = filters.faults([RouteFilter(kind)], FIELD, of_backend=True)
        assert (found.reason, found.field) == ("UnsupportedFilter", f"{FIELD}[0].type")
    assert faults(redirect(), of_backend=True) == []
    assert faults(rewrite(), headers("Request"), headers("Response"), of_backend=True) == []


def test_every_filter_that_is_read_has_a_unit() -> None:
    assert {*filters.SUPPORTED, REPEATED} == set(SETTINGS)
