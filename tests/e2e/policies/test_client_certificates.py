"""auth-tls-*: certificates of clients, by real handshakes. The answers are those of nginx behind ingress-nginx."""

from __future__ import annotations

import itertools
import shutil
import socket
import ssl
import subprocess
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.support.auth_server import AuthServer
from tests.support.certificates import Pair, authority, intermediate, issue, revocations, self_signed, trusting_all
from tests.support.clients import Response
from tests.support.frames import GET, Wire, headers
from tests.support.ingresses import Annotated

GOOD = issue(client=True, common_name="alice")
OTHER = issue(client=True, common_name="mallory", issuer=authority("Other Authority"))
EXPIRED = issue(client=True, common_name="alice", days=-1)
SERVER = issue(common_name="server")
ROOT = authority("Root", path_length=None)
MIDDLE = intermediate("Middle", ROOT)
LOWER = intermediate("Lower", MIDDLE)
DEEP = issue(client=True, common_name="deep", issuer=MIDDLE)
DEEPER = issue(client=True, common_name="deeper", issuer=LOWER)
NO_CERTIFICATE = b"400 No required SSL certificate was sent\n"
BAD_CERTIFICATE = b"400 The SSL certificate error\n"

_names = itertools.count(1)


def chain(leaf: Pair, *issuers: Pair) -> Pair:
    return Pair(leaf.certificate + b"".join(one.certificate for one in issuers), leaf.key)


def client(folder: Path, pair: Pair | None = None, version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    context = trusting_all()
    if pair is not None:
        context.load_cert_chain(*pair.write(folder, f"client{next(_names)}"))
    if version is not None:
        context.minimum_version = context.maximum_version = version
    return context


def mtls(edge: Annotated, *, ca: bytes = b"", crl: bytes = b"", host: str = "", **annotations: str) -> str:
    """A host that asks for certificates by a Secret of its own."""
    secret = f"ca{next(_names)}"
    edge.secret(secret, ca_crt=ca or authority().certificate, **({"ca_crl": crl} if crl else {}))
    given = {f"auth_tls_{name}": value for name, value in annotations.items() if name in OPTIONS}
    rest = {name: value for name, value in annotations.items() if name not in OPTIONS}
    return edge.ingress(host=host, auth_tls_secret=f"demo/{secret}", **given, **rest)


OPTIONS = ("verify_client", "verify_depth", "error_page", "match_cn", "pass_certificate_to_upstream")


@pytest.fixture
def ask(edge: Annotated, tmp_path: Path):
    def asked(
        host: str, pair: Pair | None = None, *, server_name: str | None = "", target: str = "/", **rest
    ) -> Response:
        context = client(tmp_path, pair, rest.pop("version", None))
        with edge.connect(tls=context, server_name=host if server_name == "" else server_name) as connection:
            return connection.request(target, host=host, **rest)

    return asked


def told(response: Response) -> dict[str, str]:
    """The fields about the client's certificate that the endpoint gets."""
    assert response.status == 200
    return {name.lower(): value for name, value in response.json()["headers"] if name.lower().startswith("ssl-client")}


VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


# --- on: the default ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_a_certificate_of_the_authority_lets_in(edge: Annotated, ask, version: ssl.TLSVersion) -> None:
    host = mtls(edge)
    assert told(ask(host, GOOD, version=version)) == {
        "ssl-client-verify": "SUCCESS",
        "ssl-client-subject-dn": "CN=alice",
        "ssl-client-issuer-dn": "CN=Test Authority",
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_without_a_certificate_the_answer_is_400_after_the_handshake(edge: Annotated, ask, version) -> None:
    response = ask(mtls(edge), version=version)
    assert (response.status, response.body, response.get("Connection")) == (400, NO_CERTIFICATE, "close")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "pair", [OTHER, EXPIRED, SERVER, self_signed("alice")], ids=["other", "expired", "server", "self"]
)
def test_a_certificate_that_does_not_verify_is_answered_400(edge: Annotated, ask, pair: Pair, version) -> None:
    response = ask(mtls(edge), pair, version=version)
    assert (response.status, response.body) == (400, BAD_CERTIFICATE)


def test_a_path_that_no_route_takes_is_guarded_too(edge: Annotated, ask) -> None:
    edge.secret("paths", ca_crt=authority().certificate)
    host = edge.ingress("@ Prefix /app web", auth_tls_secret="demo/paths")
    assert (ask(host, target="/other").status, ask(host, GOOD, target="/other").status) == (400, 404)


def test_all_ingresses_of_the_host_are_guarded(edge: Annotated, ask) -> None:
    host = mtls(edge)
    edge.ingress("@ Prefix /open web", host=host)
    assert (ask(host, target="/open").status, ask(host, GOOD, target="/open").status) == (400, 200)


def test_an_alias_is_guarded_as_its_host_is(edge: Annotated, ask) -> None:
    mtls(edge, server_alias="guarded-alias.example")
    assert ask("guarded-alias.example").status == 400
    assert ask("guarded-alias.example", GOOD).status == 200


@pytest.mark.parametrize(
    ("depth", "pair", "status"),
    [
        ("", chain(DEEP, MIDDLE), 200),
        ("", chain(DEEPER, LOWER, MIDDLE), 400),
        ("2", chain(DEEPER, LOWER, MIDDLE), 200),
        ("0", chain(DEEP, MIDDLE), 200),
        ("x", chain(DEEP, MIDDLE), 200),
        ("2", DEEP, 400),
    ],
)
def test_a_chain_has_no_more_than_depth_certificates_between(edge: Annotated, ask, depth, pair, status) -> None:
    """One by default, also in place of 0 and of what is no number."""
    host = mtls(edge, ca=ROOT.certificate, verify_depth=depth)
    assert ask(host, pair).status == status


def test_the_secret_may_hold_several_authorities(edge: Annotated, ask) -> None:
    host = mtls(edge, ca=authority().certificate + authority("Other Authority").certificate)
    assert [ask(host, pair).status for pair in (GOOD, OTHER, EXPIRED)] == [200, 200, 400]


def test_a_revoked_certificate_is_answered_400(edge: Annotated, ask) -> None:
    revoked = issue(client=True, common_name="bob")
    host = mtls(edge, crl=revocations(authority(), revoked))
    assert (ask(host, GOOD).status, ask(host, revoked).status) == (200, 400)


def test_a_change_of_the_secret_is_in_force_for_the_next_connection(edge: Annotated, ask) -> None:
    edge.secret("live", ca_crt=authority().certificate)
    host = edge.ingress(auth_tls_secret="demo/live")
    assert (ask(host, GOOD).status, ask(host, OTHER).status) == (200, 400)
    edge.secret("live", ca_crt=authority("Other Authority").certificate)
    assert (ask(host, GOOD).status, ask(host, OTHER).status) == (400, 200)
    edge.delete("Secret", "live")
    assert (ask(host, GOOD).status, ask(host, OTHER).status) == (403, 403)


# --- optional, optional_no_ca, off ----------------------------------------------------------------------------------


def test_optional_takes_none_and_refuses_a_bad_one(edge: Annotated, ask) -> None:
    host = mtls(edge, verify_client="optional")
    assert told(ask(host)) == {"ssl-client-verify": "NONE"}
    assert told(ask(host, GOOD))["ssl-client-verify"] == "SUCCESS"
    assert [ask(host, pair).status for pair in (OTHER, EXPIRED)] == [400, 400]


def test_optional_no_ca_takes_one_of_any_authority(edge: Annotated, ask) -> None:
    host = mtls(edge, verify_client="optional_no_ca")
    assert told(ask(host)) == {"ssl-client-verify": "NONE"}
    assert told(ask(host, OTHER)) == {
        "ssl-client-verify": "FAILED:unable to verify the first certificate",
        "ssl-client-subject-dn": "CN=mallory",
        "ssl-client-issuer-dn": "CN=Other Authority",
    }
    assert told(ask(host, self_signed("x")))["ssl-client-verify"].startswith("FAILED:")
    assert ask(host, EXPIRED).status == 400, "out of date is out of date"


def test_off_asks_for_none(edge: Annotated, ask) -> None:
    assert told(ask(mtls(edge, verify_client="off"), OTHER)) == {"ssl-client-verify": "NONE"}


def test_a_mode_that_does_not_exist_is_on(edge: Annotated, ask) -> None:
    host = mtls(edge, verify_client="maybe")
    assert edge.reasons() == ["InvalidAnnotation"]
    assert ask(host).status == 400


# --- what becomes of it ---------------------------------------------------------------------------------------------


def test_the_endpoint_gets_the_certificate_as_escaped_pem(edge: Annotated, ask) -> None:
    host = mtls(edge, pass_certificate_to_upstream="true")
    sent = told(ask(host, GOOD))["ssl-client-cert"]
    assert unquote(sent).encode() == GOOD.certificate
    assert sent.startswith("-----BEGIN%20CERTIFICATE-----%0A")
    assert not set(sent) & set("+/= \n")


@pytest.mark.parametrize(
    ("pattern", "status"),
    [
        ("CN=alice", 200),
        ("CN=al", 200),
        ("CN=^alice", 403),
        ("CN=ALICE", 403),
        ("CN=(bob|alice)$", 200),
        ("CN=bob", 403),
    ],
)
def test_the_subject_has_to_match(edge: Annotated, ask, pattern: str, status: int) -> None:
    response = ask(mtls(edge, match_cn=pattern), GOOD)
    assert response.status == status
    if status == 403:
        assert response.body == b"client certificate unauthorized"


def test_without_a_certificate_no_subject_matches(edge: Annotated, ask) -> None:
    host = mtls(edge, match_cn="CN=alice", verify_client="optional")
    assert (ask(host).status, ask(host, GOOD).status) == (403, 200)
    assert edge.get(host).status == 403, "also by plain http"


def test_an_error_page_is_redirected_to(edge: Annotated, ask) -> None:
    page = "https://errors.example/certificate.html"
    host = mtls(edge, error_page=page)
    for pair in (None, OTHER):
        response = ask(host, pair)
        assert (response.status, response.get("Location")) == (302, page)
    assert ask(host, GOOD).status == 200


def test_an_error_page_that_is_a_path_is_reported(edge: Annotated, ask) -> None:
    host = mtls(edge, error_page="/error.html")
    assert edge.reasons() == ["InvalidAnnotation"]
    assert ask(host).status == 400


# --- no way round it ------------------------------------------------------------------------------------------------

FORGED = [
    ("ssl-client-verify", "SUCCESS"),
    ("SSL-Client-Subject-DN", "CN=root"),
    ("ssl-client-issuer-dn", "CN=root"),
    ("ssl-client-cert", "-----BEGIN"),
    ("ssl_client_verify", "SUCCESS"),
]


def test_what_a_client_says_of_its_certificate_is_not_passed_on(edge: Annotated, ask) -> None:
    plain = edge.ingress()
    assert told(edge.get(plain, fields=FORGED)) == {}
    assert told(ask(plain, fields=FORGED)) == {}
    optional = mtls(edge, verify_client="optional")
    assert told(ask(optional, fields=FORGED)) == {"ssl-client-verify": "NONE"}
    assert told(edge.get(optional, fields=FORGED)) == {}
    assert told(ask(optional, GOOD, fields=FORGED))["ssl-client-subject-dn"] == "CN=alice"


def test_plain_http_is_no_way_in(edge: Annotated) -> None:
    host = mtls(edge)
    response = edge.get(host)
    assert (response.status, response.body) == (400, NO_CERTIFICATE)
    pair = issue("guarded.example")
    edge.secret("guarded", tls_crt=pair.certificate, tls_key=pair.key)
    mtls(edge, host="guarded.example", tls=[{"hosts": ["guarded.example"], "secretName": "guarded"}])
    assert edge.get("guarded.example").status == 308


def test_challenges_of_acme_are_answered_by_plain_http(edge: Annotated, ask) -> None:
    """Else the host could never get its certificate."""
    host = mtls(edge)
    edge.ingress("@ Exact /.well-known/acme-challenge/token web", host=host)
    assert edge.get(host, "/.well-known/acme-challenge/token").status == 200
    assert ask(host, target="/.well-known/acme-challenge/token").status == 400


def test_a_connection_for_another_host_is_misdirected(edge: Annotated, ask) -> None:
    guarded, other = mtls(edge), mtls(edge, ca=authority("Other Authority").certificate)
    plain = edge.ingress()
    for server_name in (plain, other, "unknown.example"):
        response = ask(guarded, GOOD, server_name=server_name)
        assert (response.status, response.get("Connection")) == (421, "close"), server_name
    assert ask(guarded, OTHER, server_name=other).status == 421, "it verified for that host, and not for this one"
    assert ask(plain, GOOD, server_name=guarded).status == 200
    assert told(ask(plain, GOOD, server_name=guarded)) == {}


def test_over_http_2_only_the_stream_is_misdirected(edge: Annotated, tmp_path: Path) -> None:
    """A browser may use one connection for all hosts of a certificate (RFC 9113, section 9.1.1)."""
    guarded, plain = mtls(edge), edge.ingress()
    context = client(tmp_path, GOOD)
    context.set_alpn_protocols(["h2"])
    with edge.connect(tls=context, server_name=plain) as connection:
        wire = Wire(connection.socket)
        for stream, host, status in ((1, guarded, 421), (3, plain, 200), (5, guarded, 421), (7, plain, 200)):
            wire.send(headers(stream, (*GET[:3], (":authority", host))))
            assert wire.response(stream)[0] == status
    with edge.connect(tls=context, server_name=guarded) as connection:
        wire = Wire(connection.socket)
        wire.send(headers(1, (*GET[:3], (":authority", guarded))))
        assert wire.response(1)[0] == 200


def test_without_a_server_name_no_certificate_is_asked_for(edge: Annotated, ask) -> None:
    assert ask(mtls(edge), GOOD, server_name=None).status == 400
    assert told(ask(mtls(edge, verify_client="optional"), GOOD, server_name=None)) == {"ssl-client-verify": "NONE"}


def test_hosts_with_the_same_trust_share_connections(edge: Annotated, ask) -> None:
    one, two = mtls(edge), mtls(edge)
    assert ask(two, GOOD, server_name=one).status == 200


def resume(
    edge: Annotated, context: ssl.SSLContext, host: str, session: ssl.SSLSession | None = None
) -> tuple[ssl.SSLSession | None, bool | None, int]:
    """Ask HOST on a connection that resumes SESSION; the new session, whether that was resumed, and the status."""
    raw = socket.create_connection(("127.0.0.1", edge.edge.https), 40)
    with context.wrap_socket(raw, server_hostname=host, session=session) as sock:
        sock.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while data := sock.recv(65536):
            answer += data
        return sock.session, sock.session_reused, int(answer.split(b" ", 2)[1])


@pytest.mark.parametrize("version", VERSIONS)
def test_a_session_is_resumed_with_what_was_verified_and_by_no_other_host(edge: Annotated, tmp_path, version) -> None:
    one, two, plain = mtls(edge), mtls(edge, ca=authority("Other Authority").certificate), edge.ingress()
    context = client(tmp_path, GOOD, version)
    session, reused, status = resume(edge, context, one)
    assert (reused, status) == (False, 200)
    assert resume(edge, context, one, session)[1:] == (True, 200)
    assert resume(edge, context, two, session)[1:] == (False, 400)
    assert resume(edge, context, plain, session)[1:] == (False, 200)
    of_plain, _, _ = resume(edge, context, plain)
    assert resume(edge, context, one, of_plain)[1:] == (False, 200)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_revoked_certificate_does_not_come_back_with_its_session(edge: Annotated, tmp_path, version) -> None:
    edge.secret("revoking", ca_crt=authority().certificate)
    host = edge.ingress(auth_tls_secret="demo/revoking")
    pair = issue(client=True, common_name="carol")
    context = client(tmp_path, pair, version)
    session, _, status = resume(edge, context, host)
    assert status == 200
    edge.secret("revoking", ca_crt=authority().certificate, ca_crl=revocations(authority(), pair))
    assert resume(edge, context, host, session)[1:] == (False, 400)


def test_a_connection_that_was_verified_by_what_is_no_longer_trusted_ends(edge: Annotated, tmp_path: Path) -> None:
    edge.secret("ending", ca_crt=authority().certificate)
    host = edge.ingress(auth_tls_secret="demo/ending")
    with edge.connect(tls=client(tmp_path, GOOD), server_name=host) as connection:
        assert connection.request(host=host).status == 200
        edge.secret("ending", ca_crt=authority("Other Authority").certificate)
        response = connection.request(host=host)
        assert (response.status, response.get("Connection")) == (421, "close")


# --- what cannot be applied -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "reference", "reason"),
    [
        (None, "demo/absent", "MissingSecret"),
        ({"tls_crt": b"x"}, "", "InvalidSecret"),
        ({"ca_crt": b"nonsense"}, "", "InvalidSecret"),
        ({"ca_crt": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}, "", "InvalidSecret"),
        ({"ca_crt": authority().certificate, "ca_crl": b"nonsense"}, "", "InvalidSecret"),
        ({"ca_crt": authority().certificate}, "other/ca", "CrossNamespace"),
        ({"ca_crt": authority().certificate}, "name-alone", "InvalidAnnotation"),
        ({"ca_crt": authority().certificate}, "a/b/c", "InvalidAnnotation"),
    ],
)
def test_a_secret_that_cannot_be_used_closes_the_host(edge: Annotated, ask, data, reference: str, reason: str) -> None:
    name = f"bad{next(_names)}"
    if data is not None:
        edge.secret(name, **data)
    host = edge.ingress(auth_tls_secret=reference or f"demo/{name}", allowlist_source_range="127.0.0.0/8")
    assert edge.reasons() == [reason]
    edge.ingress("@ Prefix /open web", host=host)
    assert [ask(host).status, ask(host, GOOD, target="/open").status, edge.get(host).status] == [403, 403, 403]


@pytest.mark.parametrize("pattern", ["alice", "CN=(", "CN=(a+)+$x(?=b)("])
def test_a_subject_that_cannot_be_read_closes_the_host(edge: Annotated, ask, pattern: str) -> None:
    host = mtls(edge, match_cn=pattern)
    assert edge.reasons() == ["InvalidAnnotation"]
    assert ask(host, GOOD).status == 403


def test_of_two_ingresses_the_older_decides_and_the_other_is_told(edge: Annotated, ask) -> None:
    host = mtls(edge)
    mtls(edge, host=host, ca=authority("Other Authority").certificate, name="zz-younger")
    assert edge.reasons() == ["HostConflict", "PathConflict"]
    assert (ask(host, GOOD).status, ask(host, OTHER).status) == (200, 400)


# --- together with other policies -----------------------------------------------------------------------------------


def test_a_certificate_does_not_stand_for_a_password(edge: Annotated, ask) -> None:
    edge.secret("users", auth=b"alice:{PLAIN}secret\n")
    for satisfy in ("all", "any"):
        host = mtls(edge, auth_type="basic", auth_secret="users", satisfy=satisfy)
        assert (ask(host).status, ask(host, GOOD).status) == (400, 401)
        right = [("Authorization", "Basic YWxpY2U6c2VjcmV0")]
        assert ask(host, GOOD, fields=right).status == 200
        assert ask(host, fields=right).status == 400


def test_the_other_name_of_the_host_is_redirected_without_a_certificate(edge: Annotated, ask) -> None:
    host = mtls(edge, from_to_www_redirect="true")
    assert ask(f"www.{host}").get("Location") == f"https://{host}:443"


def test_the_root_is_guarded_before_it_is_redirected(edge: Annotated, ask) -> None:
    host = mtls(edge, app_root="/app")
    assert (ask(host).status, ask(host, GOOD).status) == (400, 302)


# --- other clients --------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is missing")
def test_curl_shows_its_certificate(edge: Annotated, tmp_path: Path) -> None:
    host = mtls(edge)
    certificate, key = GOOD.write(tmp_path)
    base = ["curl", "-sk", "-o", "/dev/null", "-w", "%{http_code}", "--resolve", f"{host}:{edge.edge.https}:127.0.0.1"]
    url = f"https://{host}:{edge.edge.https}/"
    for arguments, status in (([], "400"), (["--cert", str(certificate), "--key", str(key)], "200")):
        found = subprocess.run([*base, *arguments, url], capture_output=True, text=True, check=False, timeout=60)
        assert found.stdout == status


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is missing")
def test_the_authorities_are_named_to_the_client(edge: Annotated) -> None:
    host, plain = mtls(edge), edge.ingress()
    for name, named in ((host, True), (plain, False)):
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{edge.edge.https}", "-servername", name]
        found = subprocess.run(command, input="", capture_output=True, text=True, check=False, timeout=60)
        assert ("Acceptable client certificate CA names" in found.stdout) is named
        assert ("CN = Test Authority" in found.stdout.partition("client certificate CA names")[2][:200]) is named


def test_an_authentication_server_is_told_of_it_too(edge: Annotated, ask) -> None:
    with AuthServer() as server:
        host = mtls(edge, auth_url=f"{server.url}/auth")
        fields = [("Cookie", "session=anna"), ("ssl-client-verify", "forged")]
        assert ask(host, GOOD, fields=fields).status == 200
        assert (server.last["ssl-client-verify"], "ssl-client-cert" in server.last) == ("SUCCESS", False)
        assert "CN=alice" in server.last["ssl-client-subject-dn"]
        asked = len(server.requests)
        assert ask(host, fields=fields).status == 400
        assert len(server.requests) == asked
