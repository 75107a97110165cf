"""use-regex and rewrite-target: paths as regular expressions, on the whole host."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.backends import Backend
from tests.support.ingresses import Annotated


@pytest.fixture(scope="module", autouse=True)
def services(edge: Annotated) -> Iterator[None]:
    """The Services `a` and `b` beside `web`."""
    with Backend("a") as a, Backend("b") as b:
        edge.service("a", a)
        edge.service("b", b)
        yield


def seen(edge: Annotated, host: str, target: str, **rest: object) -> str:
    """The target that the endpoint got, or the status of Edge's own answer."""
    response = edge.get(host, target, **rest)
    return response.json()["target"] if response.status == 200 else str(response.status)


def who(edge: Annotated, host: str, target: str) -> str:
    """Name of the Service that answers, or the status of Edge's own answer."""
    response = edge.get(host, target)
    return response.json()["backend"] if response.status == 200 else str(response.status)


# --- which path takes a request -------------------------------------------------------------------------------------


def test_a_pattern_matches_from_the_start_whatever_the_case(edge: Annotated) -> None:
    host = edge.ingress("@ ImplementationSpecific /foo/[0-9]+ a", use_regex="true")
    asked = ["/foo/1", "/FOO/12/x", "/foo/1?q=/", "/foo/x", "/x/foo/1", "/"]
    assert [who(edge, host, target) for target in asked] == ["a", "a", "a", "404", "404", "404"]


def test_the_longest_text_goes_first(edge: Annotated) -> None:
    host = edge.ingress("@ ImplementationSpecific /f.* a\n@ ImplementationSpecific /foo/bar b", use_regex="true")
    assert [who(edge, host, target) for target in ("/foo/bar", "/foo/bart", "/foo/ba")] == ["b", "b", "a"]


def test_of_texts_of_one_length_the_greater_one_goes_first(edge: Annotated) -> None:
    host = edge.ingress("@ ImplementationSpecific /[a-z]x a\n@ ImplementationSpecific /([x]) b", use_regex="true")
    assert who(edge, host, "/xx") == "a"


@pytest.mark.parametrize("kind", ["Exact", "Prefix"])
def test_other_path_types_lose_their_meaning(edge: Annotated, kind: str) -> None:
    host = edge.ingress(f"@ {kind} /foo a", use_regex="true")
    assert [who(edge, host, target) for target in ("/foo", "/foobar", "/Foo/x", "/x")] == ["a", "a", "a", "404"]


def test_it_acts_on_the_other_ingresses_of_the_host(edge: Annotated) -> None:
    host = edge.ingress("@ Prefix /foo a\n@ Exact /b.r b")
    assert [who(edge, host, target) for target in ("/foobar", "/FOO", "/bar", "/b.r")] == ["404", "404", "404", "b"]
    edge.ingress("@ ImplementationSpecific /x web", name=f"regex-{host}", host=host, use_regex="true")
    assert [who(edge, host, target) for target in ("/foobar", "/FOO", "/bar", "/b.r")] == ["a", "a", "b", "b"]
    edge.delete("Ingress", f"regex-{host}")
    assert [who(edge, host, target) for target in ("/foobar", "/FOO", "/bar", "/b.r")] == ["404", "404", "404", "b"]


def test_a_plain_prefix_has_its_place_with_and_without_a_slash(edge: Annotated) -> None:
    """As in nginx, where it is two locations: `/api/` goes before a pattern of the same length, `/api` behind it."""
    host = edge.ingress("@ Prefix /api a")
    edge.ingress("@ ImplementationSpecific /ap.* b", host=host, use_regex="true")
    assert [who(edge, host, target) for target in ("/api/x", "/api", "/apix")] == ["a", "b", "b"]


def test_hosts_of_the_same_ingress_only(edge: Annotated) -> None:
    host = edge.ingress("@ Prefix /foo a\nother-@ Prefix /foo a", use_regex="true")
    other = edge.ingress("@ Prefix /foo a")
    assert [who(edge, one, "/foobar") for one in (host, f"other-{host}", other)] == ["a", "a", "404"]


def test_paths_are_matched_in_their_normal_form(edge: Annotated) -> None:
    host = edge.ingress("@ ImplementationSpecific /a/b$ a", use_regex="true")
    assert [who(edge, host, target) for target in ("/a/./b", "//a/b", "/%61/b", "/a%2Fb")] == ["a", "a", "a", "404"]


def test_the_same_text_in_two_ingresses_is_of_the_older_one(edge: Annotated) -> None:
    host = edge.ingress("@ Exact /foo a", name="regex-first", host="same-text.example", use_regex="true")
    edge.ingress("@ ImplementationSpecific /foo b", name="regex-second", host=host)
    assert edge.reasons() == ["ShadowedPath"]
    assert who(edge, host, "/foo") == "a"


def test_what_no_pattern_takes_goes_to_the_default_backend(edge: Annotated) -> None:
    host = edge.ingress("@ ImplementationSpecific /x a\nany default b", use_regex="true")
    assert [who(edge, host, target) for target in ("/x", "/y")] == ["a", "b"]


# --- what the endpoint gets -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "target", "asked", "expected"),
    [
        ("/something(/|$)(.*)", "/$2", "/something", "/"),
        ("/something(/|$)(.*)", "/$2", "/something/", "/"),
        ("/something(/|$)(.*)", "/$2", "/something/new?a=/b", "/new?a=/b"),
        ("/something(/|$)(.*)", "/$2", "/SomeThing/New", "/New"),
        ("/something(/|$)(.*)", "/$2", "/somethings", "404"),
        ("/something", "/", "/something/x", "/"),
        ("/(a|b)/(.+)", "/$2/$1", "/b/c/d", "/c/d/b"),
        ("/a(/x)?", "/b$1/$2", "/a", "/b/"),
        ("/a/(.*)", "$1", "/a/b", "/b"),
        ("/a/(.*)", "/${1}0", "/a/b", "/b0"),
        ("/a/(.*)", "/$1", "/a/%2F..%2F%20", "/%2F..%2F%20"),
        ("/a/(.*)", "/$1", "/a//evil.example", "/evil.example"),
        ("/a/(.*)", "/$1", "/a/../b", "404"),
        ("/a/(.*)", "/a/(.*)", "/a/(.*)", "/a/(.*)"),
    ],
)
def test_the_path_is_replaced_and_the_query_stays(
    edge: Annotated, path: str, target: str, asked: str, expected: str
) -> None:
    host = edge.ingress(f"@ ImplementationSpecific {path} a", rewrite_target=target)
    assert edge.reasons() == []
    assert seen(edge, host, asked) == expected


def test_a_rewrite_makes_the_paths_of_its_host_patterns(edge: Annotated) -> None:
    host = edge.ingress("@ Prefix /foo a")
    edge.ingress("@ ImplementationSpecific /x(.*) b", host=host, rewrite_target="/$1")
    assert who(edge, host, "/Foobar") == "a"
    assert seen(edge, host, "/foo") == "/foo", "and rewrites its own only"


def test_a_target_that_is_the_path_changes_nothing(edge: Annotated) -> None:
    host = edge.ingress("@ Prefix / a\n@ Prefix /foo b", rewrite_target="/")
    assert seen(edge, host, "/foo/x") == "/"
    assert seen(edge, host, "/bar") == "/bar"
    host = edge.ingress("@ Prefix / a\n@ Exact /foo b", rewrite_target="")
    assert who(edge, host, "/foobar") == "a"
    host = edge.ingress("@ Prefix / a", rewrite_target="/")
    edge.ingress("@ Exact /foo b", host=host)
    assert who(edge, host, "/foobar") == "a", "the host has plain paths"


def test_a_url_as_the_target_is_a_redirect(edge: Annotated) -> None:
    host = edge.ingress("@ ImplementationSpecific /a/(.*) a", rewrite_target="https://other.example/$1")
    response = edge.get(host, "/a/b?c=d")
    assert (response.status, response.get("Location")) == (302, "https://other.example/b?c=d")


def prefixes(edge: Annotated, host: str, target: str, *fields: tuple[str, str]) -> list[str]:
    headers = edge.get(host, target, fields=list(fields)).json()["headers"]
    return [value for name, value in headers if name.lower() == "x-forwarded-prefix"]


def test_endpoints_learn_the_prefix_together_with_a_rewrite_only(edge: Annotated) -> None:
    rule = "@ ImplementationSpecific /(a|b)/(.*) a"
    host = edge.ingress(rule, rewrite_target="/$2", x_forwarded_prefix="/$1")
    assert prefixes(edge, host, "/b/c") == prefixes(edge, host, "/b/c", ("X-Forwarded-Prefix", "/x")) == ["/b"]
    host = edge.ingress(rule, use_regex="true", x_forwarded_prefix="/$1")
    assert prefixes(edge, host, "/b/c") == []


# --- what cannot be used --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/bad/(x", "/bad/[", "/bad/(?<=a*)b", "/bad/x**", "/bad/(?R)"])
def test_a_pattern_that_is_refused_closes_its_path_alone(edge: Annotated, path: str) -> None:
    host = edge.ingress(f"@ ImplementationSpecific {path} a\n@ ImplementationSpecific /good b", use_regex="true")
    assert edge.reasons() == ["InvalidPattern"]
    (problem,) = edge.problems[edge.last]
    assert problem.field == "spec.rules[0].http.paths[0].path"
    assert [who(edge, host, target) for target in ("/bad/x", "/good", "/other")] == ["503", "b", "404"]


@pytest.mark.parametrize("path", ["/bad/one|/bad/two(", "/bad/(one|1)|/bad/[|t](?R)", "/bad/(one|two"])
def test_a_pattern_that_is_refused_closes_the_paths_of_all_its_alternatives(edge: Annotated, path: str) -> None:
    host = edge.ingress(f"@ ImplementationSpecific {path} a\n@ Prefix / b", use_regex="true")
    asked = [who(edge, host, target) for target in ("/bad/one", "/bad/two", "/good", "/")]
    assert asked == ["503", "503", "b", "b"]


@pytest.mark.parametrize("target", ["/$0", "/$host", "/$"])
def test_a_target_that_is_refused_closes_its_paths(edge: Annotated, target: str) -> None:
    host = edge.ingress("@ ImplementationSpecific /x(.*) a", rewrite_target=target)
    assert edge.reasons() == ["InvalidPattern"]
    assert [who(edge, host, asked) for asked in ("/x1", "/y")] == ["503", "404"]


@pytest.mark.parametrize("target", ["app", "/a b", "/a?b", "ftp://a.example/"])
def test_what_is_no_target_is_reported_and_ignored(edge: Annotated, target: str) -> None:
    host = edge.ingress("@ Prefix /x a", rewrite_target=target)
    assert edge.reasons() == ["InvalidAnnotation"]
    assert seen(edge, host, "/x/y") == "/x/y"


def test_a_request_that_takes_too_many_steps_is_answered_500(edge: Annotated) -> None:
    """And goes to no other path."""
    host = edge.ingress("@ ImplementationSpecific /(a|aa)+$ a\n@ Prefix / b", use_regex="true")
    assert edge.reasons() == []
    assert [who(edge, host, target) for target in ("/aaa", f"/{'a' * 3000}c", "/c")] == ["a", "500", "b"]


# --- with other policies --------------------------------------------------------------------------------------------


def test_a_root_redirect_goes_before_patterns(edge: Annotated) -> None:
    host = edge.ingress("@ ImplementationSpecific /.* a", use_regex="true", app_root="/app")
    assert [who(edge, host, target) for target in ("/", "/app")] == ["302", "a"]


def test_cors_redirects_and_limits_act_as_without_patterns(edge: Annotated) -> None:
    rule = "@ ImplementationSpecific /api(/|$)(.*) a"
    host = edge.ingress(
        rule, rewrite_target="/$2", enable_cors="true", proxy_body_size="3", upstream_vhost="in.example"
    )
    response = edge.get(host, "/api/x")
    assert response.get("Access-Control-Allow-Origin") == "*"
    assert response.json()["target"] == "/x"
    assert dict(response.json()["headers"])["Host"] == "in.example"
    assert edge.get(host, "/api/x", method="OPTIONS").status == 204
    assert edge.get(host, "/api/x", method="POST", body=b"long").status == 413
    host = edge.ingress(rule, rewrite_target="/$2", permanent_redirect="https://b.example")
    assert edge.get(host, "/api/x").get("Location") == "https://b.example"
