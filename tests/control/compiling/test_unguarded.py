"""Keys of the ConfigMap that keep requests out, but do not act on HTTPRoutes and GRPCRoutes, are reported."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge.control.compiling.unguarded import GUARDS
from tests.support import gateway, objects
from tests.support.gateway import grpc_route, route, rule
from tests.support.objects import Manifest
from tests.support.site import Site, serving

CONFIG = "ConfigMap ingress/controller"


def config(**data: str) -> Manifest:
    """`_` stands for `-`."""
    metadata = {"name": "controller", "namespace": "ingress"}
    named = {name.replace("_", "-"): text for name, text in data.items()}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": named}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """With a ConfigMap, a Gateway, a Service `a` and an Ingress for it."""
    one = Site(tmp_path, configmap="ingress/controller")
    one.put("gateway.yaml", gateway.gateway_class(), gateway.gateway())
    one.put("ingress.yaml", objects.ingress_class(), objects.ingress("shop", host="shop.example"))
    one.put("services.yaml", *serving("a", "web"))
    yield one
    one.close()


def reported(key: str) -> tuple[str, ...]:
    return (f'warning UnguardedRoutes data["{key}"]',)


VALUES = {
    "global-auth-url": "http://auth.demo.svc/verify",
    "denylist-source-range": "10.0.0.0/8",
    "whitelist-source-range": "10.0.0.0/8",
}


@pytest.mark.parametrize("kind", [route, grpc_route], ids=["HTTPRoute", "GRPCRoute"])
@pytest.mark.parametrize("key", GUARDS)
def test_a_key_that_guards_ingresses_alone_is_reported_while_routes_are_served(
    site: Site, key: str, kind: Callable[[Manifest], Manifest]
) -> None:
    site.put("config.yaml", config(**{key: VALUES[key]}))
    assert site.problems(CONFIG) == ()
    site.put("route.yaml", kind(rule("a")))
    assert site.problems(CONFIG) == reported(key)
    site.put("config.yaml", config())
    assert site.problems(CONFIG) == ()
    site.put("config.yaml", config(**{key: VALUES[key]}))
    assert site.problems(CONFIG) == reported(key)
    site.remove("route.yaml")
    assert site.problems(CONFIG) == ()


def test_it_is_reported_once_for_many_routes(site: Site) -> None:
    site.put("config.yaml", config(global_auth_url=VALUES["global-auth-url"]))
    site.put("route.yaml", route(rule("a")), route(rule("a"), name="more", hosts=("more.example",)))
    assert site.problems(CONFIG) == reported("global-auth-url")
    delta = site.compiler.compile()
    assert not delta.problems
    site.put("third.yaml", route(rule("a"), name="third", hosts=("third.example",)))
    site.remove("route.yaml")
    assert site.problems(CONFIG) == reported("global-auth-url")


def test_routes_of_other_controllers_are_not_asked_about(site: Site) -> None:
    """They attach to no Gateway of Edge, so nothing is served unguarded."""
    site.put("config.yaml", config(global_auth_url=VALUES["global-auth-url"]))
    site.put("route.yaml", route(rule("a"), parents=[{"name": "elsewhere"}]))
    assert site.problems(CONFIG) == ()
