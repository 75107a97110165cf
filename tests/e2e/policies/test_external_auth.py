"""auth-url: requests pass if another server says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Site
from tests.support.annotated import annotated
from tests.support.auth_server import AuthServer
from tests.support.backends import Backend, Script
from tests.support.clients import Fields, Response
from tests.support.edge import Edge
from tests.support.ingresses import Annotated
from tests.support.tls_backends import TlsBackend
from tests.support.waiting import eventually

ANNA, BANNED, BROKEN = [("Cookie", "session=anna")], [("Cookie", "session=banned")], [("Cookie", "session=broken")]
NOBODY: Fields = []


@pytest.fixture(scope="module")
def server() -> Iterator[AuthServer]:
    with AuthServer() as one:
        yield one


def seen(response: Response) -> dict[str, str]:
    """The fields that the endpoint got."""
    return {name.lower(): value for name, value in response.json()["headers"]}


def cookies(response: Response) -> list[str]:
    return [value for name, value in response.fields if name.lower() == "set-cookie"]


def test_its_verdict_decides(edge: Annotated, server: AuthServer) -> None:
    host = edge.ingress(auth_url=f"{server.url}/auth")
    assert edge.reasons() == []
    statuses = [edge.get(host, fields=fields).status for fields in (ANNA, NOBODY, BANNED, BROKEN)]
    assert statuses == [200, 401, 403, 500]
    assert edge.get(host, fields=NOBODY).get("www-authenticate") == 'Bearer realm="auth"'


def test_it_is_asked_with_what_the_client_sent(edge: Annotated, server: AuthServer) -> None:
    host = edge.ingress(auth_url=f"{server.url}/auth?u=$escaped_request_uri")
    edge.get(host, "/a?b=c", fields=[*ANNA, ("Authorization", "Bearer t"), ("X-Real-IP", "192.0.2.9")])
    request, fields = server.requests[-1], server.last
    assert (request.method, request.target, request.body) == ("GET", "/auth?u=%2Fa%3Fb%3Dc", b"")
    assert (fields["host"], fields["authorization"], fields["cookie"]) == ("127.0.0.1", "Bearer t", "session=anna")
    assert (fields["x-original-url"], fields["x-original-method"]) == (f"http://{host}/a?b=c", "GET")
    assert (fields["x-sent-from"], fields["x-auth-request-redirect"]) == ("nginx-ingress-controller", "/a?b=c")
    assert (fields["x-real-ip"], fields["x-forwarded-for"]) == ("127.0.0.1", "127.0.0.1")
    assert fields.keys().isdisjoint({"content-length", "x-forwarded-proto", "connection", "upgrade"})


def test_the_endpoint_gets_what_it_says_of_the_client(edge: Annotated, server: AuthServer) -> None:
    host = edge.ingress(auth_url=f"{server.url}/auth", auth_response_headers="X-User")
    answer = edge.get(host, fields=[*ANNA, ("X-User", "root")])
    assert seen(answer)["x-user"] == "anna"
    assert cookies(answer) == ["seen=anna; Path=/"]


def test_its_cookies_with_an_error_have_to_be_asked_for(edge: Annotated, server: AuthServer) -> None:
    host = edge.ingress(auth_url=f"{server.url}/auth")
    assert cookies(edge.get(host, "/status/500", fields=ANNA)) == []
    host = edge.ingress(auth_url=f"{server.url}/auth", auth_always_set_cookie="true")
    assert cookies(edge.get(host, "/status/500", fields=ANNA)) == ["seen=anna; Path=/"]
    assert cookies(edge.get(host, fields=NOBODY)) == ["csrf=1"]


def test_a_page_to_sign_in(edge: Annotated, server: AuthServer) -> None:
    host = edge.ingress(auth_url=f"{server.url}/auth", auth_signin="https://sign.example/in")
    answer = edge.get(host, "/a?b=c&d", fields=NOBODY)
    assert answer.status == 302
    assert answer.get("location") == f"https://sign.example/in?rd=http://{host}%2Fa%3Fb%3Dc%26d"
    assert cookies(answer) == ["csrf=1"]
    assert edge.get(host, fields=BANNED).status == 403


def test_a_large_body_is_neither_read_before_the_verdict_nor_lost_after_it(edge: Annotated, server: AuthServer) -> None:
    host = edge.ingress(auth_url=f"{server.url}/auth", auth_method="POST", proxy_body_size="8m")
    body = b"x" * 3_000_000
    answer = edge.get(host, "/upload", method="POST", body=body, fields=ANNA)
    assert answer.json()["length"] == len(body)
    assert (server.requests[-1].method, server.requests[-1].body) == ("POST", b"")
    asked = len(edge.get(host, fields=ANNA).json()["headers"])
    assert asked, "the next request of a connection is served as ever"
    refused = edge.get(host, "/upload", method="POST", body=body, fields=BANNED)
    assert refused.status == 403


def test_websockets_are_judged(edge: Annotated, server: AuthServer) -> None:
    host = edge.ingress(auth_url=f"{server.url}/auth")
    upgrade = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")]
    assert edge.get(host, "/websocket", fields=[*upgrade, *BANNED]).status == 403
    assert edge.get(host, "/websocket", fields=[*upgrade, *ANNA]).status == 101


def test_with_a_list_of_addresses_one_of_both_may_be_enough(edge: Annotated, server: AuthServer) -> None:
    asked = {"auth_url": f"{server.url}/auth", "satisfy": "any"}
    host = edge.ingress(**asked, allowlist_source_range="127.0.0.0/8")
    assert edge.get(host, fields=BANNED).status == 200
    host = edge.ingress(**asked, allowlist_source_range="10.0.0.0/8")
    assert [edge.get(host, fields=fields).status for fields in (ANNA, NOBODY, BANNED)] == [200, 401, 403]
    host = edge.ingress(**dict(asked, satisfy="all"), allowlist_source_range="10.0.0.0/8")
    assert edge.get(host, fields=ANNA).status == 403


def test_a_preflight_request_needs_no_verdict_and_a_refusal_can_be_read(edge: Annotated, server: AuthServer) -> None:
    host = edge.ingress(auth_url=f"{server.url}/auth", enable_cors="true")
    origin = ("Origin", "https://a.example")
    assert edge.get(host, method="OPTIONS", fields=[origin]).status == 204
    refused = edge.get(host, fields=[origin])
    assert (refused.status, refused.get("access-control-allow-origin")) == (401, "*")


def test_a_redirect_goes_first(edge: Annotated, server: AuthServer) -> None:
    host = edge.ingress(auth_url=f"{server.url}/auth", permanent_redirect="https://new.example")
    assert edge.get(host, fields=NOBODY).status == 301


def test_the_verdict_is_on_the_path_that_the_client_asked_for(edge: Annotated, server: AuthServer) -> None:
    host = edge.ingress("@ ImplementationSpecific /app/(.*) web", auth_url=f"{server.url}/auth", rewrite_target="/$1")
    assert edge.get(host, "/app/x", fields=ANNA).json()["target"] == "/x"
    assert server.last["x-original-url"] == f"http://{host}/app/x"


def test_a_url_that_leads_nowhere_closes_the_route_and_no_other(edge: Annotated) -> None:
    closed, other = edge.ingress(auth_url="no url"), edge.ingress()
    assert (edge.get(closed).status, edge.get(other).status) == (503, 200)


def test_a_server_that_is_gone_lets_nobody_in(edge: Annotated) -> None:
    with AuthServer() as server:
        host = edge.ingress(auth_url=f"{server.url}/auth")
        assert edge.get(host, fields=ANNA).status == 200
    assert edge.get(host, fields=ANNA).status == 500


def test_by_tls_with_any_certificate(edge: Annotated) -> None:
    with TlsBackend() as server:
        url = f"https://127.0.0.1:{server.port}/status"
        hosts = [edge.ingress(auth_url=f"{url}/{status}") for status in (204, 401, 403, 500)]
        assert edge.reasons() == []
        assert [edge.get(host).status for host in hosts] == [200, 401, 403, 500]
        assert [edge.get(hosts[0]).status for _ in range(3)] == [200] * 3
        assert server.connections == 1
        assert server.handshakes[0].server_name is None
    assert edge.get(hosts[0]).status == 500


def test_a_server_that_speaks_no_tls_lets_nobody_in(edge: Annotated) -> None:
    with Script(lambda peer: peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) as server:
        host = edge.ingress(auth_url=f"https://127.0.0.1:{server.port}/")
        assert edge.get(host).status == 500


def test_by_tls_with_its_name(tmp_path: Path, backend: Backend) -> None:
    folder = tmp_path / "manifests"
    folder.mkdir()
    with TlsBackend() as server:
        asked = annotated(auth_url=f"https://localhost:{server.port}/status/204")
        Site(folder).serve("web", backend, annotations=asked)
        with Edge(folder) as edge:
            eventually(lambda: edge.get("/").status == 200)
        assert server.handshakes[0].server_name == "localhost"


def test_from_the_manifests_to_the_answer(tmp_path: Path, backend: Backend) -> None:
    """The server by its name; what it has said holds for all workers, also when it is gone, for the same key."""
    folder = tmp_path / "manifests"
    folder.mkdir()
    site = Site(folder)
    with AuthServer() as server:
        url = f"http://localhost:{server.port}/plain"
        kept = annotated(auth_url=url, auth_cache_key="$cookie_session", auth_response_headers="X-User")
        site.serve("kept", backend, host="kept.example", annotations=kept)
        site.serve("other", backend, host="other.example", annotations=kept)
        edge = Edge(folder, workers=2)
        with edge:

            def user(host: str = "kept.example", fields: Fields = ANNA) -> str:
                answer = edge.get("/", host=host, fields=fields)
                return seen(answer)["x-user"] if answer.status == 200 else str(answer.status)

            eventually(lambda: user() == "anna")
            asked = len(server.requests)
            assert [user() for _ in range(20)] == ["anna"] * 20
            assert len(server.requests) == asked
            server.close()
            assert [user() for _ in range(20)] == ["anna"] * 20
            assert user("other.example") == user(fields=[("Cookie", "session=bert")]) == "500"
