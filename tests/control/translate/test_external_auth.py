"""auth-url and what goes with it: what the annotations ask for, and what closes the routes."""

from __future__ import annotations

from typing import Any

import pytest

from edge.control.compiling.dns_names import Resolution
from edge.control.translate.annotations import external_auth
from edge.control.translate.annotations.durations import cache_times
from edge.control.translate.annotations.values import Values
from edge.control.translate.annotations.wanted import Wanted
from edge.settings import Settings
from edge.table.policies import Closed, ExternalAuth, SignIn
from edge.table.records import ServicePort
from edge.table.remotes import remote_key
from tests.support import objects
from tests.support.annotated import Annotated, annotated, place
from tests.support.site import ingress
from tests.support.world import World

SNIPPETS = Settings(allow_snippet_annotations=True, annotations_risk_level="Critical")
URL = "http://auth.example:4180/oauth2/auth"
SOURCE = place("auth-url")


def asked(**annotations: str) -> ExternalAuth:
    web = Annotated(**{"auth_url": URL, **annotations})
    policy = web.policy(ExternalAuth)
    assert policy is not None
    return policy


def location(**annotations: str) -> str:
    policy = Annotated(**{"auth_url": URL, **annotations}).policy(SignIn)
    return policy.location if policy is not None else ""


def test_a_url_alone() -> None:
    web = Annotated(auth_url=URL)
    assert web.policies == (
        ExternalAuth(SOURCE, remote=remote_key("auth.example", 4180), host="auth.example", target="/oauth2/auth"),
    )
    assert web.problems == []


@pytest.mark.parametrize(
    ("url", "secure", "remote", "host", "target"),
    [
        ("http://auth.example", False, "//auth.example:80", "auth.example", "/"),
        ("HTTPS://Auth.Example/", True, "//auth.example:443", "auth.example", "/"),
        ("https://auth.example:8443?a=b", True, "//auth.example:8443", "auth.example", "/?a=b"),
        ("http://10.0.0.7:80/x?u=$request_uri", False, "//10.0.0.7:80", "10.0.0.7", "/x?u=$request_uri"),
        ("http://[2001:db8::1]/x", False, "//2001:db8::1:80", "[2001:db8::1]", "/x"),
        ("http://auth_a.demo.svc/x", False, "//auth_a.demo.svc:80", "auth_a.demo.svc", "/x"),
        ("https://$host/oauth2/auth", True, "//web.example:443", "$host", "/oauth2/auth"),
        ("http://${host}:81/a", False, "//web.example:81", "$host", "/a"),
    ],
)  # fmt: skip
def test_where_a_url_leads(url: str, secure: bool, remote: str, host: str, target: str) -> None:
    policy = asked(auth_url=url)
    assert (policy.secure, policy.remote, policy.host, policy.target) == (secure, remote, host, target)


def test_everything() -> None:
    policy = asked(
        auth_method="POST",
        auth_request_redirect="https://app.example/back",
        auth_response_headers="X-User, Authorization,,X_Group,x-user",
        auth_always_set_cookie="true",
        auth_cache_key="$cookie_session$http_x_team",
        auth_cache_duration="200 202 1h 30m, 401 5s, any 1s",
    )
    assert policy == ExternalAuth(
        SOURCE,
        remote=remote_key("auth.example", 4180),
        host="auth.example",
        target="/oauth2/auth",
        method="POST",
        redirect="https://app.example/back",
        response_headers=("X-User", "Authorization", "X_Group"),
        always_set_cookie=True,
        cache_key="$cookie_session$http_x_team",
        cache_times=((200, 5400.0), (202, 5400.0), (401, 5.0), (0, 1.0)),
    )


def test_answers_are_kept_for_five_minutes_unless_something_else_is_said() -> None:
    assert asked(auth_cache_key="$remote_user").cache_times == ((200, 300.0), (202, 300.0), (401, 300.0))
    assert asked(auth_cache_duration="200 1h").cache_times == (), "without a key none is"


def test_without_auth_url_the_rest_means_nothing() -> None:
    rest = {"auth_method": "X", "auth_signin": "https://a.example", "auth_response_headers": "a b"}
    assert Annotated(**rest).policies == ()


def test_connections_are_always_kept() -> None:
    kept = {"auth_keepalive": "7", "auth_keepalive_requests": "3", "auth_keepalive_timeout": "9"}
    web = Annotated(auth_url=URL, auth_keepalive_share_vars="true", **kept)
    assert (web.policies, web.problems) == (Annotated(auth_url=URL).policies, [])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("auth-keepalive", "many"),
        ("auth-keepalive-share-vars", "maybe"),
        ("auth-always-set-cookie", "maybe"),
        ("auth-cache-key", "$no_such_variable"),
        ("auth-cache-key", "a b"),
        ("auth-request-redirect", "$no_such_variable"),
        ("auth-signin", "https://sign.example/$no_such_variable"),
        ("auth-signin", "https://sign.example/a b"),
        ("auth-signin-redirect-param", "a=b"),
        ("auth-response-headers", "Connection"),
        ("auth-response-headers", "Host"),
    ],
)
def test_what_lets_nobody_in_is_reported_and_ignored(name: str, value: str) -> None:
    web = Annotated(auth_url=URL, **{name.replace("-", "_"): value})
    assert web.policies == Annotated(auth_url=URL).policies
    assert [(reason, field) for reason, field, _ in web.problems] == [("InvalidAnnotation", place(name))]


# --- the page to sign in ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://sign.example/in", "https://sign.example/in?rd=$pass_access_scheme://$http_host$escaped_request_uri"),
        ("https://sign.example/in?a=b", "https://sign.example/in?a=b&rd=$pass_access_scheme://$http_host$escaped_request_uri"),
        ("https://$host/in?rd=$escaped_request_uri", "https://$host/in?rd=$escaped_request_uri"),
        ("https://sign.example/in?rd=", "https://sign.example/in?rd=&rd=$pass_access_scheme://$http_host$escaped_request_uri"),
        ("/in", "$scheme://$host/in?rd=$pass_access_scheme://$http_host$escaped_request_uri"),
    ],
)  # fmt: skip
def test_it_learns_where_the_client_is_to_come_back_to(url: str, target: str) -> None:
    assert location(auth_signin=url) == target


def test_by_a_parameter_of_another_name() -> None:
    ending = "=$pass_access_scheme://$http_host$escaped_request_uri"
    assert (
        location(auth_signin="https://a.example/?rd=x", auth_signin_redirect_param="to")
        == f"https://a.example/?rd=x&to{ending}"
    )


# --- what closes the routes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "auth.example/auth",
        "//auth.example/auth",
        "ftp://auth.example/",
        "http://",
        "http:///auth",
        "http://auth..example/",
        "http://[::::]/",
        "http://[auth.example]/",
        "http://auth.example:0/",
        "http://auth.example:99999/",
        "http://auth.example:http/",
        "http://user@auth.example/",
        "http://$http_host/auth",
        "http://auth.$host/auth",
        "$scheme://auth.example/",
        "http://auth.example/a b",
        "http://auth.example/#a",
        "http://auth.example/\u00e4",
        "http://auth.example/$no_such_variable",
        "http://auth.example/$",
        "http://auth.example/a\nHost: b",
    ],
)
def test_a_url_that_leads_nowhere(url: str) -> None:
    web = Annotated(auth_url=url, auth_signin="https://sign.example")
    ((reason, field, message),) = web.problems
    assert (reason, field) == ("InvalidAnnotation", SOURCE)
    assert message.endswith("; requests are answered 503")
    assert [type(one) for one in web.policies] == [Closed]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("auth-method", "get"),
        ("auth-method", "GET POST"),
        ("auth-response-headers", "X-User, a b"),
        ("auth-response-headers", "X-User;X-B"),
        ("auth-cache-duration", "200 202"),
        ("auth-cache-duration", "5m 200"),
        ("auth-cache-duration", "200 soon"),
    ],
)
def test_another_value_that_cannot_be_carried_out(name: str, value: str) -> None:
    web = Annotated(auth_url=URL, **{name.replace("-", "_"): value})
    assert [(reason, field) for reason, field, _ in web.problems] == [("InvalidAnnotation", place(name))]
    assert [type(one) for one in web.policies] == [Closed]


def test_a_snippet_sets_fields_of_the_request_to_the_server() -> None:
    web = Annotated(
        World(SNIPPETS), auth_url=URL, auth_snippet='proxy_set_header X-A $host;\nproxy_set_header Cookie "";'
    )
    policy = web.policy(ExternalAuth)
    assert policy is not None
    assert policy.set_headers == (("X-A", "$host"), ("Cookie", ""))
    assert web.problems == []


def test_a_snippet_with_anything_else_closes_the_route() -> None:
    web = Annotated(World(SNIPPETS), auth_url=URL, auth_snippet="proxy_set_header X-A b;\nreturn 200;")
    ((reason, field, message),) = web.problems
    assert (reason, field) == ("InvalidAnnotation", place("auth-snippet"))
    assert message.startswith('line 2: "return" is not supported')
    assert [type(one) for one in web.policies] == [Closed]


def test_a_snippet_has_no_effect_unless_it_is_allowed() -> None:
    """The server is asked all the same."""
    web = Annotated(
        World(Settings(annotations_risk_level="Critical")), auth_url=URL, auth_snippet="proxy_set_header X-A b;"
    )
    assert [(reason, field) for reason, field, _ in web.problems] == [("InvalidAnnotation", place("auth-snippet"))]
    policy = web.policy(ExternalAuth)
    assert policy is not None
    assert policy.set_headers == ()


def test_nor_without_a_url() -> None:
    web = Annotated(World(SNIPPETS), auth_snippet="proxy_set_header X-A b;")
    assert [reason for reason, _, _ in web.problems] == ["AnnotationWithoutEffect"]
    assert web.policies == ()


@pytest.mark.parametrize("host", ["*.example.com", None])
def test_a_client_does_not_choose_its_server(host: str | None) -> None:
    world = World()
    world.apply(objects.ingress(host=host, annotations=annotated(auth_url="https://$host/auth")))
    (route,) = world.host(host or "").routes
    assert [type(one) for one in route.policies] == [Closed]
    (problem,) = [one for one in world.problems_of() if one.field == SOURCE]
    assert problem.message.endswith("; requests are answered 503")


def test_a_default_backend_has_the_server_of_its_host() -> None:
    world = World()
    rules = "web.example Prefix /a web\nother.example Prefix /a web\nany default web"
    world.apply(ingress("web", rules, annotate={"auth-url": "https://$host/auth"}))
    for name in ("web.example", "other.example"):
        default = world.host(name).default
        assert default is not None
        (policy,) = default.policies
        assert isinstance(policy, ExternalAuth)
        assert policy.remote == remote_key(name, 443)
    assert [one.message for one in world.problems_of() if one.field == SOURCE] == []
    assert world.compiler.external_names == {"web.example", "other.example"}


# --- further fields, in a ConfigMap -----------------------------------------------------------------------------------

FIELDS = {"auth_url": URL, "auth_proxy_set_headers": "fields"}


def fields(namespace: str = "demo", **data: str) -> objects.Manifest:
    metadata = {"name": "fields", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def test_the_server_gets_what_a_config_map_says() -> None:
    world = World().apply(fields(**{"X-B": "$request_method", "X-A": "a"}))
    web = Annotated(world, **FIELDS)
    policy = web.policy(ExternalAuth)
    assert policy is not None
    assert policy.set_headers == (("X-A", "a"), ("X-B", "$request_method"))
    world.apply(fields(**{"X-C": "c"}))
    policy = web.policy(ExternalAuth)
    assert policy is not None
    assert policy.set_headers == (("X-C", "c"),)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (None, "MissingConfigMap"),
        ({"X A": "a"}, "InvalidConfigMap"),
        ({"Connection": "a"}, "InvalidConfigMap"),
        ({"X-A": "a\nb"}, "InvalidConfigMap"),
        ({"X-A": "$no_such_variable"}, "InvalidConfigMap"),
    ],
)
def test_without_one_that_can_be_read_the_routes_are_closed(data: dict[str, str] | None, reason: str) -> None:
    world = World()
    if data is not None:
        world.apply(fields(**data))
    web = Annotated(world, **FIELDS)
    assert [type(one) for one in web.policies] == [Closed]
    assert [(one, field) for one, field, _ in web.problems] == [(reason, place("auth-proxy-set-headers"))]


def test_one_of_another_namespace_has_to_be_allowed() -> None:
    given = dict(FIELDS, auth_proxy_set_headers="other/fields")
    world = World().apply(fields("other", **{"X-A": "a"}))
    assert [type(one) for one in Annotated(world, **given).policies] == [Closed]
    world = World(Settings(allow_cross_namespace_resources=True)).apply(fields("other", **{"X-A": "a"}))
    assert [type(one) for one in Annotated(world, **given).policies] == [ExternalAuth]


# --- where nothing is asked -------------------------------------------------------------------------------------------


def test_challenges_of_acme_need_no_authentication() -> None:
    world = World()
    path = "/.well-known/acme-challenge/x"
    annotate = {"auth-url": URL, "auth-signin": "https://sign.example"}
    world.apply(ingress("web", f"web.example Exact {path} web", annotate=annotate))
    assert world.route("web.example", path).policies == ()


# --- for all Ingresses ------------------------------------------------------------------------------------------------

GLOBAL = {
    "global-auth-url": ("http://all.example/auth", "--global-auth-url"),
    "global-auth-signin": ("https://sign.example/in", "--global-auth-signin"),
    "global-auth-response-headers": ("X-User", "--global-auth-response-headers"),
}


def everywhere(**annotations: str) -> list[Any]:
    values = Values({name.replace("_", "-"): value for name, value in annotations.items()}, GLOBAL)
    return [one.policy for one in external_auth.read(values) if isinstance(one, Wanted)]


def test_there_may_be_a_server_for_all_ingresses() -> None:
    auth, sign_in = everywhere()
    assert (auth.source, auth.remote, auth.response_headers) == ("--global-auth-url", "//all.example:80", ("X-User",))
    assert (sign_in.source, sign_in.location[:27]) == ("--global-auth-signin", "https://sign.example/in?rd=")


def test_one_with_a_server_of_its_own_has_nothing_of_it() -> None:
    (auth,) = everywhere(auth_url=URL)
    assert (auth.remote, auth.response_headers) == (remote_key("auth.example", 4180), ())


def test_one_may_do_without() -> None:
    assert everywhere(enable_global_auth="false") == []
    assert len(everywhere(enable_global_auth="true")) == 2


# --- the addresses of the server --------------------------------------------------------------------------------------


class Dns:
    """Names of the DNS."""

    def __init__(self, **names: Resolution) -> None:
        self.names = {name.replace("_", "."): known for name, known in names.items()}

    def look_up(self, name: str) -> Resolution | None:
        return self.names.get(name)


def addresses(world: World, key: str) -> list[str]:
    record = world.endpoints[key]
    assert isinstance(record, ServicePort)
    return [f"{one.address} {one.port}" for one in record.endpoints]


KEY = remote_key("auth.example", 4180)


def test_a_name_is_followed_while_it_is_in_use() -> None:
    dns = Dns(auth_example=Resolution(("10.0.0.9", "2001:db8::1")))
    world = World(names=dns)
    Annotated(world, auth_url=URL)
    assert world.compiler.external_names == {"auth.example"}
    assert addresses(world, KEY) == ["10.0.0.9 4180", "2001:db8::1 4180"]
    dns.names["auth.example"] = Resolution(("10.0.0.8",))
    world.compiler.name_changed("auth.example")
    world.tell()
    assert addresses(world, KEY) == ["10.0.0.8 4180"]
    world.delete("Ingress", "web")
    world.tell(clock=1e12)
    assert KEY not in world.endpoints
    assert world.compiler.external_names == frozenset()


def test_a_name_that_is_not_known_yet_has_no_address() -> None:
    world = World(names=Dns())
    web = Annotated(world, auth_url=URL)
    assert (addresses(world, KEY), web.problems) == ([], [])


def test_a_name_that_cannot_be_resolved_is_reported() -> None:
    web = Annotated(World(names=Dns(auth_example=Resolution((), "no such name"))), auth_url=URL)
    assert [(reason, field) for reason, field, _ in web.problems] == [("NameNotResolved", SOURCE)]


def test_an_address_needs_no_name() -> None:
    world = World()
    Annotated(world, auth_url="http://10.0.0.7:4180/auth")
    assert addresses(world, remote_key("10.0.0.7", 4180)) == ["10.0.0.7 4180"]
    assert world.compiler.external_names == frozenset()


@pytest.mark.parametrize("address", ["0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "ff02::1"])
def test_an_address_of_no_host_is_refused(address: str) -> None:
    world = World(names=Dns(auth_example=Resolution((address,))))
    web = Annotated(world, auth_url=URL)
    assert addresses(world, KEY) == []
    assert [(reason, field) for reason, field, _ in web.problems] == [("AddressNotAllowed", SOURCE)]


def test_several_ingresses_share_it() -> None:
    world = World()
    for name in ("one", "two"):
        world.apply(objects.ingress(name, host=f"{name}.example", annotations=annotated(auth_url="http://10.0.0.7/")))
    world.delete("Ingress", "one")
    world.tell(clock=1e12)
    assert addresses(world, remote_key("10.0.0.7", 80)) == ["10.0.0.7 80"]


# --- times ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("5m", ((200, 300.0), (301, 300.0), (302, 300.0))),
        ("200 100ms", ((200, 0.1),)),
        ("404 1d 1w", ((404, 691200.0),)),
        (" 200   1y ,, any 1M ", ((200, 31536000.0), (0, 2592000.0))),
    ],
)
def test_times_by_status(text: str, times: tuple[tuple[int, float], ...]) -> None:
    assert cache_times(text) == times


@pytest.mark.parametrize("text", ["", ",", "200", "5", "5x", "200 5m 404", "2000 5m", "-1s"])
def test_what_is_no_time(text: str) -> None:
    assert cache_times(text) is None
