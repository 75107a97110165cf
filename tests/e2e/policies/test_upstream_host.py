"""upstream-vhost: the Host that endpoints get."""

from __future__ import annotations

import pytest

from tests.support.ingresses import Annotated


def seen(edge: Annotated, host: str, **rest: object) -> dict[str, str]:
    """The fields that the endpoint got."""
    return {name.lower(): value for name, value in edge.get(host, **rest).json()["headers"]}


def test_endpoints_get_it_and_learn_the_other_from_x_forwarded_host(edge: Annotated) -> None:
    host = edge.ingress(upstream_vhost="inner.example:81")
    fields = seen(edge, host)
    assert (fields["host"], fields["x-forwarded-host"]) == ("inner.example:81", host)


def test_it_may_have_variables_of_the_request(edge: Annotated) -> None:
    host = edge.ingress(upstream_vhost="${http_x_tenant}.$host")
    assert seen(edge, f"{host}:99", fields=[("X-Tenant", "acme")])["host"] == f"acme.{host}"


def test_it_may_have_variables_of_the_route(edge: Annotated) -> None:
    host = edge.ingress(upstream_vhost="$service_name.$namespace.svc.cluster.local:$service_port")
    assert seen(edge, host)["host"] == "web.demo.svc.cluster.local:80"


@pytest.mark.parametrize("tenant", ["a b", "a/b", ""])
def test_what_does_not_come_out_as_a_host_leaves_the_one_of_the_client(edge: Annotated, tenant: str) -> None:
    host = edge.ingress(upstream_vhost="$http_x_tenant")
    assert seen(edge, host, fields=[("X-Tenant", tenant)])["host"] == host


@pytest.mark.parametrize("value", ["a b", "$unknown", "a/b", "a$"])
def test_what_cannot_be_a_host_is_reported_and_ignored(edge: Annotated, value: str) -> None:
    host = edge.ingress(upstream_vhost=value)
    assert edge.reasons() == ["InvalidAnnotation"]
    assert seen(edge, host)["host"] == host
