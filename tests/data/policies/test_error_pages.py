"""An error backend answers in place of errors (ingress-nginx, custom-http-errors, default-backend)."""

from __future__ import annotations

import pytest

from edge.data.net.spool import SpoolError, Spools
from edge.table.policies import (
    BasicAuth,
    BodyLimit,
    Closed,
    Cors,
    ErrorPages,
    Hsts,
    RegexRewrite,
    RequestBuffering,
    RequestHeaders,
    ResponseHeaders,
    SourceRanges,
    UpstreamHost,
)
from edge.table.records import Backend
from tests.support.play import HANGS_UP, Answer, Cut, Endpoint, Request, route
from tests.support.play.script import values

GONE = Answer(404, b"gone")
PAGE = Answer(200, b"sorry", fields=(("X-Page", "1"), ("Content-Type", "text/html")))


def policy(*statuses: int, shared: str = "", **rest) -> ErrorPages:
    return ErrorPages("test", statuses or (401, 403, 404, 413, 500, 502, 503), **{
        "service": "errors", "key": "demo/errors:80", "shared": shared, **rest,
    })  # fmt: skip


def played(play, request, *policies, web=(GONE,), errors=(PAGE,), others=None, **rest):
    """REQUEST under POLICIES, where WEB and ERRORS is what the endpoint and the error backend answer; None: there is
    no endpoint."""
    services = {"web": [Endpoint(*web)] if web is not None else []}
    services |= {"errors": [Endpoint(*errors)] if errors is not None else []} | (others or {})
    return play(request, routes=(route("/", *policies),), services=services, **rest)


# --- answers of endpoints ---------------------------------------------------------------------------------------------


def test_the_answer_is_that_of_the_error_backend(play) -> None:
    got = played(play, Request(), policy())
    assert (got.status, got.content, got.field("x-page")) == (200, b"sorry", "1")
    assert len(got.asked) == 2


def test_its_status_counts(play) -> None:
    got = played(play, Request(), policy(), errors=(Answer(404, b"sorry"),))
    assert (got.status, got.content, got.outcome.status) == (404, b"sorry", 404)


def test_other_statuses_are_passed_on(play) -> None:
    got = played(play, Request(), policy(503))
    assert (got.status, got.content, len(got.asked)) == (404, b"gone", 1)


def test_the_fields_of_the_answer_that_is_replaced_are_dropped(play) -> None:
    web = (Answer(404, fields=(("X-Web", "1"), ("Set-Cookie", "a=1"))),)
    got = played(play, Request(), policy(), web=web)
    assert (got.field("x-web"), got.field("set-cookie")) == (None, None)


def test_but_for_the_challenge_of_401(play) -> None:
    web = (Answer(401, fields=(("WWW-Authenticate", 'Basic realm="a"'),)),)
    got = played(play, Request(), policy(), web=web, errors=(Answer(401, b"sorry"),))
    assert (got.status, got.field("www-authenticate"), got.content) == (401, 'Basic realm="a"', b"sorry")


def test_answers_of_endpoints_can_be_left_alone(play) -> None:
    """disable-proxy-intercept-errors; what Edge makes itself is replaced all the same."""
    own = policy(of_endpoints=False)
    assert played(play, Request(), own).content == b"gone"
    assert played(play, Request(), own, web=(HANGS_UP,)).content == b"sorry"


def test_the_answer_to_head_has_no_content(play) -> None:
    got = played(play, Request("HEAD"), policy(), web=(Answer(404, b""),), errors=(Answer(200, b""),))
    assert (got.status, got.content, got.asked[-1].method) == (200, b"", "HEAD")


# --- answers that Edge makes itself -----------------------------------------------------------------------------------

HASH = "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="
OWN = {
    "no password": (401, (BasicAuth("test", "shop", (("anna", HASH),)),), (Answer(),)),
    "an address": (403, (SourceRanges("test", ("0.0.0.0/0", "::/0")),), (Answer(),)),
    "too large a body": (413, (BodyLimit("test", 1),), (Answer(),)),
    "no endpoint that answers": (502, (), (HANGS_UP,)),
}


@pytest.mark.parametrize(("status", "policies", "web"), OWN.values(), ids=OWN)
def test_they_are_replaced(play, status, policies, web) -> None:
    got = played(play, Request("POST", content=b"12"), policy(), *policies, web=web)
    assert (got.status, got.content) == (200, b"sorry")
    assert got.asked[-1].values("x-code") == [str(status)]


def test_a_page_for_401_keeps_the_challenge(play) -> None:
    auth = BasicAuth("test", "shop", (("anna", HASH),))
    got = played(play, Request(), policy(), auth, errors=(Answer(401, b"log in"),))
    assert (got.status, got.content, got.field("www-authenticate")) == (401, b"log in", 'Basic realm="shop"')
    assert len(got.asked) == 1, "the application was not asked"


def test_no_error_backend_lets_anybody_in(play) -> None:
    """Whatever it answers, and whatever becomes of it."""
    auth = BasicAuth("test", "shop", (("anna", HASH),))
    for errors in ((Answer(200),), (Answer(500),), (HANGS_UP,), None):
        got = played(play, Request(), policy(), auth, errors=errors)
        assert all(asked.values("x-code") == ["401"] for asked in got.asked)


def test_a_closed_route_stays_as_it_is(play) -> None:
    """In ingress-nginx a location that is denied has no error pages."""
    got = played(play, Request(), policy(), Closed("test", "why"))
    assert (got.status, got.asked) == (503, [])


def test_what_no_path_takes_counts_too(play) -> None:
    routes = (route("/", policy(), to=(Backend(status=404),)),)
    got = play(Request(), routes=routes, services={"errors": [Endpoint(PAGE)]})
    assert (got.status, got.content) == (200, b"sorry")


# --- the request of the error backend ---------------------------------------------------------------------------------


def test_the_error_backend_learns_what_has_happened(play) -> None:
    request = Request("POST", "/a/b?c=d", fields=(("Accept", "text/html"), ("X-Request-ID", "r7")), content=b"12")
    asked = played(play, request, policy()).asked[-1]
    assert (asked.method, asked.target, asked.host, asked.content) == ("POST", "/?c=d", "app.example", b"12")
    found = {name: asked.values(name) for name in EXPECTED}
    assert found == {name: [value] for name, value in EXPECTED.items()}


EXPECTED = {
    "x-code": "404",
    "x-format": "text/html",
    "x-original-uri": "/a/b?c=d",
    "x-namespace": "demo",
    "x-ingress-name": "app",
    "x-service-name": "web",
    "x-service-port": "80",
    "x-request-id": "r7",
    "content-length": "2",
}


def test_what_is_not_known_is_left_out(play) -> None:
    (asked,) = play(
        Request(), routes=(route("/", policy(), to=(Backend(status=404),)),), services={"errors": [Endpoint(PAGE)]}
    ).asked
    assert [asked.values(name) for name in ("x-format", "x-service-name", "x-service-port")] == [[], [], []]


def test_a_client_cannot_say_it_for_us(play) -> None:
    fields = (("X-Code", "200"), ("x-namespace", "other"), ("X-Original-URI", "/x"), ("X-Format", "a"), ("X-Kept", "1"))
    asked = played(play, Request(fields=fields), policy()).asked[-1]
    assert [asked.values(name) for name in ("x-code", "x-namespace", "x-original-uri", "x-format")] == [
        ["404"], ["demo"], ["/"], [],
    ]  # fmt: skip
    assert asked.values("x-kept") == ["1"]


def test_edits_of_the_request_are_for_the_application(play) -> None:
    edits = (
        UpstreamHost("test", "inner.example"),
        RequestHeaders("test", set=(("X-Secret", "s"),)),
        RegexRewrite("test", "/new", pattern="/"),
    )
    first, second = played(play, Request("GET", "/old"), policy(), *edits).asked
    assert (first.host, first.target, first.values("x-secret")) == ("inner.example", "/new", ["s"])
    assert (second.host, second.target, second.values("x-secret")) == ("app.example", "/", [])


def test_a_request_for_another_protocol_is_an_ordinary_one_there(play) -> None:
    fields = (("Connection", "upgrade"), ("Upgrade", "websocket"))
    asked = played(play, Request(fields=fields), policy()).asked[-1]
    assert asked.values("upgrade") == []


# --- an error backend that fails --------------------------------------------------------------------------------------


def test_its_own_errors_are_final(play) -> None:
    got = played(play, Request(), policy(), errors=(Answer(404, b"none"),))
    assert (got.status, got.content, len(got.asked)) == (404, b"none", 2)


def test_one_that_hangs_up_is_502(play) -> None:
    got = played(play, Request("POST"), policy(), errors=(HANGS_UP,))
    assert (got.status, len(got.asked)) == (502, 2)


def test_one_that_breaks_off_breaks_the_answer(play) -> None:
    got = played(play, Request(), policy(), errors=(Answer(200, b"x" * 10, cut=Cut.CONTENT),))
    assert not got.whole


def test_without_endpoint_the_default_backend_of_the_process_answers(play) -> None:
    others = {"all": [Endpoint(Answer(200, b"all"))]}
    got = played(play, Request(), policy(shared="demo/all:80"), errors=None, others=others)
    assert (got.status, got.content, got.asked[-1].values("x-code")) == (200, b"all", ["404"])


def test_without_any_it_is_404(play) -> None:
    """As of the default backend that ingress-nginx has built in."""
    got = played(play, Request(), policy(), errors=None, web=(Answer(500),))
    assert (got.status, got.content) == (404, b"default backend - 404")


# --- in place of a Service without endpoints --------------------------------------------------------------------------


def test_it_takes_the_requests(play) -> None:
    request = Request("POST", "/a?b", fields=(("X-Code", "1"), ("Accept", "text/html")), content=b"12")
    (asked,) = played(play, request, ErrorPages("test", service="errors", key="demo/errors:80"), web=None).asked
    assert (asked.method, asked.target, asked.content) == ("POST", "/a?b", b"12")
    names = ("x-code", "x-format", "x-namespace", "x-ingress-name", "x-service-name", "x-service-port")
    assert [asked.values(name) for name in names] == [["503"], ["text/html"], ["demo"], ["app"], ["web"], ["80"]]
    assert asked.values("x-original-uri") == []


def test_the_policies_of_the_route_hold(play) -> None:
    deny = SourceRanges("test", ("0.0.0.0/0", "::/0"))
    stand_in = ErrorPages("test", service="errors", key="demo/errors:80")
    got = played(play, Request(), stand_in, deny, web=None)
    assert (got.status, got.asked) == (403, [])


def test_its_own_answer_may_be_an_error(play) -> None:
    got = played(play, Request("GET", "/a"), policy(404), web=None, errors=(Answer(404), Answer(200, b"sorry")))
    assert [(one.target, one.values("x-code")) for one in got.asked] == [("/a", ["503"]), ("/", ["404"])]
    assert (got.status, got.content) == (200, b"sorry")


def test_without_an_endpoint_itself_it_is_503(play) -> None:
    assert played(play, Request(), ErrorPages("test", service="errors", key="demo/errors:80"), web=None,
                  errors=None).status == 503  # fmt: skip


def test_the_default_backend_of_the_process_does_not_stand_in(play) -> None:
    others = {"all": [Endpoint(Answer(200, b"all"))]}
    got = played(play, Request(), policy(404, key="", shared="demo/all:80"), web=None, others=others)
    assert (got.status, got.asked) == (503, [])


# --- beside other policies --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("origins", [("*",), ("https://a.example",)])
def test_a_page_may_be_read_by_other_origins(play, origins: tuple[str, ...]) -> None:
    cors = Cors("test", origins, "GET", "X-A", True, "", 60)
    got = played(play, Request(fields=(("Origin", "https://a.example"),)), policy(), cors)
    assert got.content == b"sorry"
    assert len(values(got.received.fields, "access-control-allow-origin")) == 1
    assert values(got.received.fields, "access-control-max-age") == ["60"]


def test_the_fields_of_responses_are_there_once(play) -> None:
    edit = ResponseHeaders("test", set=(("X-Page", "2"),))
    got = played(play, Request(), policy(), edit, Hsts("test", "max-age=1"), secure=True)
    assert values(got.received.fields, "x-page") == ["2"]
    assert values(got.received.fields, "strict-transport-security") == ["max-age=1"]


@pytest.mark.parametrize("size", [2, 50_000], ids=["in memory", "in a file"])
@pytest.mark.parametrize("sized", [True, False])
def test_it_gets_the_content_that_the_endpoint_has_got(play, size, sized) -> None:
    content = b"x" * size
    got = played(play, Request("POST", content=content, sized=sized), policy())
    assert [asked.content for asked in got.asked] == [content, content]


def test_it_gets_the_content_that_nobody_has_read_yet(play) -> None:
    content = b"x" * 50_000
    got = played(play, Request("POST", content=content), policy(), SourceRanges("test", ("0.0.0.0/0", "::/0")))
    assert [(asked.values("x-code"), asked.content) for asked in got.asked] == [(["403"], content)]


@pytest.mark.parametrize("sized", [True, False])
def test_content_that_is_too_large_is_not_sent_to_it(play, sized) -> None:
    got = played(play, Request("POST", content=b"12", sized=sized), policy(), BodyLimit("test", 1))
    assert [(asked.values("x-code"), asked.content) for asked in got.asked] == [(["413"], b"")]


def test_nor_is_content_that_streams(play) -> None:
    got = played(play, Request("POST", content=b"x" * 50_000), policy(), RequestBuffering("test", 0))
    assert (got.content, got.asked[-1].content) == (b"sorry", b"")


def test_the_log_names_both_endpoints(play) -> None:
    got = played(play, Request(), policy())
    assert [status for _, _, status, *_ in got.outcome.earlier or ()] == [404]
    assert got.outcome.upstream_status == 200


def test_content_that_cannot_be_kept_for_the_error_backend_has_the_answer_of_that_fault(
    play, monkeypatch, caplog
) -> None:
    def fails(_: Spools) -> None:
        raise SpoolError(503, "no file descriptor is left")

    monkeypatch.setattr(Spools, "file", fails)
    closed = Closed("test", "broken")
    buffering = RequestBuffering("test", memory=1000)
    got = played(play, Request("POST", content=b"x" * 50_000), policy(500), closed, buffering)
    assert (got.status, got.outcome.status) == (503, 503)
    assert not caplog.records
