"""TLS to endpoints, with real servers: what is verified, what is shown, what is kept and resumed, and how it fails."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import websocket

from edge.table.counters import WorkerWord
from edge.table.policies import BodyLimit, RequestBuffering, Retry
from edge.table.records import TLS_1_2, TLS_1_3, Tls, Transport
from tests.support import certificates
from tests.support.backends import Peer, Script, pattern, read_head
from tests.support.clients import Fields, head
from tests.support.stage import Stage
from tests.support.tls_backends import TlsBackend
from tests.support.waiting import eventually, free_port

RIGHT = "inner.example"
AUTHORITY = certificates.authority()
OTHER = certificates.authority("Other Authority")


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage() as one:
        yield one


@pytest.fixture(scope="module")
def trusted() -> Iterator[TlsBackend]:
    """A server whose certificate the authority has signed for the right name."""
    with TlsBackend(certificates.issue(RIGHT)) as one:
        yield one


def over(tls: Tls) -> Transport:
    return Transport(tls=tls)


def verifying(stage: Stage, *names: str, authority: certificates.Pair = AUTHORITY, **rest: object) -> Transport:
    """Terms that verify by AUTHORITY one of NAMES (none: the right one)."""
    material = stage.material(authority)
    return over(Tls(verify=True, names=names or (RIGHT,), material=material, **rest))  # type: ignore[arg-type]


def fields(answer: object) -> dict[str, str]:
    found: Fields = answer.json()["headers"]  # type: ignore[attr-defined]
    return {name.lower(): value for name, value in found}


# --- what goes over it -----------------------------------------------------------------------------------------------


def test_requests_and_responses_are_the_same_as_in_the_clear(stage: Stage, trusted: TlsBackend) -> None:
    host = stage.serve(trusted, transport=over(Tls()))
    answer = stage.get(host, "/a?b=c", method="POST", body=pattern(100_000))
    told = answer.json()
    assert (told["method"], told["target"], told["version"]) == ("POST", "/a?b=c", "HTTP/1.1")
    assert told["body"].encode("latin-1") == pattern(100_000)
    assert fields(answer)["host"] == host
    for count in (0, 1, 16384, 16385, 3_000_000):
        assert stage.get(host, f"/bytes/{count}").body == pattern(count)
    assert stage.get(host, "/stream/50/1000").body == pattern(1000) * 50
    assert stage.get(host, "/until-close/70000").body == pattern(70000)
    assert stage.get(host, "/bytes/10", method="HEAD").body == b""


def test_an_upload_that_streams_arrives_whole(stage: Stage, trusted: TlsBackend) -> None:
    streaming = (RequestBuffering("test", 0), BodyLimit("test", 1 << 30))
    host = stage.serve(trusted, transport=over(Tls()), policies=streaming)
    with stage.connect() as client:
        client.send(head("/upload", method="POST", host=host, fields=[("Transfer-Encoding", "chunked")]))
        for _ in range(40):
            client.send(b"7d00\r\n" + pattern(32000) + b"\r\n")
        client.send(b"0\r\n\r\n")
        assert client.response().json()["length"] == 40 * 32000


def test_websockets_go_over_it(stage: Stage, trusted: TlsBackend) -> None:
    host = stage.serve(trusted, transport=over(Tls()))
    one = websocket.create_connection(f"ws://127.0.0.1:{stage.edge.http}/websocket", host=host, timeout=40)
    for message in ("hello", "x" * 100_000, ""):
        one.send(message)
        assert one.recv() == message
    one.close()


def test_a_kept_connection_is_used_again(stage: Stage, trusted: TlsBackend) -> None:
    host = stage.serve(trusted, transport=over(Tls(ciphers="ECDHE-ECDSA-AES128-GCM-SHA256", most=TLS_1_2)))
    first = [stage.get(host).json()["connection"] for _ in range(5)]
    assert len(set(first)) == 1
    host = stage.serve(trusted, transport=over(Tls(least=TLS_1_3)))
    second = [stage.get(host).json()["connection"] for _ in range(5)]
    assert len(set(second)) == 1, "TLS 1.3 sends tickets when it likes, and that is no surprise"
    assert first[0] != second[0], "other terms need another connection"


def test_the_next_connection_resumes_the_session(stage: Stage) -> None:
    with TlsBackend() as backend:
        for tls in (Tls(most=TLS_1_2), Tls(least=TLS_1_3)):
            host = stage.serve(backend, transport=over(tls))
            del backend.handshakes[:]
            for _ in range(3):
                stage.get(host, "/until-close/10")
            assert [one.resumed for one in backend.handshakes] == [False, True, True]


def test_endpoints_of_several_versions(stage: Stage) -> None:
    for version, name in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
        with TlsBackend(least=version, most=version) as backend:
            assert stage.get(stage.serve(backend, transport=over(Tls()))).status == 200
            assert backend.handshakes[0].version == name


def test_only_what_the_terms_allow_is_spoken(stage: Stage) -> None:
    with TlsBackend(least=ssl.TLSVersion.TLSv1_3) as backend:
        assert stage.get(stage.serve(backend, transport=over(Tls(most=TLS_1_2)))).status == 502
    with TlsBackend(most=ssl.TLSVersion.TLSv1_2) as backend:
        cipher = "ECDHE-ECDSA-CHACHA20-POLY1305"
        assert stage.get(stage.serve(backend, transport=over(Tls(ciphers=cipher)))).status == 200
        assert backend.handshakes[0].cipher == cipher
        assert stage.get(stage.serve(backend, transport=over(Tls(ciphers="DHE-RSA-AES128-GCM-SHA256")))).status == 502


# --- the server name -------------------------------------------------------------------------------------------------


def test_no_server_name_is_sent_unless_there_is_one(stage: Stage) -> None:
    with TlsBackend() as backend:
        stage.get(stage.serve(backend, transport=over(Tls())))
        stage.get(stage.serve(backend, transport=over(Tls(server_name="sni.example"))))
        stage.get(stage.serve(backend, transport=over(Tls(server_name="upstream_balancer"))))
        assert [one.server_name for one in backend.handshakes] == [None, "sni.example", "upstream_balancer"]


# --- verification ----------------------------------------------------------------------------------------------------


def test_without_verification_any_certificate_is_good(stage: Stage) -> None:
    for pair in (certificates.self_signed("x.example"), certificates.issue("x.example", days=-1)):
        with TlsBackend(pair) as backend:
            assert stage.get(stage.serve(backend, transport=over(Tls()))).status == 200


def test_a_certificate_of_the_authority_for_the_name_is_good(stage: Stage, trusted: TlsBackend) -> None:
    assert stage.get(stage.serve(trusted, transport=verifying(stage))).status == 200
    assert stage.get(stage.serve(trusted, transport=verifying(stage, "other.example", RIGHT))).status == 200


@pytest.mark.parametrize(
    ("pair", "reason"),
    [
        (certificates.issue("wrong.example"), "hostname mismatch"),
        (certificates.issue(RIGHT, days=-1), "certificate has expired"),
        (certificates.issue(RIGHT, issuer=OTHER), "unable to get local issuer certificate"),
        (certificates.self_signed(RIGHT), "self-signed certificate"),
        (certificates.issue(RIGHT, client=True), "unsuitable certificate purpose"),
    ],
    ids=["name", "expired", "authority", "self-signed", "purpose"],
)
def test_any_other_is_answered_502_and_gets_no_request(stage: Stage, pair: certificates.Pair, reason: str) -> None:
    with TlsBackend(pair) as backend:
        before = stage.count(WorkerWord.UPSTREAM_CONNECT_FAILURES)
        host = stage.serve(backend, transport=verifying(stage))
        assert stage.get(host).status == 502
        assert stage.count(WorkerWord.UPSTREAM_CONNECT_FAILURES) == before + 1
        assert backend.requests == []
        eventually(lambda: f"127.0.0.1:{backend.port}: TLS: certificate verify failed: {reason}" in stage.edge.log)


def test_a_session_made_without_verification_does_not_replace_it(stage: Stage) -> None:
    with TlsBackend(certificates.issue("wrong.example")) as backend:
        host = stage.serve(backend, transport=over(Tls()))
        assert stage.get(host).status == 200
        stage.serve(backend, host=host, transport=verifying(stage))
        assert stage.get(host).status == 502, "neither the kept connection nor its session is used on other terms"


def test_an_intermediate_certificate_counts_towards_the_depth(stage: Stage) -> None:
    chain = certificates.chain(RIGHT, intermediates=2)
    with TlsBackend(chain.leaf) as backend:
        for depth, status in ((1, 502), (2, 200)):
            transport = verifying(stage, authority=chain.root, depth=depth)
            assert stage.get(stage.serve(backend, transport=transport)).status == status


# --- client certificates ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
def test_an_endpoint_that_wants_a_certificate_gets_it(stage: Stage, version: int) -> None:
    with TlsBackend(clients=AUTHORITY) as backend:
        mine = stage.material(shown=certificates.issue(client=True, common_name="edge"))
        host = stage.serve(backend, transport=over(Tls(least=version, most=version, material=mine)))
        assert stage.get(host).status == 200
        assert backend.handshakes[0].client == "CN=edge"
        foreign = stage.material(shown=certificates.issue(client=True, issuer=OTHER))
        host = stage.serve(backend, transport=over(Tls(least=version, most=version, material=foreign)))
        assert stage.get(host).status == 502
        host = stage.serve(backend, transport=over(Tls(least=version, most=version)))
        assert stage.get(host).status == 502
        eventually(lambda: "alert" in stage.edge.log)


# --- failures --------------------------------------------------------------------------------------------------------


def test_an_endpoint_that_does_not_speak_it_is_answered_502(stage: Stage) -> None:
    with Script(lambda peer: peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n" + peer.read(5))) as backend:
        assert stage.get(stage.serve(backend, transport=over(Tls()))).status == 502
        eventually(lambda: f"127.0.0.1:{backend.port}: TLS: wrong version number" in stage.edge.log)


def test_another_endpoint_is_asked_where_the_handshake_fails(stage: Stage, trusted: TlsBackend) -> None:
    plain = Script(lambda peer: peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n" + peer.read(5)))
    with plain, TlsBackend(certificates.self_signed(RIGHT)) as stranger:
        host = stage.serve(plain, stranger, trusted, transport=verifying(stage), retry=Retry("test", tries=3))
        for _ in range(6):
            assert stage.get(host, method="POST", body=b"x").status == 200, (
                "nothing has been sent, so all can be repeated"
            )
        assert stranger.requests == []


def test_an_endpoint_that_is_silent_in_the_handshake_is_answered_504(stage: Stage) -> None:
    with Script(lambda peer: peer.read(1 << 20)) as silent:
        host = stage.serve(silent, transport=over(Tls()), connect=0.3, retry=Retry("test", tries=1))
        assert stage.get(host).status == 504


def test_one_that_hangs_up_in_the_handshake_is_answered_502(stage: Stage) -> None:
    with Script(lambda peer: peer.read(10)) as rude:
        assert stage.get(stage.serve(rude, transport=over(Tls()))).status == 502


def test_a_kept_connection_that_its_endpoint_closes_costs_no_request(stage: Stage) -> None:
    with TlsBackend() as backend:
        host = stage.serve(backend, transport=over(Tls()))
        assert stage.get(host).status == 200
        backend.close_connections()
        assert stage.get(host, method="POST", body=b"x").status == 200


class Doubling(TlsBackend):
    """Sends another response behind each, in a TLS record of its own and in the same segment of TCP."""

    def serve(self, peer: Peer) -> None:
        read_head(peer)
        peer.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst")
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray")
        peer.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
        peer.read(1)


def test_a_response_that_nobody_asked_for_answers_no_request(stage: Stage) -> None:
    """OpenSSL may have read it ahead, where the socket does not show it."""
    with Doubling() as backend:
        host = stage.serve(backend, transport=over(Tls()))
        assert [stage.get(host).body for _ in range(5)] == [b"first"] * 5
        assert backend.connections == 5


URI = "spiffe://cluster.example/ns/demo/sa/web"


@pytest.mark.parametrize(
    ("certificate", "names", "uris", "served"),
    [
        ((URI,), (), (URI,), True),
        ((URI,), (), (URI + "x",), False),
        ((URI,), (RIGHT,), (), False),
        ((RIGHT,), (RIGHT,), (URI,), True),
        (("*.example",), (RIGHT,), (URI,), True),
        (("*.example",), ("a.b.example",), (URI,), False),
        ((RIGHT, URI), ("other.example",), (URI,), True),
        ((RIGHT, URI), ("other.example",), ("spiffe://other",), False),
    ],
)
def test_a_uri_is_as_good_as_a_name(
    stage: Stage, certificate: tuple[str, ...], names: tuple[str, ...], uris: tuple[str, ...], served: bool
) -> None:
    """Also on a session that is resumed."""
    with TlsBackend(certificates.issue(*certificate, issuer=AUTHORITY)) as backend:
        terms = Tls(verify=True, names=names, uris=uris, material=stage.material(AUTHORITY))
        host = stage.serve(backend, transport=over(terms))
        for _ in range(2):
            assert stage.get(host).status == (200 if served else 502)
            backend.close_connections()


def test_who_has_signed_a_uri_counts(stage: Stage) -> None:
    with TlsBackend(certificates.issue(URI, issuer=OTHER)) as backend:
        terms = Tls(verify=True, uris=(URI,), material=stage.material(AUTHORITY))
        assert stage.get(stage.serve(backend, transport=over(terms))).status == 502


def test_terms_that_cannot_be_carried_out_close_the_route(stage: Stage, trusted: TlsBackend) -> None:
    for tls in (
        Tls(material="m:gone", verify=True),
        Tls(ciphers="NONE-OF-THEM"),
    ):
        assert stage.get(stage.serve(trusted, transport=over(tls))).status == 503
    eventually(lambda: "is closed (503): TLS to endpoints (No cipher can be selected.) cannot" in stage.edge.log)


# --- the scheme of the client ----------------------------------------------------------------------------------------


def test_requests_by_tls_may_take_another_transport(stage: Stage) -> None:
    with TlsBackend() as secure:
        host = stage.serve(secure, transport=Transport(), secure_transport=over(Tls()))
        with stage.connect(tls=certificates.trusting_all(), server_name=host) as client:
            assert client.request(host=host).status == 200
        assert stage.get(host).status == 502, "an endpoint that speaks TLS does not understand a request in the clear"


# --- other servers ---------------------------------------------------------------------------------------------------


def test_openssl_s_server(stage: Stage, tmp_path: Path) -> None:
    certificate, key = certificates.issue(RIGHT).write(tmp_path)
    port = free_port()
    command = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", certificate, "-key", key, "-www"]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        host = stage.serve(("127.0.0.1", port), transport=verifying(stage))
        eventually(lambda: stage.get(host).status == 200)
    finally:
        server.kill()
        server.wait()


NGINX = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {certificate}; ssl_certificate_key {key};
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_client_certificate {authority}; ssl_verify_client optional;
        location / {{ return 200 "$ssl_client_verify $ssl_server_name $ssl_session_reused $connection_requests"; }}
        location /end {{ keepalive_timeout 0; return 200 "$ssl_session_reused"; }}
    }}
}}
"""


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
def test_nginx(stage: Stage, tmp_path: Path) -> None:
    certificate, key = certificates.issue(RIGHT).write(tmp_path)
    authority, _ = AUTHORITY.write(tmp_path, "ca")
    port = free_port()
    text = NGINX.format(folder=tmp_path, port=port, certificate=certificate, key=key, authority=authority)
    (tmp_path / "nginx.conf").write_text(text)
    server = subprocess.Popen(["nginx", "-p", tmp_path, "-c", tmp_path / "nginx.conf"], stderr=subprocess.DEVNULL)
    try:
        material = stage.material(AUTHORITY, certificates.issue(client=True))
        for least, most in ((TLS_1_2, TLS_1_2), (TLS_1_3, TLS_1_3)):
            tls = Tls(RIGHT, verify=True, names=(RIGHT,), least=least, most=most, material=material)
            host = stage.serve(("127.0.0.1", port), transport=over(tls))
            eventually(lambda host=host: stage.get(host, "/end").status == 200)
            assert stage.get(host, "/end").body == b"r", "resumed"
            answers = [stage.get(host).body.split() for _ in range(3)]
            assert [words[:3] for words in answers] == [[b"SUCCESS", RIGHT.encode(), b"r"]] * 3
            assert [words[3] for words in answers] == [b"1", b"2", b"3"], "one connection"
    finally:
        server.kill()
        server.wait()
