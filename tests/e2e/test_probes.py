"""A load balancer's probe on the traffic ports: when Edge answers it, and when a route does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.conftest import Site
from tests.support import certificates
from tests.support.backends import Backend
from tests.support.clients import Client, Response
from tests.support.edge import Edge, write
from tests.support.site import ingress

NAMED = """
app.example Prefix / app
*.wild.example Prefix / app
part.example Prefix /part app
"""
HOSTLESS = ingress("any", "any Prefix / app")
CATCH_ALL = {
    "nothing": ([], []),
    "a hostless Ingress": ([HOSTLESS], []),
    "a hostless Ingress that redirects": (
        [ingress("any", "any Prefix / app", annotate={"force-ssl-redirect": "true"})],
        [],
    ),
    "spec.defaultBackend": ([ingress("any", "any default app")], []),
    "--default-backend-service": ([], ["--default-backend-service=demo/app"]),
}


def serve(site: Site, backend: Backend, *more: dict[str, Any]) -> None:
    """BACKEND at named hosts, and MORE Ingresses for it."""
    site.serve("app", backend, host="other.example")
    write(site.folder, "more.yaml", ingress("named", NAMED), *more)


@pytest.fixture(scope="module")
def application() -> Iterator[Backend]:
    with Backend() as one:
        yield one


@pytest.fixture(scope="module", params=CATCH_ALL)
def edge(
    application: Backend, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Edge]:
    site = Site(tmp_path_factory.mktemp("manifests"))
    more, flags = CATCH_ALL[request.param]
    serve(site, application, *more)
    with Edge(site.folder, *flags) as one:
        yield one


def is_edges(response: Response) -> bool:
    """Whether Edge itself has answered that it is well; the application never answers without content."""
    return (response.status, response.get("content-length")) == (200, "0")


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize(
    "host", ["192.0.2.1", "nobody.example", "[2001:db8::1]:80", "wild.example", "a.b.wild.example"]
)
def test_a_probe_is_answered_at_hosts_that_no_ingress_names(edge: Edge, host: str, tls: bool) -> None:
    with edge.connect(tls=certificates.trusting_all() if tls else None) as client:
        for method in ("GET", "HEAD", "OPTIONS", "POST"):
            for target in ("/healthz", "/healthz?from=balancer"):
                assert is_edges(client.request(target, host=host, method=method))


def test_a_probe_of_http_1_0_needs_no_host(edge: Edge) -> None:
    with Client(edge.http) as client:
        client.send(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert client.response().status == 200


@pytest.mark.parametrize("target", ["/", "/healthzz", "/healthz/", "/healthz/live", "/a/healthz", "/HEALTHZ"])
def test_other_paths_of_these_hosts_go_where_they_went(edge: Edge, target: str) -> None:
    assert not is_edges(edge.get(target, host="192.0.2.1"))


@pytest.mark.parametrize("host", ["app.example", "a.wild.example"])
def test_named_hosts_have_all_of_their_paths(edge: Edge, host: str) -> None:
    assert edge.get("/healthz", host=host).json()["target"] == "/healthz"


def test_paths_that_a_named_host_does_not_have_are_no_probes(edge: Edge) -> None:
    assert not is_edges(edge.get("/healthz", host="part.example"))


@pytest.mark.parametrize("kind", ["Exact", "Prefix", "ImplementationSpecific"])
def test_a_rule_that_names_the_path_itself_is_obeyed(application: Backend, site: Site, kind: str) -> None:
    named = ingress("probe", f"any {kind} /healthz app")
    serve(site, application, HOSTLESS, named)
    with Edge(site.folder) as edge:
        assert edge.get("/healthz", host="192.0.2.1").json()["target"] == "/healthz"
        assert edge.get("/%68ealthz", host="192.0.2.1").json()["target"] == "/%68ealthz"


def test_the_path_is_a_setting(application: Backend, site: Site) -> None:
    serve(site, application, HOSTLESS)
    with Edge(site.folder, "--health-check-path=/status/lb") as edge:
        assert is_edges(edge.get("/status/lb", host="192.0.2.1"))
        assert edge.get("/healthz", host="192.0.2.1").json()["target"] == "/healthz"
