"""A real Edge that serves HTTPRoutes from manifests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.conftest import Site
from tests.support import certificates, gateway, objects
from tests.support.backends import Backend
from tests.support.clients import Response
from tests.support.edge import Edge, write
from tests.support.gateway import listener, path, route, rule, values
from tests.support.objects import Manifest
from tests.support.waiting import eventually

PAIR = certificates.issue("*.example")


def filtered(kind: str, **asked: Any) -> Manifest:
    name = "urlRewrite" if kind == "URLRewrite" else kind[0].lower() + kind[1:]
    return {"type": kind, name: asked}


def headers(*pairs: str) -> list[Manifest]:
    return [dict(zip(("name", "value"), pair.split(": "), strict=True)) for pair in pairs]


PREFIX = {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/new"}
CHANGED = {"set": headers("X-Set: edge"), "add": headers("X-Add: more"), "remove": ["x-remove"]}
RULES = [
    rule("one"),
    rule("two", matches=[path("/two")]),
    rule("two", matches=[{"headers": values(x_two="yes")}]),
    rule("two", matches=[{"queryParams": values(two="yes")}]),
    rule("two", matches=[{"method": "DELETE"}]),
    rule("one=9", "two=1", matches=[path("/weighted")]),
    rule("one", "missing", matches=[path("/half")]),
    {
        "matches": [path("/old")],
        "filters": [filtered("RequestRedirect", scheme="https", hostname="new.example", path=PREFIX, statusCode=301)],
    },
    rule("one", matches=[path("/api")], filters=[filtered("URLRewrite", hostname="inner.example", path=PREFIX)]),
    rule("one", matches=[path("/asked")], filters=[filtered("RequestHeaderModifier", **CHANGED)]),
    rule("one", matches=[path("/given")], filters=[filtered("ResponseHeaderModifier", remove=["X-Backend"], **{
        key: value for key, value in CHANGED.items() if key != "remove"
    })]),
    rule("one", matches=[path("/hold", headers=values(x_limit="request"))], timeouts={"request": "300ms"}),
    rule("one", matches=[path("/hold", headers=values(x_limit="attempt"))], timeouts={"backendRequest": "300ms"}),
    rule("one", matches=[path("/status/503")], retry={"codes": [503], "attempts": 2}),
    rule("one", matches=[path("/cors")], filters=[{"type": "CORS", "cors": {"allowOrigins": ["https://*.example"]}}]),
    rule(
        gateway.backend("two", filters=[filtered("RequestHeaderModifier", **CHANGED)]),
        matches=[path("/behind")],
    ),
]  # fmt: skip
MOVED = rule(gateway.backend("two", filters=[filtered("RequestRedirect", path=PREFIX)]), matches=[path("/moved")])


@pytest.fixture(scope="module")
def backends() -> Iterator[tuple[Backend, Backend]]:
    with Backend("one") as one, Backend("two") as two:
        yield one, two


@pytest.fixture(scope="module")
def site(backends: tuple[Backend, Backend], tmp_path_factory: pytest.TempPathFactory) -> Site:
    made = Site(tmp_path_factory.mktemp("manifests"))
    for name, backend in zip(("one", "two"), backends, strict=True):
        write(made.folder, f"{name}.yaml", objects.service(name, target="http"))
        made.endpoints(name, backend)
    narrow = listener("wild", "*.wild.example")
    secure = listener("https", "*.example", secret="tls")
    write(made.folder, "secret.yaml", objects.secret(tls_crt=PAIR.certificate, tls_key=PAIR.key))
    write(
        made.folder,
        "gateway.yaml",
        gateway.gateway_class(),
        gateway.gateway(),
        gateway.gateway(narrow, name="narrow"),
        gateway.gateway(secure, name="secure"),
    )
    write(
        made.folder,
        "routes.yaml",
        route(*RULES),
        route(MOVED, name="moved"),
        route(rule("two"), name="wild", hosts=("*.example", "wild.example"), parents=[{"name": "narrow"}]),
        route(rule("two"), name="secure", hosts=("safe.example",), parents=[{"name": "secure"}]),
    )
    return made


@pytest.fixture(scope="module")
def edge(site: Site) -> Iterator[Edge]:
    with Edge(site.folder) as one:
        yield one


def by(response: Response) -> str:
    """Name of the backend that gave RESPONSE; else its status."""
    return response.get("X-Backend") or str(response.status)


def seen(response: Response) -> dict[str, str]:
    """The fields that the endpoint got, by name in lower case."""
    assert response.status == 200
    return {name.lower(): value for name, value in response.json()["headers"]}


@pytest.mark.parametrize(
    ("host", "answer"),
    [("web.example", "one"), ("a.wild.example", "two"), ("b.a.wild.example", "two"), ("wild.example", "404")],
)
def test_hostnames(edge: Edge, host: str, answer: str) -> None:
    assert by(edge.get("/", host=host)) == answer


@pytest.mark.parametrize(
    ("target", "rest", "answer"),
    [
        ("/", {}, "one"),
        ("/two", {}, "two"),
        ("/two/more", {}, "two"),
        ("/twofold", {}, "one"),
        ("/", {"fields": [("X-TWO", "yes")]}, "two"),
        ("/", {"fields": [("X-Two", "no")]}, "one"),
        ("/x?two=yes", {}, "two"),
        ("/x?two=no", {}, "one"),
        ("/x", {"method": "DELETE"}, "two"),
    ],
)
def test_matches(edge: Edge, target: str, rest: dict[str, Any], answer: str) -> None:
    assert by(edge.get(target, **rest)) == answer


def test_weights(edge: Edge) -> None:
    """Nine of ten: what a fair draw misses once in ten thousand million times is out of bounds."""
    with edge.connect() as client:
        counts = Counter(by(client.request("/weighted")) for _ in range(1000))
    assert set(counts) == {"one", "two"}
    assert 40 <= counts["two"] <= 170


def test_the_share_of_a_backend_that_does_not_exist_is_answered_500(edge: Edge) -> None:
    counts = Counter(by(edge.get("/half")) for _ in range(60))
    assert set(counts) == {"one", "500"}


def test_a_redirect(edge: Edge) -> None:
    response = edge.get("/old/page?q=1")
    assert (response.status, response.get("Location")) == (301, "https://new.example/new/page?q=1")


def test_a_redirect_of_a_backend(edge: Edge) -> None:
    response = edge.get("/moved/page?q=1")
    assert (response.status, response.get("Location")) == (302, f"http://web.example:{edge.http}/new/page?q=1")


def test_a_rewrite_of_host_and_path(edge: Edge) -> None:
    response = edge.get("/api/a%2Fb?q=1")
    assert (response.json()["target"], seen(response)["host"]) == ("/new/a%2Fb?q=1", "inner.example")
    assert seen(response)["x-forwarded-host"] == "web.example"


@pytest.mark.parametrize("target", ["/asked", "/behind"])
def test_fields_of_the_request_are_changed(edge: Edge, target: str) -> None:
    """By a filter of the rule as by one of the backend."""
    fields = [("X-Set", "client"), ("X-Add", "some"), ("X-Remove", "1"), ("X-Keep", "1")]
    response = edge.get(target, fields=fields)
    got = seen(response)
    assert (got["x-set"], got["x-keep"]) == ("edge", "1")
    assert [value for name, value in response.json()["headers"] if name.lower() == "x-add"] == ["some", "more"]
    assert "x-remove" not in got


def test_fields_of_the_response_are_changed(edge: Edge) -> None:
    response = edge.get("/given")
    assert (response.status, response.all("X-Set"), response.all("X-Add")) == (200, ["edge"], ["more"])
    assert response.get("X-Backend") is None


def test_a_listener_for_https_takes_no_plain_requests(edge: Edge) -> None:
    context = certificates.trusting_all()
    with edge.connect(tls=context, server_name="safe.example") as client:
        assert by(client.request("/", host="safe.example")) == "two"
        assert by(client.request("/", host="web.example")) == "404"
    assert by(edge.get("/", host="safe.example")) == "404"


def test_a_change_of_a_gateway_takes_effect(edge: Edge, site: Site) -> None:
    assert by(edge.get("/", host="late.example")) == "404"
    write(
        site.folder,
        "late.yaml",
        gateway.gateway(listener(hostname="late.example"), name="late"),
        route(rule("two"), name="late", hosts=(), parents=[{"name": "late"}]),
    )
    eventually(lambda: by(edge.get("/", host="late.example")) == "two")
    (site.folder / "late.yaml").unlink()
    eventually(lambda: by(edge.get("/", host="late.example")) == "404")


@pytest.mark.parametrize("limit", ["request", "attempt"])
def test_time_outs(edge: Edge, limit: str) -> None:
    """The connection that took too long is not used again; others serve what comes next."""
    assert edge.get("/hold", fields=[("X-Limit", limit)]).status == 504
    assert by(edge.get("/")) == "one"


def test_retries(edge: Edge, backends: tuple[Backend, Backend]) -> None:
    """Also at the same endpoint, for want of another."""
    before = len(backends[0].requests)
    assert edge.get("/status/503").status == 503
    assert len(backends[0].requests) == before + 3
    assert edge.get("/status/503", method="POST").status == 503
    assert len(backends[0].requests) == before + 4, "a POST may have done something"


def test_cross_origin_requests(edge: Edge) -> None:
    asked = [("Origin", "https://web.example"), ("Access-Control-Request-Method", "PUT")]
    answer = edge.get("/cors", method="OPTIONS", fields=asked)
    assert (answer.status, answer.get("Access-Control-Allow-Origin")) == (204, "https://web.example")
    assert edge.get("/cors", fields=asked[:1]).get("Access-Control-Allow-Origin") == "https://web.example"
    assert edge.get("/cors", fields=[("Origin", "https://evil.test")]).get("Access-Control-Allow-Origin") is None
