"""backend-protocol and proxy-ssl-*, from the annotation to the endpoint."""

from __future__ import annotations

import pytest

from edge.table.counters import WorkerWord
from tests.support import certificates, objects
from tests.support.ingresses import Annotated
from tests.support.tls_backends import TlsBackend
from tests.support.waiting import eventually

AUTHORITY = certificates.authority()
OTHER = certificates.authority("Other Authority")
CLIENT = certificates.issue(client=True, common_name="edge")


def secret(**data: bytes) -> objects.Manifest:
    return objects.secret("inner", kind="Opaque", **data)


def test_an_endpoint_with_a_self_signed_certificate_is_good(edge: Annotated) -> None:
    with TlsBackend() as inner:
        edge.service("inner", inner)
        host = edge.ingress("@ Prefix / inner", backend_protocol="HTTPS")
        assert edge.get(host).json()["backend"] == "backend"
        assert inner.handshakes[0].server_name is None


def test_auto_http_follows_the_scheme_of_the_client(edge: Annotated) -> None:
    with TlsBackend() as inner:
        edge.service("inner", inner)
        host = edge.ingress("@ Prefix / inner", backend_protocol="AUTO_HTTP")
        with edge.connect(tls=certificates.trusting_all(), server_name=host) as client:
            assert client.request(host=host).status == 200
        host = edge.ingress(backend_protocol="auto_http")
        assert edge.get(host).status == 200


def test_verification(edge: Annotated) -> None:
    edge.put(secret(ca_crt=AUTHORITY.certificate))
    asked = {"backend_protocol": "HTTPS", "proxy_ssl_secret": "demo/inner", "proxy_ssl_verify": "on"}
    with TlsBackend(certificates.issue("inner.example")) as inner:
        edge.service("inner", inner)
        host = edge.ingress("@ Prefix / inner", **asked, proxy_ssl_name="inner.example", proxy_ssl_server_name="on")
        assert edge.get(host).status == 200
        assert inner.handshakes[-1].server_name == "inner.example"
        host = edge.ingress("@ Prefix / inner", **asked, proxy_ssl_name="other.example")
        failures = edge.count(WorkerWord.UPSTREAM_CONNECT_FAILURES)
        assert edge.get(host).status == 502
        assert edge.count(WorkerWord.UPSTREAM_CONNECT_FAILURES) > failures
        eventually(lambda: "certificate verify failed: hostname mismatch" in edge.edge.log)
        host = edge.ingress("@ Prefix / inner", **asked)
        assert edge.get(host).status == 502, "it would have to be for upstream_balancer"


def test_a_secret_that_changes_is_in_force_from_the_next_request(edge: Annotated) -> None:
    asked = {"backend_protocol": "HTTPS", "proxy_ssl_secret": "demo/inner", "proxy_ssl_verify": "on"}
    with TlsBackend(certificates.issue("inner.example")) as inner:
        edge.service("inner", inner)
        edge.put(secret(ca_crt=AUTHORITY.certificate))
        host = edge.ingress("@ Prefix / inner", **asked, proxy_ssl_name="inner.example")
        assert [edge.get(host).status for _ in range(3)] == [200] * 3
        assert inner.connections == 1
        edge.put(secret(ca_crt=OTHER.certificate))
        assert edge.get(host).status == 502, "the connection that is kept was made on other terms"
        eventually(lambda: inner.open == 0)
        edge.put(secret(ca_crt=OTHER.certificate + AUTHORITY.certificate))
        eventually(lambda: edge.get(host).status == 200)
        edge.delete("Secret", "inner")
        assert edge.get(host).status == 503
        edge.put(secret(ca_crt=AUTHORITY.certificate))
        assert edge.get(host).status == 200


@pytest.mark.parametrize("versions", ["TLSv1.2", "TLSv1.3"])
def test_a_client_certificate(edge: Annotated, versions: str) -> None:
    edge.put(secret(tls_crt=CLIENT.certificate, tls_key=CLIENT.key, ca_crt=AUTHORITY.certificate))
    with TlsBackend(clients=AUTHORITY) as inner:
        edge.service("inner", inner)
        asked = {"backend_protocol": "HTTPS", "proxy_ssl_protocols": versions}
        host = edge.ingress("@ Prefix / inner", **asked, proxy_ssl_secret="demo/inner")
        assert edge.get(host).status == 200
        assert (inner.handshakes[0].client, inner.handshakes[0].version) == ("CN=edge", versions)
        host = edge.ingress("@ Prefix / inner", backend_protocol="HTTPS")
        assert edge.get(host).status == 502


def test_an_endpoint_that_speaks_tls_is_not_sent_a_request_in_the_clear(edge: Annotated) -> None:
    with TlsBackend() as inner:
        edge.service("inner", inner)
        assert edge.get(edge.ingress("@ Prefix / inner")).status == 502
        assert inner.requests == []
