"""Objects that a user applies to the cluster take effect for requests."""

from __future__ import annotations

from base64 import b64encode

from tests.support.annotated import annotated
from tests.support.backends import Backend
from tests.support.certificates import issue, serial_of, trusting_all
from tests.support.cluster import Cluster
from tests.support.edge import Edge
from tests.support.objects import namespace, secret
from tests.support.waiting import eventually


def answer(edge: Edge, host: str) -> int | str:
    """The name of the server that answers for HOST, or the status if none does."""
    response = edge.get("/", host=host)
    return response.get("X-Backend") or response.status


def test_an_ingress_is_served_and_deleted(where: Cluster, edge: Edge, backend: Backend) -> None:
    """An Ingress with its Service and EndpointSlice is served; deleted, its host is answered 404."""
    where.apply(*where.web(backend.port, "web"))
    eventually(lambda: answer(edge, "web.example") == "one")
    where.delete("Ingress", "web")
    eventually(lambda: answer(edge, "web.example") == 404)


def test_endpoints_move(where: Cluster, edge: Edge, backend: Backend) -> None:
    """Requests follow the endpoints, without one failing; without any endpoint the answer is 503."""
    where.apply(*where.web(backend.port, "moving"))
    eventually(lambda: answer(edge, "moving.example") == "one")
    with Backend(name="two", host=where.address) as other:
        where.apply(where.endpoints(other.port, "moving"))
        seen = set()
        eventually(lambda: seen.add(answer(edge, "moving.example")) or "two" in seen)
        assert seen <= {"one", "two"}
    where.delete("EndpointSlice", "moving-1")
    eventually(lambda: answer(edge, "moving.example") == 503)


def test_a_name_that_leads_to_edge_itself(where: Cluster, edge: Edge, backend: Backend) -> None:
    """A name of this machine is answered 503, however it is spelt, and an Event names the Service and the address."""
    for number, name in enumerate(("localhost", "127.0.0.1", "127.1", "0x7f.1", "2130706433")):
        inward = where.service(f"in{number}")
        ports = [{"port": 80, "targetPort": backend.port}]
        inward["spec"] = {"type": "ExternalName", "externalName": name, "ports": ports}
        where.apply(where.ingress(f"in{number}", service=f"in{number}", host=f"in{number}.example"), inward)
        expected = f"/in{number}: {name} resolves to 127.0.0.1 (loopback)"
        eventually(lambda one=f"in{number}", text=expected: text in str(where.events(one)))
        assert "AddressNotAllowed" in {event["reason"] for event in where.events(f"in{number}")}
        assert answer(edge, f"in{number}.example") == 503


def test_an_endpoint_that_is_not_ready(where: Cluster, edge: Edge, backend: Backend) -> None:
    """Endpoints that are not ready get no request."""
    where.apply(*where.web(backend.port, "lazy"), where.endpoints(backend.port, "lazy", ready=False))
    eventually(lambda: answer(edge, "lazy.example") == 503)
    where.apply(where.endpoints(backend.port, "lazy"))
    eventually(lambda: answer(edge, "lazy.example") == "one")


def test_another_class(where: Cluster, edge: Edge, backend: Backend) -> None:
    """An Ingress of another class is not served, from the moment on that it gets one, and until it gets ours."""
    where.apply(*where.web(backend.port, "shared"))
    eventually(lambda: answer(edge, "shared.example") == "one")
    foreign = where.ingress("shared", service="shared", host="shared.example")
    foreign["spec"]["ingressClassName"] = "somebody-elses"
    where.apply(foreign)
    eventually(lambda: answer(edge, "shared.example") == 404)
    where.apply(where.ingress("shared", service="shared", host="shared.example"))
    eventually(lambda: answer(edge, "shared.example") == "one")


def test_certificates(where: Cluster, edge: Edge, backend: Backend) -> None:
    """A certificate that comes after its Ingress is shown, and a new one in its place."""
    where.apply(*where.web(backend.port, "safe", secret="safe"))
    eventually(lambda: answer(edge, "safe.example") != 404)
    for _ in range(2):
        pair = issue("safe.example")
        where.apply(secret("safe", namespace=where.name, tls_crt=pair.certificate, tls_key=pair.key))
        eventually(lambda pair=pair: shown(edge, "safe.example") == pair.serial)


def shown(edge: Edge, host: str) -> int:
    """The serial number of the certificate that is shown for HOST."""
    with edge.connect(tls=trusting_all(), server_name=host) as client:
        return serial_of(client.certificate)


def test_users_of_a_secret(where: Cluster, edge: Edge, backend: Backend) -> None:
    """Until the Secret that auth-secret names is there nobody gets in, and an Event says so; then its users do, and
    those of its next version."""
    asked = annotated(auth_type="basic", auth_secret="users")
    where.apply(
        where.ingress("inner", service="inner", host="inner.example", annotations=asked),
        where.service("inner"),
        where.endpoints(backend.port, "inner"),
    )
    eventually(lambda: answer(edge, "inner.example") == 503)
    eventually(lambda: "MissingSecret" in {event["reason"] for event in where.events("inner")})
    for password in ("one", "two"):
        where.apply(secret("users", namespace=where.name, kind="Opaque", auth=f"anna:{{PLAIN}}{password}"))
        right = [("Authorization", "Basic " + b64encode(f"anna:{password}".encode()).decode())]
        eventually(lambda right=right: edge.get("/", host="inner.example", fields=right).status == 200)
        assert answer(edge, "inner.example") == 401
    where.delete("Secret", "users")
    eventually(lambda: answer(edge, "inner.example") == 503)


def test_a_namespace_that_is_deleted(where: Cluster, edge: Edge, backend: Backend) -> None:
    """With the namespace its Ingresses go at once, however long its deletion takes."""
    other = f"{where.name}-b"
    where.apply(
        namespace(other),
        where.ingress(namespace=other, host="gone.example"),
        where.service(namespace=other),
        where.endpoints(backend.port, namespace=other),
    )
    eventually(lambda: answer(edge, "gone.example") == "one")
    where.delete("Namespace", other)
    eventually(lambda: answer(edge, "gone.example") == 404)
