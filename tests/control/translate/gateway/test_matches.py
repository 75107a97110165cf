"""What a match cannot be used for."""

from __future__ import annotations

import json

import pytest

from edge.control.kinds.decoding import decode
from edge.control.kinds.gateway_routes import GRPCRoute
from edge.control.kinds.http_routes import HTTPRoute, PathMatch
from edge.control.kinds.objects import ObjectError
from edge.control.kinds.problems import Problem
from edge.control.translate.gateway import grpc
from edge.control.translate.gateway.matches import unsupported
from tests.support import gateway
from tests.support.objects import Manifest


def stored(match: Manifest) -> HTTPRoute:
    """An HTTPRoute with MATCH as a cluster holds it, whose CRDs may be of a later version."""
    made = decode(json.dumps(gateway.route({"matches": [match]})), "HTTPRoute")
    assert isinstance(made, HTTPRoute)
    return made


def calls(match: Manifest) -> GRPCRoute:
    made = decode(json.dumps(gateway.grpc_route({"matches": [match]})), "GRPCRoute")
    assert isinstance(made, GRPCRoute)
    return made


GRPC_FIELD = "spec.rules[0].matches[0].method"


def refusals(match: Manifest) -> list[Problem]:
    """What of MATCH of a GRPCRoute cannot be used."""
    return list(grpc.unsupported(calls(match)))


@pytest.mark.parametrize(
    ("match", "field", "supported"),
    [
        ({"path": {"type": "Glob", "value": "/*"}}, "path", "Exact, PathPrefix, RegularExpression"),
        ({"headers": [{"name": "a", "value": "b", "type": "Glob"}]}, "headers[0]", "Exact, RegularExpression"),
        ({"queryParams": [{"name": "a", "value": "b", "type": "Glob"}]}, "queryParams[0]", "Exact, RegularExpression"),
    ],
)
def test_a_type_that_is_not_known_is_not_supported(match: Manifest, field: str, supported: str) -> None:
    """It is not taken for another type: the route would get requests that it does not ask for."""
    (rule,) = stored(match).spec.rules
    (problem,) = unsupported(rule.matches[0], "matches[0]")
    assert (problem.reason, problem.field) == ("UnsupportedValue", f"matches[0].{field}.type")
    assert problem.message == f'"Glob" is not supported, so the route is not served; supported are {supported}'


@pytest.mark.parametrize("kind", ["Glob", "PathPrefix"])
def test_a_type_of_a_method_that_is_not_known_is_not_supported(kind: str) -> None:
    """It is not taken for a regular expression."""
    (problem,) = refusals(gateway.calls("demo.Greeter", "SayHello", kind))
    assert (problem.reason, problem.field) == ("UnsupportedValue", f"{GRPC_FIELD}.type")
    wanted = f'"{kind}" is not supported, so the route is not served; supported are Exact, RegularExpression'
    assert problem.message == wanted


def test_a_method_whose_expression_cannot_be_used_is_not_supported() -> None:
    (problem,) = refusals(gateway.calls("demo.(", kind="RegularExpression"))
    assert (problem.reason, problem.field) == ("UnsupportedValue", GRPC_FIELD)


def test_an_empty_type_of_a_method_is_exact() -> None:
    (rule,) = grpc.rules(calls(gateway.calls("demo.Greeter", "SayHello", "")))
    assert rule.matches[0].path == PathMatch("Exact", "/demo.Greeter/SayHello")


@pytest.mark.parametrize("kind", ["Exact", "PathPrefix", ""])
def test_types_that_are_known_are_no_problem(kind: str) -> None:
    (rule,) = stored({"path": {"type": kind, "value": "/"}}).spec.rules
    assert not list(unsupported(rule.matches[0], "matches[0]"))


@pytest.mark.parametrize("number", [1 << 63, -(1 << 63) - 1, 10**30])
def test_a_number_that_no_record_can_hold_is_an_error_of_the_object(number: int) -> None:
    with pytest.raises(ObjectError, match=r"^spec\.rules\[0\]\.backendRefs\[0\]\.weight: "):
        decode(json.dumps(gateway.route({"backendRefs": [{"name": "web", "port": 80, "weight": number}]})), "HTTPRoute")
