"""Statements of a snippet act as nginx's modules do: rewrite, headers, proxy and headers-more."""

from __future__ import annotations

import pytest

from edge.control.translate.snippets.dialect import SERVER, statements
from edge.table.policies import (
    AppRoot,
    Closed,
    CookieChange,
    Cors,
    Hsts,
    LocationChange,
    ResponseHeaders,
    ServerSnippet,
    Snippet,
    SourceRanges,
)
from tests.support.play import Answer, Endpoint, Request
from tests.support.play.script import values


def snippet(text: str) -> Snippet:
    """The policy for TEXT."""
    return Snippet("test", statements(text))


def get(*fields: tuple[str, str], target: str = "/a") -> Request:
    return Request("GET", target, fields=fields)


# --- what the route is ------------------------------------------------------------------------------------------------


def test_a_text_may_say_what_the_route_is(play) -> None:
    text = (
        'more_set_headers "X-To: $proxy_host $proxy_upstream_name";'
        ' more_set_input_headers "X-Of: $namespace/$ingress_name $service_name:$service_port $location_path";'
    )
    played = play(Request(), snippet(text))
    assert played.field("x-to") == "demo-web-80 demo-web-80"
    assert played.asked[0].values("x-of") == ["demo/app web:80 /"]


# --- return -----------------------------------------------------------------------------------------------------------


def test_a_return_is_the_answer_and_no_endpoint_is_asked(play) -> None:
    played = play(Request(), snippet("return 403 'not here';"))
    assert (played.status, played.content, played.asked) == (403, b"not here", [])
    assert played.field("content-type") == "text/html"


def test_a_return_has_the_content_type_that_the_snippet_says(play) -> None:
    for text in ("default_type application/json;", 'more_set_headers "Content-Type: application/json";'):
        played = play(Request(), snippet(f"{text} return 200 '{{}}';"))
        assert (played.status, played.content) == (200, b"{}")
        assert values(played.received.fields, "content-type") == ["application/json"]


def test_a_redirect_has_a_location(play) -> None:
    played = play(get(target="/a?b=c"), snippet("return 301 https://other.example$request_uri;"))
    assert (played.status, played.field("location")) == (301, "https://other.example/a?b=c")
    assert play(get(), snippet("return 302 /login;")).field("location") == "http://app.example/login"


def test_444_closes_the_connection_without_an_answer(play) -> None:
    assert play(Request(), snippet("return 444;")).status == 0


# --- if and set -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("test", "value", "holds"),
    [
        ("$http_x_a", "1", True),
        ("$http_x_a", "0", False),
        ("$http_x_a", None, False),
        ("$http_x_a = one", "one", True),
        ("$http_x_a = one", "One", False),
        ("$http_x_a != one", "two", True),
        ("$http_x_a ~ ^o.e$", "one", True),
        ("$http_x_a ~ n", "one", True),
        ("$http_x_a ~ ^N", "n", False),
        ("$http_x_a ~* ^N", "n", True),
        ("$http_x_a !~ ^o", "one", False),
        ("$http_x_a !~* ^O", "two", True),
    ],
)
def test_an_if_looks_at_the_request(play, test: str, value: str | None, holds: bool) -> None:
    fields = (("X-A", value),) if value is not None else ()
    assert play(get(*fields), snippet(f"if ({test}) {{ return 403; }}")).status == (403 if holds else 200)


def test_variables_are_set_in_their_turn(play) -> None:
    text = """
    set $who nobody;
    if ($cookie_user ~ .) { set $who "$cookie_user"; }
    if ($arg_as = admin) { set $who "$who as $arg_as"; }
    proxy_set_header X-Who $who;
    """
    asked = [
        play(get(*fields, target=target), snippet(text)).asked[0].values("x-who")
        for fields, target in [
            ((), "/"),
            ((("Cookie", "a=b; user=anna"),), "/"),
            ((("Cookie", "user=anna"),), "/?as=admin"),
        ]
    ]
    assert asked == [["nobody"], ["anna"], ["anna as admin"]]


def test_a_variable_does_not_outlive_its_request(scene) -> None:
    one = scene(snippet('if ($http_x_a) { set $b "$http_x_a"; } set $b "$b"; proxy_set_header X-B $b;'))
    first, second = one.play(get(("X-A", "1"))), one.play(get())
    assert (first.asked[0].values("x-b"), second.asked[0].values("x-b")) == (["1"], [])


# --- fields of the request --------------------------------------------------------------------------------------------


def test_a_field_for_the_endpoint_replaces_the_clients(play) -> None:
    (one,) = play(get(("X-A", "2"), ("X-B", "3")), snippet('proxy_set_header X-A 1; proxy_set_header X-B "";')).asked
    assert (one.values("x-a"), one.values("x-b")) == (["1"], [])


def test_an_if_may_change_what_the_client_seems_to_have_sent(play) -> None:
    policy = snippet('if ($request_method = GET) { more_set_input_headers "X-A: get"; }')
    assert play(get(("X-A", "1")), policy).asked[0].values("x-a") == ["get"]
    assert play(Request("POST", fields=(("X-A", "1"),), content=b"x"), policy).asked[0].values("x-a") == ["1"]


def test_the_host_may_be_set(play) -> None:
    (one,) = play(Request(), snippet("proxy_set_header Host inner.example;")).asked
    assert one.values("host") == ["inner.example"]


# --- fields of the response -------------------------------------------------------------------------------------------


def test_add_header_adds_to_what_the_endpoint_says(play) -> None:
    answer = Endpoint(Answer(fields=(("X-A", "2"),)))
    played = play(Request(), snippet("add_header X-A 1;"), endpoints=[answer])
    assert sorted(values(played.received.fields, "x-a")) == ["1", "2"]


@pytest.mark.parametrize(("status", "usual"), [(200, True), (304, True), (404, False), (500, False)])
def test_add_header_is_for_usual_statuses(play, status: int, usual: bool) -> None:
    answers = [Endpoint(Answer(status, b""))]
    assert (play(Request(), snippet("add_header X-A 1;"), endpoints=answers).field("x-a") is not None) == usual
    assert play(Request(), snippet("add_header X-A 1 always;"), endpoints=answers).field("x-a") == "1"


def test_more_set_headers_replaces_whatever_the_status(play) -> None:
    answer = Endpoint(Answer(404, fields=(("X-A", "2"), ("Server", "app"))))
    played = play(Request(), snippet('more_set_headers "X-A: $host"; more_clear_headers Server;'), endpoints=[answer])
    assert (values(played.received.fields, "x-a"), played.field("server")) == (["app.example"], None)


def test_what_does_not_depend_on_the_request_is_the_same_line_for_all(play) -> None:
    policy = snippet('add_header X-A 1 always; add_header X-B 2 always; more_set_headers "x-b: 3" "X-C: 4" X-D;')
    answer = Endpoint(Answer(500, fields=(("X-A", "5"), ("X-C", "6"), ("X-D", "7"))))
    fields = play(Request(), policy, endpoints=[answer]).received.fields
    assert [sorted(values(fields, name)) for name in ("x-a", "x-b", "x-c", "x-d")] == [["1", "5"], ["3"], ["4"], []]


def test_proxy_hide_header_hides_what_the_endpoint_says_alone(play) -> None:
    policy = snippet('proxy_hide_header X-a; proxy_hide_header x-b; add_header X-A 1; more_set_headers "X-C: 1";')
    answer = Endpoint(Answer(fields=(("x-A", "2"), ("X-A", "3"), ("X-B", "4"), ("X-Bc", "5"))))
    fields = play(Request(), policy, endpoints=[answer]).received.fields
    assert [values(fields, name) for name in ("x-a", "x-b", "x-bc", "x-c")] == [["1"], [], ["5"], ["1"]]


@pytest.mark.parametrize("status", [200, 404, 500])
def test_a_field_is_hidden_whatever_the_status(play, status: int) -> None:
    answer = Endpoint(Answer(status, fields=(("X-A", "2"),)))
    assert play(Request(), snippet("proxy_hide_header X-A;"), endpoints=[answer]).field("x-a") is None


def test_fields_hidden_for_the_host_stay_hidden(play) -> None:
    answer = Endpoint(Answer(fields=(("X-A", "1"), ("X-B", "2"), ("X-C", "3"))))
    policies = of_host("proxy_hide_header X-A;"), snippet("proxy_hide_header X-B;")
    played = play(Request(), *policies, endpoints=[answer])
    assert [played.field(name) for name in ("x-a", "x-b", "x-c")] == [None, None, "3"]


@pytest.mark.parametrize(
    "text", ["proxy_hide_header {};", "more_clear_headers {};", "if ($host) {{ more_clear_headers {}; }}"]
)
def test_no_other_policy_brings_a_hidden_field_back(play, text: str) -> None:
    cookie, location = ("Set-Cookie", "a=b; Path=/in"), ("Location", "http://in.example/a")
    answer = Endpoint(Answer(302, fields=(cookie, location)))
    changes = CookieChange("test", path="/in", new_path="/"), LocationChange("test", "http://in.example/", "/")
    played = play(Request(), *changes, endpoints=[answer])
    assert (played.field("set-cookie"), played.field("location")) == ("a=b; Path=/", "/a")
    for name in ("Set-Cookie", "Location"):
        played = play(Request(), snippet(text.format(name)), *changes, endpoints=[answer])
        assert (played.field("set-cookie") is None, played.field("location") is None) == (
            name == "Set-Cookie",
            name == "Location",
        )


def test_fields_of_edge_take_the_place_of_hidden_ones(play) -> None:
    policy = snippet("proxy_hide_header Strict-Transport-Security; proxy_hide_header Access-Control-Allow-Origin;")
    answer = Endpoint(Answer(fields=(("Strict-Transport-Security", "max-age=9"), ("Access-Control-Allow-Origin", "x"))))
    fields = play(
        Request(), policy, Cors("test", ("*",)), Hsts("test", "max-age=1"), secure=True, endpoints=[answer]
    ).received.fields
    assert values(fields, "strict-transport-security") == ["max-age=1"]
    assert values(fields, "access-control-allow-origin") == ["*"]


def test_edges_own_answers_get_them_too(play) -> None:
    policies = (snippet("add_header X-A 1 always; add_header X-B 2;"), SourceRanges("test", (), ("198.51.100.0/24",)))
    played = play(Request(), *policies)
    assert (played.status, played.field("x-a"), played.field("x-b")) == (403, "1", None)


def test_add_header_within_an_if_replaces_those_outside(play) -> None:
    policy = snippet('add_header X-A 1; more_set_headers "X-C: 3"; if ($http_x) { add_header X-B 2; }')
    with_block, without = play(get(("X", "1")), policy), play(get(), policy)
    assert [with_block.field(name) for name in ("x-a", "x-b", "x-c")] == [None, "2", "3"]
    assert [without.field(name) for name in ("x-a", "x-b", "x-c")] == ["1", None, "3"]


def test_the_last_if_that_holds_counts(play) -> None:
    policy = snippet("if ($http_x) { add_header X-A 1; } if ($host) { add_header X-B 2; }")
    played = play(get(("X", "1")), policy)
    assert (played.field("x-a"), played.field("x-b")) == (None, "2")


def test_a_return_in_an_if_has_the_fields_of_that_if(play) -> None:
    played = play(get(), snippet('if ($host) { more_set_headers "X-A: 1"; return 401; }'))
    assert (played.status, played.field("x-a")) == (401, "1")


def test_no_value_ends_a_line(play) -> None:
    policy = snippet("add_header X-A $arg_a; return 302 https://other.example/$arg_a;")
    played = play(get(target="/?a=1%0d%0aX-B:%202"), policy)
    assert (played.field("x-a"), played.field("x-b")) == ("1%0d%0aX-B:%202", None)


# --- of the host ------------------------------------------------------------------------------------------------------


def of_host(text: str) -> ServerSnippet:
    """A snippet of a host."""
    return ServerSnippet("test", statements(text, SERVER))


def test_a_snippet_of_the_host_answers_before_all_else(play) -> None:
    policies = (snippet("return 200 ok;"), Cors("test"), AppRoot("test", "/app"))
    assert play(Request(method="OPTIONS"), of_host("return 503 later;"), *policies).content == b"later"


def test_variables_of_forwarding(play) -> None:
    text = "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Id $req_id;"
    for given, expected in (([], "192.0.2.1"), ([("X-Forwarded-For", "203.0.113.9")], "203.0.113.9, 192.0.2.1")):
        (asked,) = play(get(("X-Request-ID", "r7"), *given), snippet(text)).asked
        assert (asked.values("x-forwarded-for"), asked.values("x-id")) == ([expected], ["r7"])


def test_both_write_fields(play) -> None:
    host = of_host('more_set_headers "X-A: 1" "X-B: 1"; more_set_input_headers "X-C: 1" "X-D: 1";')
    route = snippet('if ($host) { more_set_headers "X-B: 2"; } proxy_set_header X-D 2;')
    played = play(get(), host, route)
    fields, asked = played.received.fields, played.asked[0]
    assert (values(fields, "x-a"), values(fields, "x-b")) == (["1"], ["2"])
    assert (asked.values("x-c"), asked.values("x-d")) == (["1"], ["2"])


def test_each_has_variables_of_its_own(play) -> None:
    played = play(get(), of_host("set $a 1; more_set_headers 'X-A: $a';"), snippet("set $a 2; add_header X-B $a;"))
    assert (played.field("x-a"), played.field("x-b")) == ("1", "2")


# --- beside other policies --------------------------------------------------------------------------------------------


def test_a_return_goes_before_the_check_of_the_client(play) -> None:
    played = play(Request(), snippet("return 200 ok;"), SourceRanges("test", (), ("198.51.100.0/24",)))
    assert (played.status, played.content) == (200, b"ok")


def test_it_opens_no_closed_route(play) -> None:
    assert play(Request(), snippet("return 200 ok;"), Closed("test", "shut")).status == 503


def test_it_acts_beside_other_policies_of_the_response(play) -> None:
    other = ResponseHeaders("test", set=(("X-A", "2"),))
    played = play(Request(), snippet('more_set_headers "X-B: 1";'), other, Hsts("test", "max-age=1"), secure=True)
    assert [played.field(name) for name in ("x-a", "x-b", "strict-transport-security")] == ["2", "1", "max-age=1"]
