"""backend-protocol and proxy-ssl-*: how endpoints are spoken to."""

from __future__ import annotations

from typing import Any

import pytest

from edge.settings import Settings
from edge.table.policies import Closed
from edge.table.records import MATERIAL, TLS_1_2, TLS_1_3, Backend, Protocol, Tls, TlsMaterial, Transport
from tests.support import certificates, objects
from tests.support.annotated import Annotated, annotated, place
from tests.support.world import World

CLIENT = certificates.issue(client=True)
AUTHORITY = certificates.authority()
OTHER = certificates.authority("Other Authority")
SECRET = {"backend_protocol": "HTTPS", "proxy_ssl_secret": "demo/inner"}


def secret(**data: bytes) -> objects.Manifest:
    return objects.secret("inner", kind="Opaque", **data)


def whole() -> objects.Manifest:
    """The Secret with all that there can be."""
    return secret(tls_crt=CLIENT.certificate, tls_key=CLIENT.key, ca_crt=AUTHORITY.certificate)


def asked(secret: objects.Manifest | None = None, *, settings: Settings | None = None, **annotations: str) -> Annotated:
    """An Ingress with ANNOTATIONS, beside the SECRET."""
    world = World(settings)
    return Annotated(world.apply(secret) if secret is not None else world, **annotations)


def backend(one: Annotated) -> Backend:
    (found,) = one.world.route("web.example").backends
    return found


def terms(**annotations: str) -> Tls:
    """The terms that ANNOTATIONS give beside a whole Secret, without its material."""
    found = backend(asked(whole(), **SECRET, **annotations)).transport.tls
    assert found is not None
    assert found.material.startswith(MATERIAL)
    return Tls(*(getattr(found, name) for name in Tls.__struct_fields__[:-1]))


def material(world: World) -> list[TlsMaterial]:
    return [one for one in world.tls.values() if isinstance(one, TlsMaterial)]


# --- the protocol ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "usual", "secure"),
    [
        ("", Transport(), None),
        ("HTTP", Transport(), None),
        ("https", Transport(tls=Tls()), None),
        (" HTTPS ", Transport(tls=Tls()), None),
        ("Auto_Http", Transport(), Transport(tls=Tls())),
        ("FCGI", Transport(Protocol.FASTCGI), None),
        ("GRPC", Transport(Protocol.HTTP2), None),
        ("grpcs", Transport(Protocol.HTTP2, Tls()), None),
    ],
)
def test_protocols_whatever_their_case(value: str, usual: Transport, secure: Transport | None) -> None:
    one = asked(backend_protocol=value)
    assert (backend(one).transport, backend(one).secure_transport) == (usual, secure)
    assert one.problems == []


def test_tls_is_by_default_without_verification_name_and_certificate() -> None:
    assert Tls() == Tls(server_name="", verify=False, least=TLS_1_2, most=TLS_1_3, ciphers="", material="")


@pytest.mark.parametrize("value", ["AJP", "HTTP2", "https://"])
def test_an_unknown_one_is_http_and_reported(value: str) -> None:
    one = asked(backend_protocol=value)
    assert backend(one).transport == Transport()
    assert [problem[:2] for problem in one.problems] == [("InvalidAnnotation", place("backend-protocol"))]


# --- the terms of TLS ------------------------------------------------------------------------------------------------


def test_with_a_secret_alone() -> None:
    assert terms() == Tls(depth=1, least=TLS_1_2, most=TLS_1_2)


def test_all_terms() -> None:
    assert terms(
        proxy_ssl_verify="on",
        proxy_ssl_verify_depth="2",
        proxy_ssl_name="inner.example",
        proxy_ssl_server_name="on",
        proxy_ssl_protocols="TLSv1.3 TLSv1.2",
        proxy_ssl_ciphers="HIGH:!AES",
    ) == Tls("inner.example", True, ("inner.example",), (), 2, TLS_1_2, TLS_1_3, "HIGH:!AES")


def test_a_name_is_only_sent_where_that_is_on() -> None:
    assert terms(proxy_ssl_name="inner.example").server_name == ""


def test_without_a_name_it_is_that_of_ingress_nginx_and_a_warning() -> None:
    one = asked(whole(), **SECRET, proxy_ssl_verify="on", proxy_ssl_server_name="on")
    tls = backend(one).transport.tls
    assert tls is not None
    assert (tls.names, tls.server_name) == (("upstream_balancer",), "upstream_balancer")
    assert [problem[:2] for problem in one.problems] == [("IneffectiveAnnotation", place("proxy-ssl-verify"))]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("proxy_ssl_verify", "true"),
        ("proxy_ssl_server_name", "yes"),
        ("proxy_ssl_verify_depth", "one"),
        ("proxy_ssl_protocols", "TLSv1.2 SSLv3"),
        ("proxy_ssl_ciphers", "HIGH; evil"),
        ("proxy_ssl_ciphers", "NO-SUCH-CIPHER"),
        ("proxy_ssl_name", "$host"),
    ],
)
def test_a_bad_value_is_reported_and_its_default_holds(name: str, value: str) -> None:
    one = asked(whole(), **SECRET, **{name: value})
    tls = backend(one).transport.tls
    assert tls is not None
    assert Tls(*(getattr(tls, field) for field in Tls.__struct_fields__[:-1])) == terms()
    assert [problem[:2] for problem in one.problems] == [("InvalidAnnotation", place(name.replace("_", "-")))]


def test_a_depth_of_0_is_the_default() -> None:
    assert terms(proxy_ssl_verify_depth="0").depth == 1


def test_without_a_secret_they_have_no_effect() -> None:
    one = asked(backend_protocol="HTTPS", proxy_ssl_verify="on", proxy_ssl_name="inner.example")
    assert backend(one).transport == Transport(tls=Tls())
    assert {problem[0] for problem in one.problems} == {"IneffectiveAnnotation"}
    assert len(one.problems) == 2


def test_nor_have_they_without_tls() -> None:
    one = asked(whole(), proxy_ssl_secret="demo/inner", backend_protocol="HTTP")
    assert backend(one).transport == Transport()
    assert [problem[0] for problem in one.problems] == ["IneffectiveAnnotation"]
    assert material(one.world) == []


# --- the Secret ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            {"tls_crt": CLIENT.certificate, "tls_key": CLIENT.key, "ca_crt": AUTHORITY.certificate},
            TlsMaterial(AUTHORITY.certificate, CLIENT.certificate, CLIENT.key),
        ),
        ({"ca_crt": b"# ours\n" + AUTHORITY.certificate}, TlsMaterial(AUTHORITY.certificate)),
        ({"tls_crt": CLIENT.certificate, "tls_key": CLIENT.key}, TlsMaterial(b"", CLIENT.certificate, CLIENT.key)),
        (
            {"ca_crt": AUTHORITY.certificate + OTHER.certificate},
            TlsMaterial(AUTHORITY.certificate + OTHER.certificate),
        ),
    ],
    ids=["whole", "authority", "client certificate", "two authorities"],
)
def test_what_is_in_it(data: dict[str, bytes], expected: TlsMaterial) -> None:
    one = asked(secret(**data), **SECRET)
    assert material(one.world) == [expected]
    assert one.problems == []


@pytest.mark.parametrize(
    ("data", "rest"),
    [
        ({"auth": b"x"}, {}),
        ({"tls_crt": CLIENT.certificate}, {}),
        ({"tls_crt": CLIENT.certificate, "tls_key": certificates.issue().key}, {}),
        ({"tls_crt": b"x", "tls_key": b"y", "ca_crt": AUTHORITY.certificate}, {}),
        ({"ca_crt": b"x"}, {}),
        ({"ca_crt": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}, {}),
        ({"tls_crt": CLIENT.certificate, "tls_key": CLIENT.key}, {"proxy_ssl_verify": "on", "proxy_ssl_name": "a"}),
    ],
    ids=["nothing", "no key", "other key", "no certificate", "no PEM", "no X.509", "no authority to verify by"],
)
def test_one_that_cannot_be_used_closes_the_route(data: dict[str, bytes], rest: dict[str, str]) -> None:
    one = asked(secret(**data), **SECRET, **rest)
    assert one.policy(Closed) is not None
    assert [problem[:2] for problem in one.problems] == [("InvalidSecret", place("proxy-ssl-secret"))]
    assert material(one.world) == []


@pytest.mark.parametrize(
    ("value", "reason"),
    [("demo/gone", "MissingSecret"), ("other/inner", "CrossNamespace"), ("inner", "InvalidAnnotation")],
)
def test_one_that_is_not_there_closes_the_route(value: str, reason: str) -> None:
    one = asked(whole(), backend_protocol="HTTPS", proxy_ssl_secret=value)
    assert one.policy(Closed) is not None
    assert [problem[:2] for problem in one.problems] == [(reason, place("proxy-ssl-secret"))]


def test_one_of_another_namespace_may_be_allowed() -> None:
    theirs = objects.secret("inner", namespace="other", kind="Opaque", ca_crt=AUTHORITY.certificate)
    settings = Settings().with_(allow_cross_namespace_resources=True)
    one = asked(theirs, settings=settings, backend_protocol="HTTPS", proxy_ssl_secret="other/inner")
    assert one.policy(Closed) is None
    assert material(one.world) == [TlsMaterial(AUTHORITY.certificate)]


def test_its_life_is_followed() -> None:
    one = asked(None, **SECRET)

    def state() -> Any:
        tls = backend(one).transport.tls
        assert tls is not None
        known = one.world.tls.get(tls.material)
        return "closed" if one.policy(Closed) is not None else known

    assert state() == "closed"
    one.world.apply(secret(ca_crt=AUTHORITY.certificate))
    assert state() == TlsMaterial(AUTHORITY.certificate)
    one.world.apply(secret(ca_crt=OTHER.certificate))
    assert state() == TlsMaterial(OTHER.certificate)
    one.world.delete("Secret", "inner")
    assert state() == "closed"
    assert material(one.world) == [], "keys that nobody needs do not stay in the table"


def test_one_that_several_name_stays_until_the_last_has_gone() -> None:
    world = World().apply(whole(), objects.service())
    for name in ("a", "b"):
        world.apply(objects.ingress(name, host=f"{name}.example", annotations=annotated(**SECRET)))
    assert len(material(world)) == 1
    world.delete("Ingress", "a")
    assert len(material(world)) == 1
    world.delete("Ingress", "b")
    assert material(world) == []


# --- appProtocol of the Service's port -------------------------------------------------------------------------------


def spoken(app_protocol: str) -> objects.Manifest:
    """The Service with APP_PROTOCOL."""
    return objects.service(ports=[{"name": "http", "port": 80, "targetPort": 8080, "appProtocol": app_protocol}])


def on(app_protocol: str, *others: objects.Manifest, **annotations: str) -> Annotated:
    """An Ingress with ANNOTATIONS for that Service."""
    one = Annotated(World().apply(*others), **annotations)
    one.world.apply(spoken(app_protocol))
    return one


@pytest.mark.parametrize(
    ("app_protocol", "transport"),
    [
        ("kubernetes.io/h2c", Transport(Protocol.HTTP2)),
        ("kubernetes.io/ws", Transport()),
        ("kubernetes.io/wss", Transport(tls=Tls())),
        ("https", Transport(tls=Tls())),
        ("HTTPS", Transport(tls=Tls())),
        ("http", Transport()),
        ("example.com/own", Transport()),
    ],
)
def test_without_an_annotation_the_port_decides(app_protocol: str, transport: Transport) -> None:
    assert backend(on(app_protocol)).transport == transport


def test_an_annotation_goes_before_it() -> None:
    assert backend(on("https", backend_protocol="HTTP")).transport == Transport()
    assert backend(on("https", backend_protocol="GRPC")).transport == Transport(Protocol.HTTP2)


def test_a_change_of_it_holds_at_once() -> None:
    one = on("kubernetes.io/h2c")
    one.world.apply(spoken("https"))
    assert backend(one).transport == Transport(tls=Tls())
    one.world.apply(objects.service())
    assert backend(one).transport == Transport()
    one.world.delete("Service", "web")
    one.world.apply(spoken("kubernetes.io/h2c"))
    assert backend(one).transport == Transport(Protocol.HTTP2)


def test_the_terms_of_the_annotations_hold_for_it() -> None:
    terms = {"proxy_ssl_secret": "demo/inner", "proxy_ssl_verify": "on", "proxy_ssl_name": "inner.example"}
    one = on("https", whole(), **terms)
    tls = backend(one).transport.tls
    assert tls is not None
    assert (tls.verify, tls.names) == (True, ("inner.example",))
    assert [found.authorities for found in material(one.world)] == [AUTHORITY.certificate]


# --- configuration-snippet --------------------------------------------------------------------------------------------

ALLOWED = Settings(allow_snippet_annotations=True, annotations_risk_level="Critical")


def scripted(protocol: str, snippet: str, secret: objects.Manifest | None = None, **annotations: str) -> Tls:
    """The terms of an Ingress with SNIPPET."""
    one = asked(secret, settings=ALLOWED, backend_protocol=protocol, configuration_snippet=snippet, **annotations)
    found = backend(one).transport.tls
    assert found is not None
    return found


def test_a_snippet_names_endpoints_without_a_secret() -> None:
    found = scripted("HTTPS", "proxy_ssl_name web.inner; proxy_ssl_server_name on; proxy_ssl_session_reuse off;")
    assert found == Tls(server_name="web.inner")
    assert scripted("HTTPS", "proxy_ssl_server_name on;").server_name == "upstream_balancer"
    assert scripted("HTTPS", "proxy_ssl_name web.inner;") == Tls()


def test_a_snippet_has_ciphers_and_versions() -> None:
    found = scripted("GRPCS", "grpc_ssl_ciphers HIGH:!aNULL:!MD5; grpc_ssl_protocols TLSv1.2 TLSv1.3;")
    assert (found.ciphers, found.least, found.most) == ("HIGH:!aNULL:!MD5", TLS_1_2, TLS_1_3)


def test_each_protocol_has_its_own_directives() -> None:
    both = "proxy_ssl_name a.inner; proxy_ssl_server_name on; grpc_ssl_name b.inner; grpc_ssl_server_name on;"
    assert scripted("HTTPS", both).server_name == "a.inner"
    assert scripted("GRPCS", both).server_name == "b.inner"


def test_a_snippet_goes_before_annotations_and_leaves_verification_to_them() -> None:
    found = scripted(
        "HTTPS",
        "proxy_ssl_name other.inner;",
        whole(),
        proxy_ssl_secret="demo/inner",
        proxy_ssl_verify="on",
        proxy_ssl_name="web.inner",
    )
    assert (found.verify, found.names, found.server_name) == (True, ("other.inner",), "")


def test_the_name_of_a_snippet_is_a_name_to_verify() -> None:
    terms = {"proxy_ssl_secret": "demo/inner", "proxy_ssl_verify": "on"}
    one = asked(
        whole(), settings=ALLOWED, backend_protocol="HTTPS", configuration_snippet="proxy_ssl_name a.inner;", **terms
    )
    assert one.problems == []
    tls = backend(one).transport.tls
    assert tls is not None
    assert tls.names == ("a.inner",)


@pytest.mark.parametrize(
    "snippet",
    [
        "proxy_ssl_name $host;",
        "proxy_ssl_server_name maybe;",
        "proxy_ssl_ciphers none-of-them;",
        "proxy_ssl_protocols SSLv3;",
        "proxy_ssl_name;",
        "proxy_ssl_verify on;",
    ],
)
def test_a_snippet_that_cannot_be_read_closes_the_route(snippet: str) -> None:
    one = asked(settings=ALLOWED, backend_protocol="HTTPS", configuration_snippet=snippet)
    assert any(isinstance(policy, Closed) for policy in one.world.route("web.example").policies)


def test_a_snippet_that_is_not_allowed_has_no_effect() -> None:
    settings = Settings(annotations_risk_level="Critical")
    one = asked(settings=settings, backend_protocol="HTTPS", configuration_snippet="proxy_ssl_server_name on;")
    assert backend(one).transport.tls == Tls()
