"""What the CRDs of the Gateway API would do with objects: defaults and refusals."""

from __future__ import annotations

from typing import Any

import pytest

from edge.control.kinds.admission import Refused, admit
from edge.control.kinds.gateway import Gateway
from edge.control.kinds.http_routes import BackendReference, HTTPRoute, PathMatch, RouteMatch
from edge.control.kinds.reference_grants import ReferenceGrant
from tests.support import gateway
from tests.support.objects import Manifest

RULE = "spec.rules[0]"


def fields(mapping: Manifest) -> list[str]:
    """The fields that MAPPING is refused for."""
    with pytest.raises(Refused) as caught:
        admit(mapping, mapping["kind"])
    return [error.field for error in caught.value.errors]


def taken_route(*rules: Manifest, **rest: Any) -> HTTPRoute:
    made = admit(gateway.route(*rules, **rest), "HTTPRoute")
    assert isinstance(made, HTTPRoute)
    return made


def test_the_defaults_of_a_route() -> None:
    (rule,) = taken_route({"backendRefs": [{"name": "web", "port": 80}], "matches": None}).spec.rules
    assert rule.matches == (RouteMatch(PathMatch("PathPrefix", "/")),)
    assert rule.backend_refs == (BackendReference("web", port=80, weight=1, kind="Service", group=""),)
    (parent,) = taken_route().spec.parent_refs
    assert (parent.group, parent.kind) == ("gateway.networking.k8s.io", "Gateway")


def test_without_rules_there_is_one_and_with_an_empty_list_none() -> None:
    assert len(taken_route().spec.rules) == 1
    made = gateway.route()
    made["spec"]["rules"] = []
    empty = admit(made, "HTTPRoute")
    assert isinstance(empty, HTTPRoute)
    assert empty.spec.rules == ()


def test_the_defaults_of_a_listener() -> None:
    made = admit(gateway.gateway(gateway.listener(secret="tls", allowedRoutes={"namespaces": None})), "Gateway")
    assert isinstance(made, Gateway)
    (listener,) = made.spec.listeners
    assert listener.tls is not None
    assert (listener.tls.mode, listener.allowed_routes.namespaces.origin) == ("Terminate", "Same")


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_a_grant(version: str) -> None:
    made = admit(gateway.grant("HTTPRoute", "demo", "Service", namespace="other", version=version), "ReferenceGrant")
    assert isinstance(made, ReferenceGrant)
    assert made.spec.sources[0].namespace == "demo"


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({"matches": [{"path": {"value": "a"}}]}, f"{RULE}.matches[0].path.value"),
        ({"matches": [gateway.path("/a//b")]}, f"{RULE}.matches[0].path.value"),
        ({"matches": [gateway.path("/a", "Prefix")]}, f"{RULE}.matches[0].path.type"),
        ({"matches": [{"method": "get"}]}, f"{RULE}.matches[0].method"),
        ({"matches": [{"headers": [{"name": "a b", "value": "1"}]}]}, f"{RULE}.matches[0].headers[0].name"),
        ({"matches": [{"queryParams": [{"name": "a"}]}]}, f"{RULE}.matches[0].queryParams[0].value"),
        ({"backendRefs": [{"name": "web"}]}, f"{RULE}.backendRefs[0].port"),
        ({"backendRefs": [{"port": 80}]}, f"{RULE}.backendRefs[0].name"),
        ({"backendRefs": [gateway.backend("web", weight=-1)]}, f"{RULE}.backendRefs[0].weight"),
        ({"filters": [{"type": "Rewrite"}]}, f"{RULE}.filters[0].type"),
        ({"filters": [{"type": "URLRewrite"}]}, f"{RULE}.filters[0].urlRewrite"),
        (
            {"filters": [{"type": "RequestRedirect", "requestRedirect": {"statusCode": 200}}]},
            f"{RULE}.filters[0].requestRedirect.statusCode",
        ),
        (
            {"filters": [{"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplaceFullPath"}}}]},
            f"{RULE}.filters[0].urlRewrite.path.replaceFullPath",
        ),
        (
            {"filters": [{"type": "RequestHeaderModifier", "requestHeaderModifier": {"add": [{"name": "a"}]}}]},
            f"{RULE}.filters[0].requestHeaderModifier.add[0].value",
        ),
        (
            {
                "filters": [
                    {
                        "type": "ResponseHeaderModifier",
                        "responseHeaderModifier": {"set": [{"name": "a", "value": "1\r\nb: 2"}]},
                    }
                ]
            },
            f"{RULE}.filters[0].responseHeaderModifier.set[0].value",
        ),
    ],
)
def test_what_is_wrong_in_a_rule(rule: Manifest, field: str) -> None:
    assert fields(gateway.route(rule)) == [field]


def test_a_prefix_is_replaced_where_there_is_just_one() -> None:
    replaced = {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/b"}
    rule = {"filters": [{"type": "URLRewrite", "urlRewrite": {"path": replaced}}]}
    assert taken_route({**rule, "matches": [gateway.path("/a")]})
    for matches in ([gateway.path("/a", "Exact")], [gateway.path("/a"), gateway.path("/b")]):
        assert fields(gateway.route({**rule, "matches": matches})) == [f"{RULE}.filters[0].urlRewrite.path.type"]


def test_filters_that_do_not_go_together() -> None:
    redirect = {"type": "RequestRedirect", "requestRedirect": {}}
    rewrite: Manifest = {"type": "URLRewrite", "urlRewrite": {}}
    assert fields(gateway.route({"filters": [redirect, rewrite]})) == [f"{RULE}.filters"]
    assert fields(gateway.route({"filters": [rewrite, rewrite]})) == [f"{RULE}.filters[1].type"]
    assert fields(gateway.route(gateway.rule("web", filters=[redirect]))) == [f"{RULE}.backendRefs"]


@pytest.mark.parametrize(
    ("listener", "field"),
    [
        (gateway.listener(""), ".name"),
        (gateway.listener(port=0), ".port"),
        (gateway.listener(protocol=""), ".protocol"),
        (gateway.listener(hostname="1.2.3.4"), ".hostname"),
        (gateway.listener(protocol="HTTPS"), ".tls"),
        (gateway.listener(tls={"certificateRefs": [{"name": "a"}]}), ".tls"),
        (gateway.listener(protocol="HTTPS", tls={}), ".tls.certificateRefs"),
        (gateway.listener(allowedRoutes={"namespaces": {"from": "Some"}}), ".allowedRoutes.namespaces.from"),
    ],
)
def test_what_is_wrong_in_a_listener(listener: Manifest, field: str) -> None:
    assert fields(gateway.gateway(listener)) == [f"spec.listeners[0]{field}"]


def test_listeners_are_told_apart_by_name_and_by_place() -> None:
    twice = gateway.gateway(gateway.listener("a"), gateway.listener("a", port=81))
    assert fields(twice) == ["spec.listeners[1].name"]
    assert fields(gateway.gateway(gateway.listener("a"), gateway.listener("b"))) == ["spec.listeners[1]"]


def test_a_class_names_its_controller() -> None:
    assert fields(gateway.gateway_class(controller="")) == ["spec.controllerName"]
    assert fields(gateway.gateway_class(controller="edge")) == ["spec.controllerName"]
