"""mirror-target, mirror-host, mirror-request-body: another server gets a copy of each request."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from edge.table.policies import Mirror
from edge.table.remotes import remote_key
from tests.support import annotated
from tests.support.annotated import place
from tests.support.backends import Backend, Peer, Request, Script, read_head
from tests.support.ingresses import Annotated
from tests.support.tls_backends import TlsBackend
from tests.support.waiting import eventually


@pytest.fixture
def server() -> Iterator[Backend]:
    with Backend() as one:
        yield one


def url(server: Backend, rest: str = "") -> str:
    return f"http://127.0.0.1:{server.port}{rest}"


def copy(server: Backend) -> Request:
    """The first request that the mirror got."""
    eventually(lambda: server.requests)
    return server.requests[0]


def test_a_copy_goes_to_the_url(edge: Annotated, server: Backend) -> None:
    host = edge.ingress(mirror_target=url(server, "/mirror"))
    answer = edge.get(host, "/a?b=c", method="POST", body=b"content", fields=[("X-A", "1")])
    assert (answer.json()["target"], edge.reasons()) == ("/a?b=c", [])
    got = copy(server)
    assert (got.method, got.target, got.body, got.get("X-A")) == ("POST", "/mirror?b=c", b"content", "1")
    assert got.get("Host") == "127.0.0.1"


@pytest.mark.parametrize(
    ("rest", "target"),
    [("", "/a?b=c"), ("$request_uri", "/a?b=c"), ("/$request_uri", "//a?b=c"), ("/x?y=z", "/x?y=z"), ("/", "/?b=c")],
)
def test_what_it_asks_for(edge: Annotated, server: Backend, rest: str, target: str) -> None:
    host = edge.ingress(mirror_target=url(server, rest))
    assert edge.get(host, "/a?b=c").status == 200
    assert edge.reasons() == []
    assert copy(server).target == target


def test_its_host_can_be_another(edge: Annotated, server: Backend) -> None:
    host = edge.ingress(mirror_target=url(server, "/"), mirror_host="test.example")
    assert edge.get(host).status == 200
    assert copy(server).get("Host") == "test.example"


def test_the_content_can_be_left_out(edge: Annotated, server: Backend) -> None:
    host = edge.ingress(mirror_target=url(server, "/"), mirror_request_body="off")
    assert edge.get(host, method="POST", body=b"content").status == 200
    assert (copy(server).method, copy(server).body) == ("POST", b"")


def test_a_mirror_that_is_silent_or_gone_delays_nobody(edge: Annotated) -> None:
    released = threading.Event()

    def silent(peer: Peer) -> None:
        read_head(peer)
        released.wait()

    with Script(silent) as server:
        host = edge.ingress(mirror_target=f"http://127.0.0.1:{server.port}/")
        assert [edge.get(host).status for _ in range(100)] == [200] * 100, "the copies still wait"
        released.set()
    assert edge.get(host).status == 200


def test_with_a_rewrite_the_mirror_gets_what_the_client_asked_for(edge: Annotated, server: Backend) -> None:
    host = edge.ingress(
        "@ ImplementationSpecific /old(.*) web", rewrite_target="/new$1", mirror_target=url(server, "$request_uri")
    )
    assert edge.get(host, "/old/x").json()["target"] == "/new/x"
    assert copy(server).target == "/old/x"


def test_who_may_not_come_in_is_not_copied(edge: Annotated, server: Backend) -> None:
    host = edge.ingress(mirror_target=url(server, "/"), denylist_source_range="0.0.0.0/0")
    assert edge.get(host).status == 403
    open_host = edge.ingress(mirror_target=url(server, "/open"))
    assert edge.get(open_host).status == 200
    assert copy(server).target == "/open"


def test_by_tls_with_any_certificate(edge: Annotated) -> None:
    with TlsBackend() as server:
        host = edge.ingress(mirror_target=f"https://127.0.0.1:{server.port}/mirror", mirror_host="mirror.example")
        assert edge.reasons() == []
        assert edge.get(host, method="POST", body=b"content").status == 200
        got = copy(server)
        assert (got.target, got.get("Host"), got.body) == ("/mirror", "mirror.example", b"content")


# --- what the annotations ask for -------------------------------------------------------------------------------------


def test_the_policy() -> None:
    web = annotated.Annotated(mirror_target="http://Mirror.Example:8080/x?y", mirror_request_body="off")
    assert web.policy(Mirror) == Mirror(
        place("mirror-target"), remote_key("mirror.example", 8080), "mirror.example", "/x?y", with_content=False
    )
    web = annotated.Annotated(mirror_target="https://mirror.example$request_uri")
    remote = remote_key("mirror.example", 443)
    assert web.policy(Mirror) == Mirror(place("mirror-target"), remote, "mirror.example", "$request_uri", secure=True)


@pytest.mark.parametrize(
    "value",
    [
        "mirror.example",
        "ftp://mirror.example/",
        "http://$host/",
        "http://a/$no",
        "http://a$no",
    ],
)
def test_what_cannot_be_a_mirror_is_reported_and_ignored(value: str) -> None:
    web = annotated.Annotated(mirror_target=value)
    assert web.policy(Mirror) is None
    assert [(reason, field) for reason, field, _ in web.problems] == [("InvalidAnnotation", place("mirror-target"))]


def test_without_a_target_there_is_none() -> None:
    web = annotated.Annotated(mirror_host="a.example", mirror_request_body="on")
    assert (web.policy(Mirror), web.problems) == (None, [])
