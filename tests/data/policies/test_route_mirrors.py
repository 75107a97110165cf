"""Other backends of a route get copies of its requests (Gateway API, HTTPRequestMirrorFilter)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from edge.data.policies import copies, route_mirrors
from edge.table.policies import RequestHeaders, Rewrite
from edge.table.policies.path_change import PathChange
from edge.table.records import RouteMirror
from tests.support.play import RESETS, Endpoint, Request, Scene, backend, route


class Mirrored:
    """A route with a mirror for each of SHARES, pairs of numerator and denominator. Copies are sent at once."""

    def __init__(
        self, scene: Callable[..., Scene], monkeypatch: pytest.MonkeyPatch, *shares: tuple[int, int], **rest: Any
    ) -> None:
        monkeypatch.setattr(copies, "spawn", lambda send, *call: send(*call))
        self.servers = [Endpoint() for _ in shares]
        names = [f"copy{number}" for number in range(len(shares))]
        mirrors = tuple(RouteMirror(backend(name), *share) for name, share in zip(names, shares, strict=True))
        services = {"web": [Endpoint()], **dict(zip(names, ([one] for one in self.servers), strict=True))}
        made = route("/", *rest.get("policies", ()), to=(backend(),), mirrors=mirrors)
        self.scene = scene(services=services, routes=(made,))

    def play(self, request: Request | None = None) -> int:
        return self.scene.play(request or Request()).status


@pytest.fixture
def mirrored(scene: Callable[..., Scene], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Mirrored]:
    return lambda *shares, **rest: Mirrored(scene, monkeypatch, *shares, **rest)


def test_every_mirror_gets_the_request_as_the_endpoint_gets_it(mirrored) -> None:
    changes = RequestHeaders("test", (("X-Set", "1"),), (("X-Added", "2"),), ("x-gone",))
    site = mirrored((1, 1), (1, 1), policies=(changes, Rewrite("test", path=PathChange("/new", "/old"))))
    fields = (("X-Gone", "1"), ("X-Kept", "3"))
    assert site.play(Request("POST", "/old/a?b=c", fields=fields, content=b"12")) == 200
    for server in site.servers:
        (copy,) = server.asked
        assert (copy.method, copy.target, copy.host, copy.content) == ("POST", "/new/a?b=c", "app.example", b"12")
        named = ("x-set", "x-added", "x-kept", "x-gone", "x-forwarded-host")
        assert [copy.values(name) for name in named] == [["1"], ["2"], ["3"], [], ["app.example"]]


def test_a_share_of_the_requests_is_copied(mirrored, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter([0.0, 0.24, 0.25, 0.99] * 2)
    monkeypatch.setattr(route_mirrors.random, "random", lambda: next(drawn))
    site = mirrored((25, 100), (0, 1))
    assert [site.play() for _ in range(8)] == [200] * 8
    assert [len(server.asked) for server in site.servers] == [4, 0]


def test_a_mirror_that_fails_is_not_noticed(mirrored) -> None:
    site = mirrored((1, 1))
    site.servers[0].script = (RESETS,)
    assert [site.play(), site.play()] == [200, 200]
