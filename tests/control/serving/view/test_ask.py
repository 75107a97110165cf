"""`/api/ask` answers as `edge check --explain` does, and knows method, fields and query besides."""

from urllib.parse import urlencode

import pytest

from tests.support import gateway, objects
from tests.support.admin import Admin


@pytest.fixture
def admin(tmp_path):
    with Admin(tmp_path) as admin:
        admin.apply(
            objects.ingress(annotations={"nginx.ingress.kubernetes.io/limit-rps": "50"}),
            objects.service(),
            objects.endpoints("web", "10.0.0.1"),
        )
        yield admin


def ask(admin, url, status=200, **rest):
    return admin.get("/api/ask?" + urlencode({"url": url, **rest}, doseq=True), status)


def test_the_route_that_takes_a_request_is_named_with_its_policies_in_order(admin):
    found = ask(admin, "https://WEB.example:8443/a//b?c=d")
    assert found["request"]["host"] == "web.example"
    assert (found["request"]["path"], found["request"]["query"]) == ("/a/b", "c=d")
    assert found["host"] == "web.example"
    [row] = admin.get("/api/routes")["routes"]
    assert found["taken_by"]["id"] == row["id"]
    assert [one["name"] for one in found["details"]] == row["policies"]
    assert found["answer"] is None
    assert found["text"][0] == "web.example/a/b"


def test_a_host_that_nobody_has_is_answered_404(admin):
    found = ask(admin, "nobody.example")
    assert (found["host"], found["taken_by"], found["answer"], found["candidates"]) == (None, None, 404, [])


def test_those_that_lose_say_why(admin):
    manifest = objects.ingress("more")
    paths = manifest["spec"]["rules"][0]["http"]["paths"]
    paths[:] = [{**paths[0], "path": path} for path in ("/a", "/b")]
    admin.apply(manifest)
    found = ask(admin, "http://web.example/a/x")
    verdicts = {one["path"]: (one["takes"], one["verdict"]) for one in found["candidates"]}
    assert verdicts["/a"] == (True, "takes it")
    assert verdicts["/b"] == (False, "no: another path")
    assert verdicts["/"] == (False, "no: the route above goes before it")


@pytest.mark.parametrize("url", ["", "ftp://web.example/", "http://", "http://[::1", "x" * 9000])
def test_what_is_no_url_is_refused(admin, url):
    assert "url" in ask(admin, url, 400)["error"]


def test_a_field_without_a_colon_is_refused(admin):
    assert "header" in ask(admin, "web.example", 400, header="oops")["error"]


def when(name, **match):
    """An HTTPRoute for requests that match."""
    return gateway.route(gateway.rule("web", matches=[match]), name=name, hosts=("gate.example",))


@pytest.mark.parametrize(
    ("rest", "query", "winner"),
    [
        ({}, "", "any"),
        ({"header": "x-beta: yes"}, "", "beta"),
        ({"header": "X-Beta: no"}, "", "any"),
        ({"method": "post"}, "", "writes"),
        ({}, "?v=2&v=3", "query"),
        ({}, "?v=3&v=2", "any"),
    ],
)
def test_conditions_are_judged_by_what_is_said_of_the_request(admin, rest, query, winner):
    admin.apply(
        gateway.gateway_class(),
        gateway.gateway(),
        when("any"),
        when("beta", headers=gateway.values(X_Beta="yes")),
        when("writes", method="POST"),
        when("query", queryParams=gateway.values(v="2")),
    )
    found = ask(admin, f"http://gate.example/{query}", **rest)
    assert found["taken_by"]["owner"]["name"] == winner
    assert [one["owner"]["name"] for one in found["candidates"] if one["takes"]] == [winner]


def test_what_is_not_met_is_named(admin):
    admin.apply(gateway.gateway_class(), gateway.gateway(), when("beta", headers=gateway.values(X_Beta="yes")))
    [candidate] = ask(admin, "http://gate.example/")["candidates"]
    assert candidate["verdict"] == "no: the field x-beta does not match"
    assert "x-beta: yes" in candidate["conditions"]


def test_the_default_backend_takes_what_nobody_does(tmp_path):
    with Admin(tmp_path, default_backend_service="demo/web") as admin:
        admin.apply(objects.service(), objects.endpoints("web", "10.0.0.1"))
        found = ask(admin, "nobody.example")
        assert found["taken_by"]["type"] == "Default"
        assert found["answer"] is None
