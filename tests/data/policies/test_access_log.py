"""A route may be kept out of the access log (enable-access-log of ingress-nginx)."""

from __future__ import annotations

from edge.table.policies import Closed, HttpsRedirect, NoAccessLog
from tests.support.play import HANGS_UP, Endpoint, Request, route

POLICY = NoAccessLog("test")


def test_a_request_leaves_a_line_with_its_route(play) -> None:
    (line,) = play(Request("GET", "/a?b")).logged
    assert '"GET /a?b HTTP/' in line
    assert '" 200 ' in line
    assert "[demo-web-80]" in line


def test_with_the_policy_it_leaves_none(play) -> None:
    assert play(Request(), POLICY).logged == []


def test_nor_do_answers_that_edge_makes_itself(play) -> None:
    assert play(Request(), POLICY, HttpsRedirect("test")).logged == []
    assert play(Request(), POLICY, Closed("test", "why")).logged == []
    assert play(Request(), POLICY, endpoints=[Endpoint(HANGS_UP)]).logged == []


def test_the_request_is_counted_all_the_same(scene) -> None:
    one = scene(POLICY)
    one.play(Request())
    assert one.counted() == {("web", 200): 1}


def test_other_routes_of_the_host_are_logged(scene) -> None:
    one = scene(routes=(route("/"), route("/quiet", POLICY)))
    assert [len(one.play(Request("GET", target)).logged) for target in ("/", "/quiet", "/quiet/x", "/q")] == [
        1,
        0,
        0,
        1,
    ]


def test_a_line_names_each_endpoint_that_was_asked(play) -> None:
    (line,) = play(Request(), endpoints=[Endpoint(HANGS_UP), Endpoint(HANGS_UP)]).logged
    assert line.count("10.0.0.1:80") + line.count("10.0.0.2:80") == 3
    assert "502, 502, 502" in line
