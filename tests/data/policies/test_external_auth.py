"""An authentication server is asked about each request (auth-url of ingress-nginx; nginx, auth_request)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from edge.data.policies import external_auth
from edge.data.upstream.terms import Terms
from edge.table.policies import (
    BasicAuth,
    Cors,
    ExternalAuth,
    Redirect,
    RegexRewrite,
    RequestHeaders,
    SatisfyAny,
    SignIn,
    SourceRanges,
    Timeouts,
)
from edge.table.policies.policy import Policy
from edge.table.remotes import remote_key
from tests.support.play import HANGS_UP, NO_HTTP, RESETS, SILENT, Answer, Asked, Cut, Endpoint, Played, Request, Scene

KEY = remote_key("auth.example", 4180)
ANNA = ("Authorization", "Basic YW5uYTpzZWNyZXQ=")
SHA = "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="  # of "secret"


def asks(**rest: Any) -> ExternalAuth:
    return ExternalAuth("test", **{"remote": KEY, "host": "auth.example", "target": "/auth", **rest})


class Judged:
    """A scene with an authentication server that answers by SCRIPT."""

    def __init__(self, scene: Callable[..., Scene], server: Endpoint | None, *policies: Policy, **rest: Any) -> None:
        self.server = server
        self.web = Endpoint(*rest.pop("web", ()))
        remotes = {KEY: [server] if server is not None else []}
        self.scene: Scene = scene(*policies, services={"web": [self.web]}, remotes=remotes, **rest)

    def play(self, request: Request | None = None, **rest: Any) -> Played:
        return self.scene.play(request or Request(), **rest)

    @property
    def question(self) -> Asked:
        """The last request that the server got."""
        assert self.server is not None
        return self.server.asked[-1]

    @property
    def passed(self) -> list[Asked]:
        """What the endpoint got."""
        return self.web.asked


@pytest.fixture
def judged(scene: Callable[..., Scene]) -> Callable[..., Judged]:
    def make(answer: Answer | Endpoint | None = None, *policies: Policy, **rest: Any) -> Judged:
        server = answer if isinstance(answer, Endpoint) else Endpoint(answer or Answer(200))
        return Judged(scene, server, *(policies or (asks(),)), **rest)

    return make


# --- the verdict ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 201, 202, 204, 206, 299])
def test_a_request_passes_with_an_answer_of_2xx(judged, status: int) -> None:
    one = judged(Answer(status))
    assert (one.play().status, one.play().content, len(one.passed)) == (200, b"hello", 2)


def test_401_goes_to_the_client_with_the_servers_challenges(judged) -> None:
    one = judged(
        Answer(401, b"secrets", (("WWW-Authenticate", "Basic"), ("WWW-Authenticate", "Digest a=b"), ("X-A", "b")))
    )
    played = one.play()
    assert (played.status, played.field("www-authenticate"), played.field("x-a")) == (401, "Basic, Digest a=b", None)
    assert (played.content, one.passed) == (b"401 Authorization Required\n", [])


def test_403_goes_to_the_client(judged) -> None:
    one = judged(Answer(403, b"secrets", (("WWW-Authenticate", "Basic"),)))
    played = one.play()
    assert (played.status, played.content, played.field("www-authenticate")) == (403, b"403 Forbidden\n", None)
    assert one.passed == []


@pytest.mark.parametrize("status", [300, 301, 302, 304, 400, 402, 404, 429, 500, 502, 503, 599])
def test_any_other_status_is_500(judged, status: int) -> None:
    one = judged(Answer(status, fields=(("Location", "https://elsewhere.example"),)))
    played = one.play()
    assert (played.status, played.field("location"), one.passed) == (500, None, [])


@pytest.mark.parametrize(
    "script",
    [HANGS_UP, RESETS, NO_HTTP, SILENT, Answer(101), Answer(cut=Cut.HEAD), Answer(200, b"0123456789", cut=Cut.CONTENT)],
    ids=["hangs up", "resets", "no HTTP", "silent", "switches", "within the head", "within the content"],
)
def test_so_is_no_whole_answer(judged, script: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(external_auth, "TERMS", Terms(Timeouts("test", 1.0, 1.0, 0.3), external_auth.TERMS.retry))
    one = judged(script)
    assert (one.play().status, one.passed) == (500, [])


def test_so_is_a_server_that_cannot_be_reached(judged) -> None:
    for connect in (502, 503, 504):
        one = judged(Endpoint(connect=connect))
        assert (one.play().status, one.passed) == (500, [])


def test_so_is_a_server_without_an_address(scene) -> None:
    one = Judged(scene, None, asks())
    assert (one.play().status, one.passed) == (500, [])


def test_a_client_that_leaves_ends_the_wait(judged) -> None:
    one = judged(Answer(after=0.5))
    played = one.play(Request(leaves=True))
    assert (played.outcome.status, one.passed) == (499, [])


def test_each_request_is_judged(judged) -> None:
    one = judged(Endpoint(Answer(200), Answer(401), Answer(200)))
    assert [one.play().status for _ in range(3)] == [200, 401, 200]


def test_the_servers_connection_is_used_again(judged) -> None:
    one = judged(Endpoint(Answer(200), Answer(403, b"no"), Answer(204)))
    assert [one.play().status for _ in range(3)] == [200, 403, 200]
    assert one.server.connections == 1


def test_it_may_answer_with_any_amount_of_content(judged) -> None:
    one = judged(Answer(200, b"x" * 200_000))
    assert [one.play().status for _ in range(2)] == [200, 200]


def test_its_time_is_not_that_of_the_endpoints(judged) -> None:
    one = judged(Answer(403))
    one.play()
    assert one.scene.timeouts == (60.0, 60.0)
    assert one.scene._connect_timeout == 60.0


def test_nothing_of_it_stands_in_the_log(judged) -> None:
    played = judged(Answer(403)).play()
    assert (played.outcome.endpoint, played.outcome.upstream_status) == ("", 0)


# --- the question -----------------------------------------------------------------------------------------------------


def test_the_server_is_asked_by_get_with_its_own_host_and_target(judged) -> None:
    one = judged()
    one.play(Request("DELETE", "/a?b", content=b"data"))
    question = one.question
    assert (question.method, question.target, question.host, question.content) == ("GET", "/auth", "auth.example", b"")
    assert question.values("content-length") == question.values("transfer-encoding") == []


def test_it_learns_what_the_client_asks_for(judged) -> None:
    one = judged()
    one.play(Request("PUT", "/a%20b?c=d", "app.example:8080"))
    said = {name: one.question.values(name) for name in ("x-original-url", "x-original-method", "x-sent-from")}
    assert said == {
        "x-original-url": ["http://app.example:8080/a%20b?c=d"],
        "x-original-method": ["PUT"],
        "x-sent-from": ["nginx-ingress-controller"],
    }
    one.play(Request(target="/"), secure=True)
    assert one.question.values("x-original-url") == ["https://app.example/"]


def test_it_learns_who_the_client_is(judged) -> None:
    one = judged()
    played = one.play()
    (asked,) = one.passed
    for name in ("x-real-ip", "x-forwarded-for", "x-request-id"):
        assert one.question.values(name) == asked.values(name) != []
    assert one.question.values("x-request-id") == [played.outcome.request_id.decode()]
    for name in ("x-forwarded-proto", "x-forwarded-host", "x-forwarded-port", "x-scheme", "x-original-uri"):
        assert one.question.values(name) == []


def test_it_gets_the_fields_of_the_client(judged) -> None:
    one = judged()
    sent = (
        ANNA,
        ("Cookie", "a=b"),
        ("Cookie", "c=d"),
        ("X-Own", "1"),
        ("Accept", "*/*"),
        ("Content-Type", "text/plain"),
    )
    one.play(Request("POST", fields=sent, content=b"data"))
    for name, value in sent:
        assert value in "; ".join(one.question.values(name.lower()))


@pytest.mark.http1("HTTP/2 has no such fields")
def test_it_gets_nothing_that_belongs_to_the_clients_connection(judged) -> None:
    one = judged()
    sent = (
        ("Connection", "upgrade, x-hop"),
        ("Upgrade", "websocket"),
        ("X-Hop", "1"),
        ("TE", "trailers"),
        ("Expect", "100-continue"),
    )
    one.play(Request(fields=sent))
    names = {name for name, _ in one.question.fields}
    assert names.isdisjoint({"connection", "upgrade", "x-hop", "te", "expect"})


def test_a_client_cannot_say_what_the_server_has_from_edge(judged) -> None:
    one = judged()
    forged = (
        "X-Original-URL",
        "X-Original-Method",
        "X-Sent-From",
        "X-Auth-Request-Redirect",
        "X-Real-IP",
        "X-Forwarded-For",
        "X-Original-URI",
        "X-Forwarded-Host",
        "X-Scheme",
    )
    one.play(Request(fields=tuple((name, "forged") for name in forged)))
    assert [value for _, value in one.question.fields if "forged" in value] == []


def test_another_method_comes_with_the_path_and_the_scheme(judged) -> None:
    one = judged(None, asks(method="POST"))
    one.play(Request("GET", "/a?b"))
    question = one.question
    assert (question.method, question.values("x-original-uri"), question.values("x-scheme")) == (
        "POST",
        ["/a?b"],
        ["http"],
    )
    assert question.values("x-original-method") == ["GET"]


def test_it_may_be_asked_by_head(judged) -> None:
    assert judged(Answer(200), asks(method="HEAD")).play().status == 200


@pytest.mark.parametrize(
    ("redirect", "value"), [("$request_uri", "/a?b"), ("$scheme://$http_host/x", "http://app.example/x")]
)
def test_where_the_client_is_to_come_back_to(judged, redirect: str, value: str) -> None:
    one = judged(None, asks(redirect=redirect))
    one.play(Request(target="/a?b"))
    assert one.question.values("x-auth-request-redirect") == [value]


@pytest.mark.parametrize(
    ("target", "sent"),
    [
        ("/auth?u=$request_uri", "/auth?u=/a%20?b=c&d"),
        ("/auth?u=$escaped_request_uri", "/auth?u=%2Fa%2520%3Fb%3Dc%26d"),
        ("/$host/${http_x_team}/$arg_b/$cookie_s", "/app.example/red%20one/c/1"),
        ("/$http_x_none", "/"),
    ],
)
def test_its_target_may_have_variables(judged, target: str, sent: str) -> None:
    one = judged(None, asks(target=target))
    one.play(Request(target="/a%20?b=c&d", fields=(("X-Team", "red one"), ("Cookie", "t=0; S=1"))))
    assert one.question.target == sent


def test_its_host_may_be_the_clients(judged) -> None:
    one = judged(None, asks(host="$host"))
    one.play(Request(host="APP.example:81"))
    assert one.question.host == "app.example"


def test_it_may_get_further_fields(judged) -> None:
    fields = (("X-A", "$request_method b"), ("X-Sent-From", "edge"), ("X-Own", ""), ("Host", "inner.example"))
    one = judged(None, asks(set_headers=fields))
    one.play(Request(fields=(("X-A", "client"), ("X-Own", "client"))))
    question = one.question
    assert (question.values("x-a"), question.values("x-sent-from")) == (["GET b"], ["edge"])
    assert (question.values("x-own"), question.host) == ([], "inner.example")


@pytest.mark.parametrize("size", [100, 100_000])
def test_it_is_asked_before_the_content_of_the_request_is_read(judged, size: int) -> None:
    one = judged(Answer(403))
    played = one.play(Request("POST", content=bytes(size), fields=(("Expect", "100-continue"),)))
    assert (played.status, played.received.expected, one.passed) == (403, False, [])


@pytest.mark.parametrize("size", [100, 100_000])
def test_the_content_goes_to_the_endpoint(judged, size: int) -> None:
    one = judged()
    assert one.play(Request("POST", content=b"x" * size)).status == 200
    assert (one.passed[0].content, one.question.content) == (b"x" * size, b"")


@pytest.mark.http1("HTTP/2 switches to WebSocket only")
@pytest.mark.http1_endpoint("HTTP/2 has no 101")
def test_a_switch_of_protocols_is_judged_too(judged) -> None:
    upgrade = (("Connection", "Upgrade"), ("Upgrade", "echo"))
    one = judged(Answer(403))
    assert one.play(Request(fields=upgrade)).status == 403
    one = judged(Answer(200), web=[Answer(101, fields=upgrade)])
    assert one.play(Request(fields=upgrade, then=b"ping")).status == 101
    assert one.question.values("upgrade") == []


def test_head_is_judged_too(judged) -> None:
    one = judged()
    assert (one.play(Request("HEAD")).status, one.question.method) == (200, "GET")


# --- what the endpoint gets -------------------------------------------------------------------------------------------

ANSWERED = (("X-User", "anna"), ("X-Group", "a"), ("X-Group", "b"), ("Authorization", "Bearer t"), ("X-Else", "1"))


def test_the_endpoint_gets_the_listed_fields_of_the_answer(judged) -> None:
    one = judged(Answer(200, fields=ANSWERED), asks(response_headers=("X-User", "x-group", "Authorization")))
    one.play(Request(fields=(ANNA,)))
    (asked,) = one.passed
    assert (asked.values("x-user"), asked.values("x-group")) == (["anna"], ["a, b"])
    assert (asked.values("authorization"), asked.values("x-else")) == (["Bearer t"], [])


def test_a_client_cannot_say_them_itself(judged) -> None:
    one = judged(Answer(200), asks(response_headers=("X-User", "X-Real-IP")))
    one.play(Request(fields=(("X-User", "root"), ("x-user", "admin"), ("X-Else", "1"))))
    (asked,) = one.passed
    assert (asked.values("x-user"), asked.values("x-real-ip"), asked.values("x-else")) == ([], [], ["1"])
    assert one.question.values("x-user") == ["root", "admin"], "the server may know what to think of it"


def test_what_describes_the_client_may_be_the_servers_word(judged) -> None:
    one = judged(Answer(200, fields=(("X-Real-IP", "192.0.2.9"),)), asks(response_headers=("X-Real-IP",)))
    one.play()
    assert one.passed[0].values("x-real-ip") == ["192.0.2.9"]


def test_fields_of_the_route_go_before_those_of_the_answer(judged) -> None:
    fixed = RequestHeaders("test", set=(("X-User", "fixed"),))
    one = judged(Answer(200, fields=ANSWERED), asks(response_headers=("X-User",)), fixed)
    one.play()
    assert one.passed[0].values("x-user") == ["fixed"]


# --- cookies ----------------------------------------------------------------------------------------------------------

COOKIES = (("Set-Cookie", "a=b; Path=/"), ("Set-Cookie", "c=d"))
OWN = Answer(200, fields=(("Set-Cookie", "own=1"),))


def cookies(played: Played) -> list[str]:
    return [value for name, value in played.received.fields if name == "set-cookie"]


def test_the_client_gets_the_servers_cookies_beside_those_of_the_endpoint(judged) -> None:
    assert cookies(judged(Answer(200, fields=COOKIES), web=[OWN]).play()) == ["own=1", "a=b; Path=/", "c=d"]


@pytest.mark.parametrize("status", [200, 201, 204, 206, 301, 302, 303, 304, 307, 308])
def test_with_a_response_that_is_no_error(judged, status: int) -> None:
    assert len(cookies(judged(Answer(200, fields=COOKIES), web=[Answer(status)]).play())) == 2


@pytest.mark.parametrize("status", [202, 300, 400, 404, 500, 503])
def test_with_any_other_where_that_is_asked_for(judged, status: int) -> None:
    assert cookies(judged(Answer(200, fields=COOKIES), web=[Answer(status)]).play()) == []
    always = judged(Answer(200, fields=COOKIES), asks(always_set_cookie=True), web=[Answer(status)])
    assert len(cookies(always.play())) == 2


@pytest.mark.parametrize("status", [401, 403])
def test_also_where_the_request_does_not_pass(judged, status: int) -> None:
    assert cookies(judged(Answer(status, fields=COOKIES)).play()) == []
    assert len(cookies(judged(Answer(status, fields=COOKIES), asks(always_set_cookie=True)).play())) == 2


def test_no_cookie_stays_for_the_next_request(judged) -> None:
    one = judged(Endpoint(Answer(200, fields=COOKIES), Answer(200)))
    assert [len(cookies(one.play())) for _ in range(2)] == [2, 0]


# --- signing in -------------------------------------------------------------------------------------------------------

SIGN_IN = SignIn("test", "https://sign.example/in?rd=$pass_access_scheme://$http_host$escaped_request_uri")


def test_instead_of_401_the_client_is_redirected_to_a_page(judged) -> None:
    one = judged(Answer(401, fields=COOKIES), asks(), SIGN_IN)
    played = one.play(Request(target="/a b?c=d&e".replace(" ", "%20"), host="app.example:8080"))
    assert played.status == 302
    assert played.field("location") == "https://sign.example/in?rd=http://app.example:8080%2Fa%2520b%3Fc%3Dd%26e"
    assert (len(cookies(played)), one.passed) == (2, [])


@pytest.mark.parametrize(("status", "answered"), [(200, 200), (403, 403), (500, 500)])
def test_instead_of_nothing_else(judged, status: int, answered: int) -> None:
    assert judged(Answer(status), asks(), SIGN_IN).play().status == answered


def test_the_401_of_an_endpoint_is_its_own(judged) -> None:
    assert judged(Answer(200), asks(), SIGN_IN, web=[Answer(401)]).play().status == 401


# --- together with other policies -------------------------------------------------------------------------------------

CORS = Cors("test", ("*",), "GET", "X-A", True, "", 60)
USERS = BasicAuth("test", "shop", (("anna", SHA),))
LOCAL, OTHERS = SourceRanges("test", (), ("192.0.2.0/24", "127.0.0.0/8")), SourceRanges("test", (), ("10.9.9.9",))


def test_a_preflight_request_is_answered_without_the_server(judged) -> None:
    one = judged(Answer(401), asks(), CORS)
    sent = (("Origin", "https://a.example"), ("Access-Control-Request-Method", "PUT"))
    assert (one.play(Request("OPTIONS", fields=sent)).status, one.server.asked) == (204, [])


@pytest.mark.parametrize("policies", [(asks(), CORS), (asks(), CORS, SIGN_IN)], ids=["401", "302"])
def test_its_refusals_can_be_read_by_other_origins(judged, policies: tuple[Policy, ...]) -> None:
    played = judged(Answer(401), *policies).play(Request(fields=(("Origin", "https://a.example"),)))
    assert (played.status, played.field("access-control-allow-origin")) == (302 if SIGN_IN in policies else 401, "*")


def test_a_redirect_goes_first(judged) -> None:
    one = judged(Answer(401), asks(), Redirect("test", host="other.example"))
    assert (one.play().status, one.server.asked) == (302, [])


def test_the_server_hears_of_the_target_before_it_is_rewritten(judged) -> None:
    rewrite = RegexRewrite("test", "/inner/$1", pattern="/app/(.*)")
    one = judged(Answer(200), asks(target="/auth?u=$request_uri"), rewrite)
    one.play(Request(target="/app/x?y"))
    assert (one.question.target, one.passed[0].target) == ("/auth?u=/app/x?y", "/inner/x?y")


def test_a_password_and_the_server_both_have_to_let_the_client_in(judged) -> None:
    one = judged(Endpoint(Answer(200), Answer(403)), asks(), USERS)
    assert [one.play(Request(fields=fields)).status for fields in ((), (ANNA,), (ANNA,))] == [401, 200, 403]
    assert len(one.server.asked) == 2, "the password is checked first"


def test_a_page_to_sign_in_stands_in_for_each_401(judged) -> None:
    assert judged(Answer(200), asks(), USERS, SIGN_IN).play().status == 302


@pytest.mark.parametrize(
    ("ranges", "answer", "fields", "status"),
    [
        (LOCAL, Answer(401), (), 200),
        (OTHERS, Answer(200), (), 200),
        (OTHERS, Answer(401), (), 401),
        (OTHERS, Answer(403), (), 403),
        (OTHERS, Answer(500), (), 500),
        (OTHERS, HANGS_UP, (), 500),
        (OTHERS, Answer(200), (("X-User", "root"),), 200),
    ],
)
def test_one_of_several_checks_may_be_enough(
    judged, ranges: SourceRanges, answer: Answer, fields: tuple[tuple[str, str], ...], status: int
) -> None:
    one = judged(answer, asks(response_headers=("X-User",)), ranges, SatisfyAny("test"))
    assert one.play(Request(fields=(*fields, ("X-User", "root")))).status == status
    assert [asked.values("x-user") for asked in one.passed] == ([[]] if status == 200 else [])


def test_a_page_to_sign_in_where_no_check_is_passed(judged) -> None:
    policies = (asks(), OTHERS, USERS, SatisfyAny("test"), SIGN_IN)
    assert judged(Answer(403), *policies).play().status == 302, "the password might help"
    assert judged(Answer(403), *policies).play(Request(fields=(ANNA,))).status == 200


# --- answers that are kept --------------------------------------------------------------------------------------------

TIMES = ((200, 300.0), (202, 300.0), (401, 300.0))


def keeps(key: str = "$http_x_key", **rest: Any) -> ExternalAuth:
    return asks(cache_key=key, **{"cache_times": TIMES, **rest})


def keyed(value: str, target: str = "/", **rest: Any) -> Request:
    return Request(target=target, fields=(("X-Key", value),), **rest)


def test_an_answer_holds_for_the_same_key(judged) -> None:
    one = judged(Endpoint(Answer(200), Answer(403)), keeps())
    assert [one.play(keyed(key)).status for key in ("a", "a", "b", "a")] == [200, 200, 403, 200]


def test_the_path_of_the_request_is_no_part_of_it(judged) -> None:
    one = judged(Endpoint(Answer(200), Answer(403)), keeps())
    assert [one.play(keyed("a", target)).status for target in ("/x", "/y")] == [200, 200]


def test_the_values_of_a_key_do_not_run_into_each_other(judged) -> None:
    one = judged(Endpoint(Answer(200), Answer(403)), keeps("$http_x_a$http_x_b"))
    pairs = [("1", "23"), ("12", "3"), ("1", "23")]
    requests = [Request(fields=(("X-A", first), ("X-B", second))) for first, second in pairs]
    assert [one.play(request).status for request in requests] == [200, 403, 200]


def test_what_the_endpoint_and_the_client_get_is_kept_with_it(judged) -> None:
    one = judged(Endpoint(Answer(200, fields=ANSWERED), HANGS_UP), keeps(response_headers=("X-User",)))
    assert [one.play(keyed("a")).status for _ in range(2)] == [200, 200]
    assert [asked.values("x-user") for asked in one.passed] == [["anna"], ["anna"]]
    one = judged(Endpoint(Answer(401, fields=(("WWW-Authenticate", "Basic"),)), HANGS_UP), keeps())
    assert [one.play(keyed("a")).field("www-authenticate") for _ in range(2)] == ["Basic", "Basic"]


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_status_without_a_time_is_not_kept(judged, status: int) -> None:
    one = judged(Endpoint(Answer(status), Answer(200)), keeps())
    assert one.play(keyed("a")).status != 200
    assert one.play(keyed("a")).status == 200


def test_any_other_status_may_have_one(judged) -> None:
    one = judged(Endpoint(Answer(403), Answer(200)), keeps(cache_times=((200, 1.0), (0, 300.0))))
    assert [one.play(keyed("a")).status for _ in range(2)] == [403, 403]


def test_no_answer_is_never_kept(judged) -> None:
    one = judged(Endpoint(HANGS_UP, HANGS_UP, HANGS_UP, HANGS_UP, Answer(200)), keeps(cache_times=((0, 300.0),)))
    statuses = [one.play(keyed("a")).status for _ in range(5)]
    assert (statuses[0], statuses[-1]) == (500, 200)


@pytest.mark.parametrize(
    "fields",
    [
        (("Set-Cookie", "a=b"),),
        (("Cache-Control", "private, max-age=9"),),
        (("Cache-Control", "No-Store"),),
        (("Cache-Control", "no-cache"),),
        (("Cache-Control", "max-age=0"),),
        (("Expires", "Thu, 01 Jan 1970 00:00:01 GMT"),),
        (("Expires", "0"),),
        (("X-Accel-Expires", "0"),),
        (("Vary", "Accept, *"),),
    ],
    ids=str,
)
def test_an_answer_may_forbid_it(judged, fields: tuple[tuple[str, str], ...]) -> None:
    one = judged(Endpoint(Answer(200, fields=fields), Answer(403)), keeps())
    assert [one.play(keyed("a")).status for _ in range(2)] == [200, 403]


@pytest.mark.parametrize(
    "fields",
    [
        (("Cache-Control", "max-age=300"),),
        (("Cache-Control", 'max-age=0, s-maxage="300"'),),
        (("Expires", "Fri, 01 Jan 2100 00:00:00 GMT"),),
        (("X-Accel-Expires", "300"), ("Cache-Control", "no-store, max-age=0")),
        (("X-Accel-Expires", "@4102444800"),),
    ],
    ids=str,
)
def test_an_answer_may_say_itself_for_how_long_it_holds(judged, fields: tuple[tuple[str, str], ...]) -> None:
    one = judged(Endpoint(Answer(200, fields=fields), Answer(403)), keeps(cache_times=((200, 0.0),)))
    assert [one.play(keyed("a")).status for _ in range(2)] == [200, 200]


def test_an_answer_that_depends_on_a_field_holds_for_the_same_value(judged) -> None:
    one = judged(Endpoint(Answer(200, fields=(("Vary", "X-Lang"),)), Answer(403)), keeps())
    requests = [Request(fields=(("X-Key", "a"), ("X-Lang", lang))) for lang in ("de", "de", "en")]
    assert [one.play(request).status for request in requests] == [200, 200, 403]


def test_the_server_is_not_asked_for_half_an_answer(judged) -> None:
    sent = (("If-None-Match", '"a"'), ("If-Modified-Since", "x"), ("Range", "bytes=0-1"))
    one = judged(None, keeps())
    one.play(Request(fields=sent))
    assert {name for name, _ in one.question.fields}.isdisjoint({"if-none-match", "if-modified-since", "range"})


def test_a_key_counts_with_the_name_of_a_user_whatever_it_is(judged) -> None:
    one = judged(Endpoint(Answer(200), Answer(403)), keeps("$remote_user"))
    users = ["YTpi", "Yzpk", "YQo6Yg=="]  # a, c, and a with a line's end
    sent = [Request(fields=(("Authorization", f"Basic {user}"),)) for user in users]
    assert [one.play(request).status for request in sent] == [200, 403, 403]


# --- what cannot be applied ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"target": "/$no_such_variable"},
        {"host": "$"},
        {"redirect": "$no_such_variable"},
        {"response_headers": ("Connection",)},
        {"response_headers": ("X A",)},
        {"set_headers": (("X-A", "a\nb"),)},
        {"cache_key": "$no_such_variable"},
    ],
    ids=str,
)
def test_the_route_is_closed_where_the_question_cannot_be_asked(judged, wrong: dict[str, Any]) -> None:
    one = judged(None, asks(**wrong))
    assert (one.play().status, one.passed) == (503, [])
