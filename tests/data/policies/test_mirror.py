"""Another server gets a copy of each request (ingress-nginx, mirror-target; nginx, ngx_http_mirror_module)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from edge.data.policies import copies
from edge.table.policies import (
    BasicAuth,
    BodyLimit,
    Mirror,
    RegexRewrite,
    RequestBuffering,
    RequestHeaders,
    SourceRanges,
    UpstreamHost,
)
from edge.table.policies.policy import Policy
from edge.table.remotes import remote_key
from tests.support.play import HANGS_UP, NO_HTTP, RESETS, Answer, Asked, Cut, Endpoint, Played, Request, Scene

KEY = remote_key("mirror.example", 80)


def policy(target: str = "/copy$is_args$args", **rest: Any) -> Mirror:
    return Mirror("test", KEY, "mirror.example", target, **rest)


class Mirrored:
    """A scene with a mirror that answers by SCRIPT. Copies wait until `run`."""

    def __init__(
        self,
        scene: Callable[..., Scene],
        monkeypatch: pytest.MonkeyPatch,
        *policies: Policy,
        script: tuple[Answer, ...] | None = (),
    ) -> None:
        self.server = Endpoint(*script or ())
        self._waiting: list[tuple[Any, ...]] = []
        monkeypatch.setattr(copies, "spawn", lambda *call: self._waiting.append(call))
        remotes = {KEY: [self.server] if script is not None else []}
        self.scene = scene(*policies, services={"web": [Endpoint()]}, remotes=remotes)

    def play(self, request: Request | None = None, **rest: Any) -> Played:
        return self.scene.play(request or Request(), **rest)

    def run(self) -> list[Asked]:
        """Have the waiting copies sent; gives what the mirror has got."""
        waiting, self._waiting = self._waiting, []
        for send, *arguments in waiting:
            send(*arguments)
        assert self.scene.in_use() == self.scene.in_flight() == 0
        return self.server.asked


@pytest.fixture
def mirrored(scene: Callable[..., Scene], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Mirrored]:
    def make(*policies: Policy, **rest: Any) -> Mirrored:
        return Mirrored(scene, monkeypatch, *policies, **rest)

    return make


def test_a_copy_goes_to_the_mirror(mirrored) -> None:
    site = mirrored(policy())
    fields = (("X-A", "1"), ("Cookie", "a=b"), ("X-Request-ID", "r7"))
    got = site.play(Request("POST", "/a?b=c", fields=fields, content=b"12"))
    assert (got.status, got.content, [one.target for one in got.asked]) == (200, b"hello", ["/a?b=c"])
    (copy,) = site.run()
    assert (copy.method, copy.target, copy.host, copy.content) == ("POST", "/copy?b=c", "mirror.example", b"12")
    assert [copy.values(name) for name in ("x-a", "cookie", "x-request-id", "x-forwarded-host")] == [
        ["1"], ["a=b"], ["r7"], ["app.example"],
    ]  # fmt: skip


def test_the_request_does_not_wait_for_it(mirrored) -> None:
    """The copy has not even begun when the client has its answer."""
    site = mirrored(policy())
    assert (site.play().status, site.server.asked) == (200, [])
    assert len(site.run()) == 1


@pytest.mark.parametrize(
    "script", [(HANGS_UP,), (RESETS,), (NO_HTTP,), (Answer(500),), (Answer(cut=Cut.CONTENT),), None]
)
def test_what_becomes_of_it_does_not_matter(mirrored, script) -> None:
    site = mirrored(policy(), script=script)
    for _ in range(2):
        assert site.play().status == 200
        site.run()


def test_a_copy_that_fails_is_not_sent_again(mirrored) -> None:
    site = mirrored(policy(), script=(HANGS_UP,))
    site.play()
    assert len(site.run()) == 1


def test_a_kept_connection_is_used_again(mirrored) -> None:
    site = mirrored(policy())
    for _ in range(3):
        site.play()
        site.run()
    assert site.server.connections == 1


def test_copies_under_way_are_bounded(mirrored) -> None:
    site = mirrored(policy())
    for _ in range(copies.MOST + 9):
        assert site.play().status == 200
    assert len(site.run()) == copies.MOST
    site.play()
    assert len(site.run()) == copies.MOST + 1


def test_the_content_may_be_left_out(mirrored) -> None:
    site = mirrored(policy(with_content=False))
    got = site.play(Request("POST", content=b"x" * 50_000))
    assert got.asked[0].content == b"x" * 50_000
    (copy,) = site.run()
    assert (copy.method, copy.content, copy.values("content-length")) == ("POST", b"", [])


def test_larger_content_is_copied_too(mirrored) -> None:
    site = mirrored(policy())
    assert site.play(Request("POST", content=b"x" * 50_000)).status == 200
    (copy,) = site.run()
    assert (copy.content, copy.values("content-length")) == (b"x" * 50_000, ["50000"])


@pytest.mark.parametrize(
    ("size", "policies"),
    [(50_000, (RequestBuffering("test", 0),)), (copies.LARGEST + 1, (BodyLimit("test", 1 << 30),))],
)
def test_content_that_streams_or_is_large_is_not_copied(mirrored, size: int, policies: tuple[Policy, ...]) -> None:
    """A request without the content that belongs to it would be another one."""
    site = mirrored(policy(), *policies)
    assert site.play(Request("POST", content=b"x" * size)).status == 200
    assert site.run() == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS"])
def test_every_method_is_copied(mirrored, method: str) -> None:
    site = mirrored(policy())
    site.play(Request(method))
    assert [copy.method for copy in site.run()] == [method]


# --- beside other policies --------------------------------------------------------------------------------------------


def test_a_rewrite_is_for_the_endpoint(mirrored) -> None:
    site = mirrored(policy("$request_uri"), RegexRewrite("test", "/new$1", pattern="/old(.*)"))
    got = site.play(Request("GET", "/old/x?y"))
    assert (got.asked[0].target, [copy.target for copy in site.run()]) == ("/new/x?y", ["/old/x?y"])


def test_so_are_other_edits_of_the_request(mirrored) -> None:
    site = mirrored(policy(), UpstreamHost("test", "inner.example"), RequestHeaders("test", set=(("X-Secret", "s"),)))
    site.play()
    (copy,) = site.run()
    assert (copy.host, copy.values("x-secret")) == ("mirror.example", [])


REFUSED = {
    "an address": SourceRanges("test", ("0.0.0.0/0", "::/0")),
    "no password": BasicAuth("test", "shop", ()),
    "too large a body": BodyLimit("test", 1),
}


@pytest.mark.parametrize("refusing", REFUSED.values(), ids=REFUSED)
def test_what_is_refused_is_not_copied(mirrored, refusing: Policy) -> None:
    site = mirrored(policy(), refusing)
    assert site.play(Request("POST", content=b"12")).status in (401, 403, 413)
    assert site.run() == []
