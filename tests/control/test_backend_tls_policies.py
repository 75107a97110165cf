"""BackendTLSPolicies in, transports out; and what a Gateway shows to endpoints."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.table.records import Protocol, TlsMaterial, Transport
from edge.table.streams import StreamRoute, server_stream_key
from tests.support import gateway, objects
from tests.support.certificates import authority, issue
from tests.support.gateway import backend_tls_policy, listener, route, rule
from tests.support.objects import Manifest
from tests.support.site import Site, serving

OLD, NEW = {"creationTimestamp": "2025-01-01T00:00:00Z"}, {"creationTimestamp": "2026-01-01T00:00:00Z"}
POLICY = "BackendTLSPolicy demo/tls"
ROUTE = "HTTPRoute demo/web"
ROOT = authority()


def authorities(name: str = "authorities", text: str = "", **rest: Any) -> Manifest:
    return objects.config_map(name, {"ca.crt": text or ROOT.certificate.decode()}, **rest)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """With a class, a Gateway, Services a and b, a route to a, and a ConfigMap of authorities."""
    one = Site(tmp_path)
    one.put("class.yaml", gateway.gateway_class())
    one.put("gateway.yaml", gateway.gateway())
    one.put("services.yaml", *serving("a", "b"))
    one.put("route.yaml", route(rule("a")))
    one.put("map.yaml", authorities())
    yield one
    one.close()


def transport(site: Site) -> Transport:
    (backend,) = site.route("web.example").backends
    return backend.transport


def material(site: Site) -> TlsMaterial:
    site.reader.refresh()
    tls = transport(site).tls
    assert tls is not None
    found = site.reader.tls.get(tls.material, TlsMaterial)
    assert found is not None
    return found


def test_endpoints_are_spoken_to_by_tls(site: Site) -> None:
    assert transport(site) == Transport()
    site.put("policy.yaml", backend_tls_policy("a"))
    tls = transport(site).tls
    assert tls is not None
    assert (tls.server_name, tls.verify, tls.names, tls.uris) == ("inner.example", True, ("inner.example",), ())
    assert material(site).authorities.strip() == ROOT.certificate.strip()
    assert (site.problems(POLICY), site.problems(ROUTE)) == ((), ())
    site.remove("policy.yaml")
    assert transport(site) == Transport()


def test_names_of_the_certificate_may_be_others_than_that_of_the_server(site: Site) -> None:
    names = [{"type": "Hostname", "hostname": "san.example"}, {"type": "URI", "uri": "spiffe://x/y"}]
    site.put("policy.yaml", backend_tls_policy("a", subjectAltNames=names))
    tls = transport(site).tls
    assert tls is not None
    assert (tls.server_name, tls.names, tls.uris) == ("inner.example", ("san.example",), ("spiffe://x/y",))


def test_the_authorities_of_the_system(site: Site) -> None:
    site.put("policy.yaml", backend_tls_policy("a", authorities=(), wellKnownCACertificates="System"))
    tls = transport(site).tls
    assert tls is not None
    assert (tls.verify, tls.material) == (True, "")


def test_another_content_of_the_config_map_counts_at_once(site: Site) -> None:
    site.put("policy.yaml", backend_tls_policy("a"))
    other = authority("Other")
    site.put("map.yaml", authorities(text=other.certificate.decode()))
    assert material(site).authorities.strip() == other.certificate.strip()


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ({"authorities": ("missing",)}, "InvalidCACertificateRef spec.validation.caCertificateRefs[0].name"),
        ({"authorities": ("broken",)}, "InvalidCACertificateRef spec.validation.caCertificateRefs[0].name"),
        ({"authorities": ({"group": "", "kind": "Secret", "name": "x"},)}, "InvalidKind spec.validation"
         ".caCertificateRefs[0].kind"),
    ],
)  # fmt: skip
def test_without_authorities_nothing_is_sent(site: Site, asked: Manifest, problem: str) -> None:
    site.put("broken.yaml", authorities("broken", "no certificate"))
    site.put("policy.yaml", backend_tls_policy("a", **asked))
    assert site.takes("web.example") == "500"
    assert site.problems(POLICY) == (f"error {problem}",)
    assert site.problems(ROUTE) == ("error InvalidBackendTLS spec.rules[0].backendRefs[0]",)
    site.put("policy.yaml", backend_tls_policy("a"))
    assert (site.takes("web.example"), site.problems(ROUTE)) == ("a", ())


def test_one_good_reference_is_enough(site: Site) -> None:
    site.put("policy.yaml", backend_tls_policy("a", authorities=("missing", "authorities")))
    assert site.takes("web.example") == "a"
    assert site.problems(POLICY) == ("error InvalidCACertificateRef spec.validation.caCertificateRefs[0].name",)


def test_of_several_policies_that_of_the_port_counts_then_the_older_one(site: Site) -> None:
    def names() -> list[str]:
        return [policy.server_name for policy in [transport(site).tls] if policy is not None]

    site.put(
        "policy.yaml",
        backend_tls_policy("a", name="new", hostname="new.example", **NEW),
        backend_tls_policy("a", name="tls", hostname="old.example", **OLD),
    )
    assert names() == ["old.example"]
    assert site.problems("BackendTLSPolicy demo/new") == ("error Conflicted spec.targetRefs",)
    site.put(
        "policy.yaml",
        backend_tls_policy("a", name="new", hostname="new.example", port="http", **NEW),
        backend_tls_policy("a", name="tls", hostname="old.example", **OLD),
    )
    assert names() == ["new.example"]
    assert site.problems("BackendTLSPolicy demo/new") == site.problems(POLICY) == ()


def test_a_policy_without_its_service(site: Site) -> None:
    site.put("policy.yaml", backend_tls_policy("late"))
    assert site.problems(POLICY) == ("error TargetNotFound spec.targetRefs",)
    site.put("late.yaml", *serving("late"))
    assert site.problems(POLICY) == ()


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"hostname": ""}, "spec.validation.hostname"),
        ({"wellKnownCACertificates": "System"}, "spec.validation"),
        ({"authorities": ()}, "spec.validation"),
        ({"subjectAltNames": [{"type": "URI", "hostname": "x"}]}, "spec.validation.subjectAltNames[0]"),
    ],
)
def test_what_the_crd_refuses(site: Site, changed: Manifest, field: str) -> None:
    site.put("policy.yaml", backend_tls_policy("a", **changed))
    assert site.problems(POLICY) == (f"error InvalidObject {field}",)


def test_calls_and_cleartext_http2_go_by_tls_too(site: Site) -> None:
    site.put("policy.yaml", backend_tls_policy("a"))
    site.put("route.yaml", gateway.grpc_route(rule("a")))
    assert transport(site).protocol is Protocol.HTTP2
    assert transport(site).tls is not None


def stream(site: Site, host: str) -> StreamRoute:
    site.reader.refresh()
    found = site.reader.routes.get(server_stream_key(host), StreamRoute)
    assert found is not None
    return found


def test_streams_go_by_tls_where_that_of_clients_is_ended(site: Site) -> None:
    """By no protocol of HTTP. A policy that cannot be applied closes them, and what is passed through goes on."""
    pair = issue("edge.example", client=True)
    listeners = [
        listener("pass", "pass.example", protocol="TLS", tls={"mode": "Passthrough"}),
        listener("end", "end.example", protocol="TLS", tls={"certificateRefs": [{"name": "client"}]}),
    ]
    made = gateway.gateway(*listeners)
    made["spec"]["tls"] = {"backend": {"clientCertificateRef": {"name": "client"}}}
    site.put("secret.yaml", objects.secret("client", tls_crt=pair.certificate, tls_key=pair.key))
    site.put("gateway.yaml", made)
    hosts = ("pass.example", "end.example")
    site.put("route.yaml", {**route(rule("a"), hosts=hosts), "kind": "TLSRoute"})
    assert [stream(site, host).backends[0].transport for host in hosts] == [Transport(), Transport()]
    site.put("policy.yaml", backend_tls_policy("a"))
    assert stream(site, "pass.example").backends[0].transport == Transport()
    found = stream(site, "end.example").backends[0].transport
    assert (found.protocol, found.tls and found.tls.server_name) == (Protocol.BYTES, "inner.example")
    material = site.reader.tls.get(found.tls.material if found.tls else "", TlsMaterial)
    assert material is not None
    assert (material.authorities.strip(), material.chain.strip()) == (
        ROOT.certificate.strip(),
        pair.certificate.strip(),
    )
    site.put("policy.yaml", backend_tls_policy("a", authorities=("missing",)))
    assert [stream(site, host).backends[0].key for host in hosts] == ["demo/a:80", ""]
    assert site.problems("TLSRoute demo/web") == ("error InvalidBackendTLS spec.rules[0].backendRefs[0]",)


# --- what Gateways show ---------------------------------------------------------------------------------------------


def showing(name: str = "client", **reference: Any) -> Manifest:
    made = gateway.gateway()
    made["spec"]["tls"] = {"backend": {"clientCertificateRef": {"name": name, **reference}}}
    return made


def test_a_gateway_shows_its_certificate_to_endpoints(site: Site) -> None:
    pair = issue("edge.example", client=True)
    site.put("policy.yaml", backend_tls_policy("a"))
    site.put("secret.yaml", objects.secret("client", tls_crt=pair.certificate, tls_key=pair.key))
    site.put("gateway.yaml", showing())
    found = material(site)
    assert (found.authorities.strip(), found.chain.strip()) == (ROOT.certificate.strip(), pair.certificate.strip())
    site.remove("policy.yaml")
    assert transport(site) == Transport(), "in the clear nothing is shown"


@pytest.mark.parametrize(
    ("reference", "problem"),
    [
        ({}, "InvalidClientCertificateRef spec.tls.backend.clientCertificateRef.name"),
        ({"kind": "ConfigMap"}, "InvalidClientCertificateRef spec.tls.backend.clientCertificateRef.kind"),
        ({"namespace": "far"}, "RefNotPermitted spec.tls.backend.clientCertificateRef"),
    ],
)
def test_a_certificate_that_cannot_be_shown(site: Site, reference: Manifest, problem: str) -> None:
    site.put("policy.yaml", backend_tls_policy("a"))
    site.put("gateway.yaml", showing(**reference))
    assert site.problems("Gateway demo/edge") == (f"error {problem}",)
    assert material(site).chain == b""
