"""The way of one request: match, gates, edits, backend, response, account."""

from __future__ import annotations

import math
from collections import Counter

import pytest

from edge.data.http import replies
from edge.data.http.h1._head import Head
from edge.data.policies import phases as phases_module
from edge.data.routing import planner
from edge.table.counters import WorkerWord
from edge.table.policies import Redirect, RequestBuffering, Rewrite, Timeouts
from edge.table.policies.path_change import PathChange
from edge.table.policies.policy import Policy
from edge.table.records import Backend, Condition, Conditions, PathKind, Protocol, Transport
from tests.support.play import HANGS_UP, Answer, Asked, Cut, Endpoint, Request, Scene, backend, route
from tests.support.wire import REQUEST_LIMITS, Pieces

# --- there and back ---------------------------------------------------------------------------------------------------


def test_a_request_goes_there_and_its_response_comes_back(play) -> None:
    endpoint = Endpoint(Answer(201, b"made", (("X-Answer", "yes"),)))
    played = play(Request("PUT", "/a?b", fields=(("X-Ask", "please"),), content=b"text"), endpoints=[endpoint])
    (asked,) = played.asked
    assert (asked.method, asked.target, asked.host, asked.content) == ("PUT", "/a?b", "app.example", b"text")
    assert asked.values("x-ask") == ["please"]
    assert (played.status, played.content, played.whole, played.field("x-answer")) == (201, b"made", True, "yes")


def test_the_endpoint_gets_to_know_the_client(play) -> None:
    (asked,) = play(Request(), secure=True).asked
    known = {name: asked.values(name) for name in ("x-forwarded-for", "x-real-ip", "x-forwarded-proto")}
    assert known == {"x-forwarded-for": ["192.0.2.1"], "x-real-ip": ["192.0.2.1"], "x-forwarded-proto": ["https"]}
    assert asked.values("x-forwarded-host") == ["app.example"]
    assert len(asked.values("x-request-id")) == 1


@pytest.mark.parametrize("size", [0, 1, 32768, 32769, 300_000])
@pytest.mark.parametrize("sized", [True, False], ids=["sized", "chunked"])
def test_content_of_any_size_goes_both_ways(play, size: int, sized: bool) -> None:
    content = bytes(range(256)) * (size // 256) + bytes(size % 256)
    played = play(
        Request("POST", content=content, sized=sized), endpoints=[Endpoint(Answer(content=content, sized=sized))]
    )
    assert played.asked[0].content == content
    assert (played.content, played.whole) == (content, True)
    assert played.outcome.content_sent == size


def test_trailers_go_both_ways(play) -> None:
    trailers = (("X-Sum", "abc"),)
    request = Request("POST", content=b"text", sized=False, trailers=trailers)
    played = play(request, endpoints=[Endpoint(Answer(sized=False, trailers=trailers))])
    assert played.asked[0].trailers == [("x-sum", "abc")]
    assert played.received.trailers == [("x-sum", "abc")]


@pytest.mark.parametrize("status", [200, 204, 304, 404])
def test_a_response_to_head_has_no_content(play, status: int) -> None:
    played = play(Request("HEAD"), endpoints=[Endpoint(Answer(status))])
    assert (played.status, played.content, played.whole) == (status, b"", True)


def test_interim_responses_are_passed_on_but_for_100(play) -> None:
    endpoint = Endpoint(Answer(interim=(100, 103, 102)))
    played = play(Request(), endpoints=[endpoint])
    assert [status for status, _ in played.received.interim] == [103, 102]
    assert (played.status, played.content) == (200, b"hello")


def test_http_1_0_knows_no_interim_responses(play) -> None:
    played = play(Request(version="1.0"), endpoints=[Endpoint(Answer(interim=(103,)))])
    assert (played.received.interim, played.status) == ([], 200)


def test_an_endpoint_may_answer_before_it_has_read_everything(play) -> None:
    request = Request("POST", content=bytes(100_000))
    played = play(request, endpoints=[Endpoint(Answer(403, b"no", early=True))])
    assert (played.status, played.content) == (403, b"no")


# --- other protocols --------------------------------------------------------------------------------------------------

UPGRADE = (("Connection", "upgrade"), ("Upgrade", "websocket"))


@pytest.mark.http1_endpoint("HTTP/2 has no 101")
def test_a_switched_connection_carries_bytes_both_ways(play) -> None:
    endpoint = Endpoint(Answer(101, b"", UPGRADE))
    played = play(Request(fields=UPGRADE, then=b"ping" * 1000), endpoints=[endpoint])
    assert (played.status, played.content) == (101, b"ping" * 1000)
    assert played.outcome.upstream_content == 4000


def test_an_endpoint_may_decline_to_switch(play) -> None:
    assert play(Request(fields=UPGRADE), endpoints=[Endpoint(Answer(403))]).content == b"hello"


def test_nobody_may_switch_unasked(play) -> None:
    assert play(Request(), endpoints=[Endpoint(Answer(101, b"", UPGRADE))]).status == 502


# --- who takes a request ----------------------------------------------------------------------------------------------


def by(name: str) -> list[Endpoint]:
    return [Endpoint(Answer(content=name.encode()))]


SERVICES = {name: by(name) for name in ("web", "a", "b", "c", "d")}


def taken(scene, routes, *requests: Request) -> list[str]:
    """The services that take REQUESTS."""
    one = scene(routes=routes, services={name: by(name) for name in SERVICES})
    return [one.play(request).content.decode() for request in requests]


def test_the_longest_path_takes_a_request(scene) -> None:
    routes = (route("/"), route("/a", to=(backend("a"),)), route("/a/b", to=(backend("b"),)))
    targets = ["/", "/a", "/a/x", "/a/b", "/a/b/c?d", "/ab"]
    assert taken(scene, routes, *(Request("GET", one) for one in targets)) == ["web", "a", "a", "b", "b", "web"]


def test_an_exact_path_comes_before_all_others(scene) -> None:
    routes = (route("/a"), route("/a", kind=PathKind.EXACT, to=(backend("a"),)))
    assert taken(scene, routes, Request("GET", "/a"), Request("GET", "/a/")) == ["a", "web"]


def test_what_no_route_takes_is_answered_404(scene) -> None:
    one = scene(routes=(route("/a"),))
    played = one.play(Request("GET", "/b"))
    assert (played.status, played.content, played.asked) == (404, b"default backend - 404", [])
    assert one.count(WorkerWord.UNMATCHED) == 1


def conditional(service: str, path: str = "/", **rest):
    return route(path, to=(backend(service),), conditions=Conditions(**rest))


def test_conditions_of_method_fields_and_query_must_all_be_met(scene) -> None:
    conditions = {
        "method": "POST",
        "headers": (Condition("x-a", "1"), Condition("x-b", "2")),
        "query": (Condition("q", "a b"),),
    }
    fields = (("X-A", "1"), ("x-b", "2"))
    requests = [
        Request("POST", "/?q=a%20b", fields=fields),
        Request("POST", "/?p&q=a+b&q=other", fields=fields),
        Request("PUT", "/?q=a%20b", fields=fields),
        Request("POST", "/?q=a%20B", fields=fields),
        Request("POST", "/?q=other&q=a+b", fields=fields),
        Request("POST", "/", fields=fields),
        Request("POST", "/?q=a%20b", fields=fields[:1]),
        Request("POST", "/?q=a%20b", fields=(("X-A", "1"), ("X-B", "22"))),
    ]
    routes = (conditional("a", **conditions), route("/"))
    assert taken(scene, routes, *requests) == ["a", "a", *["web"] * 6]


def test_of_routes_with_the_same_path_the_first_that_is_met_takes_a_request(scene) -> None:
    routes = (conditional("a", method="PUT"), conditional("b", headers=(Condition("x", "1"),)), route("/"))
    both = Request("PUT", fields=(("X", "1"),))
    assert taken(scene, routes, both, Request("GET", fields=(("X", "1"),)), Request()) == ["a", "b", "web"]


def test_a_longer_path_whose_conditions_are_not_met_leaves_the_request_to_a_shorter_one(scene) -> None:
    routes = (route("/"), conditional("a", "/a", method="PUT"), conditional("b", "/a/b", method="POST"))
    requests = [Request(method, "/a/b/c") for method in ("POST", "PUT", "GET")]
    assert taken(scene, routes, *requests) == ["b", "a", "web"]


def test_conditions_that_nobody_meets_leave_404(scene) -> None:
    assert scene(routes=(conditional("web", method="PUT"),)).play(Request()).status == 404


# --- several backends -------------------------------------------------------------------------------------------------


def test_requests_are_spread_by_weight(scene) -> None:
    """Each share is within 8 standard deviations: it fails by chance once in 10^14 runs."""
    weights = {"a": 1, "b": 3, "c": 0}
    to = tuple(backend(name, weight=weight) for name, weight in weights.items())
    one = scene(routes=(route("/", to=to),), services={name: by(name) for name in weights})
    plan = one.router.match(_message("/"))
    assert plan is not None
    count = 20_000
    drawn = Counter(plan.draw().labels.service for _ in range(count))
    assert set(drawn) == {"a", "b"}
    assert abs(drawn["b"] / count - 0.75) < 8 * math.sqrt(0.75 * 0.25 / count)


def test_the_backend_that_is_drawn_is_asked_and_counted(scene) -> None:
    to = (backend("a", weight=1), backend("b", weight=1))
    one = scene(routes=(route("/", to=to),), services={name: by(name) for name in ("a", "b")})
    taken_by = Counter(one.play(Request()).content.decode() for _ in range(40))
    assert set(taken_by) == {"a", "b"}, "each is drawn once in 2^39 runs or more"
    assert {service: number for (service, _), number in one.counted().items()} == taken_by


def test_a_backend_without_endpoints_keeps_its_share(scene) -> None:
    to = (backend("a", weight=1), backend("b", weight=1))
    one = scene(routes=(route("/", to=to),), services={"a": by("a"), "b": []})
    assert {one.play(Request()).status for _ in range(40)} == {200, 503}


def test_weights_that_are_all_0_are_answered_500(play) -> None:
    """As the Gateway API has it for rules whose backends take nothing."""
    assert play(Request(), routes=(route("/", to=(backend(weight=0),)),)).status == 500


def test_a_backend_that_is_no_service_is_answered_with_its_status(play) -> None:
    for status in (404, 500, 503):
        assert play(Request(), routes=(route("/", to=(_missing(status),)),)).status == status


def _missing(status: int):
    return Backend("demo", "gone", "80", "", status)


def _message(target: str):
    head = Head()
    head.read_request(Pieces([f"GET {target} HTTP/1.1\r\nHost: app.example\r\n\r\n".encode()]), REQUEST_LIMITS)
    return head


# --- what is not known here -------------------------------------------------------------------------------------------


class Guard(Policy, frozen=True, tag=True):
    """A policy that no step carries out."""


def test_a_route_with_an_unknown_policy_is_closed(scene, caplog) -> None:
    one = scene(further=(Guard("test"),))
    played = one.play(Request())
    assert (played.status, played.asked) == (503, [])
    assert one.count(WorkerWord.CLOSED_ROUTES) == 1
    assert "policy Guard cannot be applied" in caplog.text


def test_it_is_closed_before_any_other_gate_acts(scene) -> None:
    one = scene(Redirect("test", host="other.example"), further=(Guard("test"),))
    assert one.play(Request()).status == 503


def test_a_route_with_an_unknown_transport_is_closed(scene, monkeypatch) -> None:
    monkeypatch.setattr(planner, "SPOKEN", frozenset())
    routes = (route("/", to=(backend(transport=Transport(Protocol.HTTP1)),)),)
    one = scene(routes=routes)
    assert one.play(Request()).status == 503
    assert one.asked() == []
    assert one.count(WorkerWord.CLOSED_ROUTES) == 1


# --- phases -----------------------------------------------------------------------------------------------------------


class Watch(Policy, frozen=True, tag=True):
    """Acts in every phase, and notes it in `ACTS`."""

    gate: int = 0
    """The status that the gate answers with; 0: it lets requests pass."""
    intercept: int = 0
    """The same for the intercept."""
    choice: int | None = None
    """The number of the backend that it chooses."""
    fault: str = ""
    """The phase that raises an error."""


ACTS: list[str] = []
SEEN: list[tuple[bytes, bytes | None]] = []
"""What the tee sees: target and content."""


class WatchSteps:
    """The module of `Watch`."""

    @staticmethod
    def add(policy: Watch, phases: phases_module.Phases) -> None:
        def act(phase: str, status: int = 0) -> replies.Reply | None:
            ACTS.append(phase)
            if policy.fault == phase:
                raise ValueError("a fault of ours")
            return replies.plain(status) if status else None

        def gate(exchange) -> replies.Reply | None:
            exchange.releases = [*(exchange.releases or ()), lambda _: ACTS.append("release")]
            return act("gate", policy.gate)

        def answer(exchange, response) -> None:
            act("answer" if response is not None else "own answer")
            exchange.fields += b"X-Watch: seen\r\n"
            if response is not None:
                response.hide(b"x-hidden")

        def choice(_) -> int | None:
            act("choice")
            return policy.choice

        def tee(exchange, content: bytes | None) -> None:
            act("tee")
            SEEN.append((exchange.outgoing.target, content))

        phases.gates.append(gate)
        phases.choices.append(choice)
        phases.tees.append(tee)
        phases.edits.append(lambda _: act("edit"))
        phases.intercepts.append(lambda _, __: act("intercept", policy.intercept))
        phases.answers.append(answer)


@pytest.fixture
def watch(scene, monkeypatch):
    """Plays a request through `Watch`; gives what came of it and in which phases the policy acted."""
    monkeypatch.setattr(planner, "ORDER", (*planner.ORDER, (Watch, WatchSteps)))

    def run(request: Request, endpoints=None, *policies: Policy, **rest):
        ACTS.clear()
        SEEN.clear()
        endpoints = endpoints or [Endpoint(Answer(fields=(("X-Hidden", "1"),)))]
        played = scene(*policies, further=(Watch("test", **rest),), endpoints=endpoints).play(request)
        return played, list(ACTS)

    return run


def test_the_phases_of_a_request_that_is_passed_on(watch) -> None:
    played, acts = watch(Request())
    assert acts == ["gate", "edit", "tee", "intercept", "answer", "release"]
    assert (played.status, played.field("x-watch"), played.field("x-hidden")) == (200, "seen", None)


def test_a_gate_answers_in_place_of_everything_behind_it(watch) -> None:
    played, acts = watch(Request(), gate=401)
    assert acts == ["gate", "own answer", "release"]
    assert (played.status, played.field("x-watch"), played.asked) == (401, "seen", [])


def test_an_intercept_answers_in_place_of_the_endpoint(watch) -> None:
    played, acts = watch(Request(), intercept=418)
    assert acts == ["gate", "edit", "tee", "intercept", "own answer", "release"]
    assert (played.status, played.field("x-watch"), len(played.asked)) == (418, "seen", 1)
    assert played.outcome.upstream_status == 200
    assert b"hello" not in played.content


def test_a_tee_sees_the_request_as_it_goes_to_the_endpoint(watch) -> None:
    rewrite = Rewrite("test", path=PathChange("/inner"))
    watch(Request("PUT", "/a", content=b"text"), None, rewrite)
    assert SEEN == [(b"/inner", b"text")]
    watch(Request("PUT", "/a", content=b"text", sized=False), None, rewrite, RequestBuffering("test", 0))
    assert SEEN == [(b"/inner", None)]


@pytest.mark.parametrize(("chosen", "services"), [(0, {"a"}), (1, {"b"}), (None, {"a", "b"})])
def test_a_choice_decides_among_several_backends_before_their_weights(scene, monkeypatch, chosen, services) -> None:
    monkeypatch.setattr(planner, "ORDER", (*planner.ORDER, (Watch, WatchSteps)))
    to = (backend("a", weight=1), backend("b", weight=1))
    further = (Watch("test", choice=chosen),)
    one = scene(routes=(route("/", to=to),), services={name: by(name) for name in ("a", "b")}, further=further)
    assert {one.play(Request()).content.decode() for _ in range(40)} == services


def test_a_choice_may_take_a_backend_of_weight_0(scene, monkeypatch) -> None:
    monkeypatch.setattr(planner, "ORDER", (*planner.ORDER, (Watch, WatchSteps)))
    to = (backend("a", weight=1), backend("b", weight=0))
    services = {name: by(name) for name in ("a", "b")}
    one = scene(routes=(route("/", to=to),), services=services, further=(Watch("test", choice=1),))
    assert [one.play(Request()).content for _ in range(5)] == [b"b"] * 5


def test_there_is_nothing_to_intercept_where_no_response_came(watch) -> None:
    played, acts = watch(Request(), [Endpoint(HANGS_UP)])
    assert acts == ["gate", "edit", "tee", "own answer", "release"]
    assert played.status == 502


@pytest.mark.parametrize("phase", ["gate", "edit", "tee", "intercept"])
def test_a_fault_of_a_policy_costs_one_request_and_is_logged(watch, phase: str, caplog) -> None:
    played, acts = watch(Request("GET", "/secret"), fault=phase)
    assert (played.status, played.whole, played.content) == (500, True, b"500 Internal Server Error\n")
    assert acts[-1] == "release"
    assert "a fault of ours" in caplog.text


def test_a_gate_that_answers_leaves_a_large_request_unread(watch) -> None:
    played, _ = watch(Request("POST", content=bytes(300_000)), gate=403)
    assert (played.status, played.asked) == (403, [])


# --- the account ------------------------------------------------------------------------------------------------------


def test_the_outcome_says_what_came_of_the_request(play) -> None:
    played = play(Request("POST", content=b"1234"))
    outcome = played.outcome
    assert (outcome.status, outcome.upstream_status, outcome.endpoint) == (200, 200, "10.0.0.1:80")
    assert (outcome.content_sent, outcome.upstream_content, outcome.earlier) == (5, 5, None)
    assert outcome.received > 4
    assert 0 <= outcome.upstream_seconds <= outcome.duration


def test_an_answer_of_edges_own_has_no_endpoint(play) -> None:
    outcome = play(Request(), Redirect("test", host="other.example")).outcome
    assert (outcome.endpoint, outcome.upstream_status, outcome.status) == ("", 0, 302)
    assert outcome.upstream_seconds < 0


def test_a_policy_of_the_route_holds_for_its_requests_only(scene) -> None:
    one: Scene = scene(routes=(route("/", Timeouts("test", read=1.5)), route("/a", Rewrite("test", "inner.example"))))
    first, second = one.play(Request("GET", "/")), one.play(Request("GET", "/a"))
    assert (first.timeouts[2], second.timeouts[2]) == (1.5, 60.0)
    hosts: list[Asked] = [first.asked[0], second.asked[0]]
    assert [asked.host for asked in hosts] == ["app.example", "inner.example"]


def test_a_response_that_breaks_off_is_counted_with_its_status(scene) -> None:
    one: Scene = scene(endpoints=[Endpoint(Answer(content=bytes(100), cut=Cut.CONTENT))])
    assert not one.play(Request()).whole
    assert one.counted() == {("web", 200): 1}
