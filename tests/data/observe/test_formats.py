"""Lines of the access log in formats of users (log-format-upstream of ingress-nginx)."""

from __future__ import annotations

import json
import re

import pytest

from edge.data.observe.formats import compiled
from edge.table import variables
from edge.table.access_logging import UPSTREAM_FORMAT, Escape
from edge.table.policies import Closed, CustomHeaders, HttpsRedirect, NoAccessLog, Retry
from edge.table.records import Backend, Owner, PathKind, Route
from edge.table.templates import TemplateError
from tests.support.play import HANGS_UP, Answer, Endpoint, Request, Scene, backend, route

ALL = sorted(f"{name}x" if name.endswith("_") else name for name in variables.LOG)  # a family has a member of any name


def line(scene, text: str, request: Request | None = None, *policies, escape: Escape = Escape.DEFAULT, **rest) -> str:
    """The line of REQUEST in the format TEXT."""
    secure = rest.pop("secure", False)
    one: Scene = scene(*policies, **rest)
    one.log_by(text, escape)
    (found,) = one.play(request or Request(), secure=secure).logged
    return found


# --- what stands in a line --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$request_method $request_uri", "GET /a/../b?x=1&y=2"),
        ("$uri?$args", "/b?x=1&y=2"),
        ("$query_string$is_args", "x=1&y=2?"),
        ("$arg_y$arg_z", "2-"),
        ("${http_user_agent}; $http_x_none", "agent/1; -"),
        ("$cookie_theme $cookie_none", "dark -"),
        ("$host $http_host $best_http_host", "app.example app.example:8080 app.example:8080"),
        ("$remote_user", "ann"),
        ("$status $bytes_sent_is_not_a_name", None),
        ("$status $body_bytes_sent $upstream_status $upstream_response_length", "200 5 200 5"),
        ("$upstream_addr", "10.0.0.1:80"),
        ("$req_id $request_id", "abc abc"),
        ("$content_type $content_length", "- -"),
        ("$namespace/$ingress_name $service_name:$service_port", "demo/app web:80"),
        ("[$proxy_upstream_name] [$proxy_alternative_upstream_name] $location_path", "[demo-web-80] [] /"),
        ("$server_name $proxy_host", "app.example demo-web-80"),
        ("$geoip_country_code $geoip2_city $upstream_cache_status", "- - -"),
        ("$literal_dollar$pipe$nginx_version", "$.1.27.1"),
        ("$sent_http_x_kind $upstream_http_x_kind $sent_http_none", "new old -"),
        ("$REQUEST_METHOD", "GET"),
        ("a\n  $request_method\n", "a   GET"),
    ],
)
def test_a_variable_has_the_value_that_nginx_gives_it(scene, text: str, value: str | None) -> None:
    if value is None:
        with pytest.raises(TemplateError):
            compiled(text, Escape.DEFAULT)
        return
    fields = (
        ("User-Agent", "agent/1"),
        ("Cookie", "theme=dark"),
        ("Authorization", "Basic YW5uOnNlY3JldA=="),
        ("X-Request-ID", "abc"),
    )
    request = Request("GET", "/a/../b?x=1&y=2", host="app.example:8080", fields=fields)
    policy = CustomHeaders("test", (("X-Kind", "new"),))
    answer = Endpoint(Answer(fields=(("X-Kind", "old"),)))
    assert line(scene, text, request, policy, endpoints=[answer]) == value


def test_every_variable_can_be_logged(scene) -> None:
    text = "|".join(f"${{{name}}}" for name in ALL)
    assert line(scene, text, secure=True).count("|") == len(ALL) - 1


def test_what_is_not_known_has_no_value(scene) -> None:
    """The request fails before an endpoint is asked."""
    text = "$upstream_addr $upstream_status $upstream_response_time $upstream_connect_time $upstream_header_time"
    assert line(scene, text, None, Closed("test", "why")) == "- - - - -"
    assert line(scene, text, None, Closed("test", "why"), escape=Escape.JSON) == "    "


def test_times_have_the_form_of_nginx(scene) -> None:
    text = (
        "$time_local|$time_iso8601|$msec|$request_time|$upstream_response_time|$upstream_connect_time"
        "|$upstream_header_time"
    )
    pattern = (
        r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000\|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00\|\d{10}\.\d{3}"
        r"(\|\d+\.\d{3}){4}"
    )
    assert re.fullmatch(pattern, line(scene, text))


def test_the_request_line_is_that_of_the_clients_version(scene) -> None:
    found = line(scene, "$request|$server_protocol|$scheme|$https|$server_port", secure=True)
    assert re.fullmatch(r"GET / HTTP/(1\.1\|HTTP/1\.1|2\.0\|HTTP/2\.0)\|https\|on\|443", found)


def test_of_several_endpoints_there_is_a_list(scene) -> None:
    text = "$upstream_addr | $upstream_status | $upstream_response_length | $upstream_response_time"
    found = line(scene, text, None, Retry("test", tries=2), endpoints=[Endpoint(HANGS_UP), Endpoint(HANGS_UP)])
    assert re.fullmatch(r"10\.0\.0\.\d:80, 10\.0\.0\.\d:80 \| 502, 502 \| 0, 0 \| \d\.\d{3}, \d\.\d{3}", found)


def test_a_canary_stands_beside_the_main_service(scene) -> None:
    backends = (backend("web", weight=0), backend("new", canary=True))
    one = scene(routes=(route(to=backends),), services={"web": [Endpoint()], "new": [Endpoint()]})
    one.log_by("$proxy_upstream_name $proxy_alternative_upstream_name $service_name")
    assert one.play(Request()).logged == ["demo-web-80 demo-new-80 new"]


def test_fields_of_answers_that_edge_makes_itself_are_there_too(scene) -> None:
    found = line(
        scene,
        "$status $sent_http_location $sent_http_content_type $upstream_http_location",
        None,
        HttpsRedirect("test"),
    )
    assert found == "308 https://app.example text/plain; charset=utf-8 -"


# --- escaping ---------------------------------------------------------------------------------------------------------

ODD = Request("GET", '/?q="\\', fields=(("X-Odd", 'a"b\\c\xe9'),))


def test_values_are_escaped_as_nginx_does(scene) -> None:
    assert line(scene, "$args $http_x_odd", ODD) == r"q=\x22\x5C a\x22b\x5Cc\xC3\xA9"


def test_json_stays_json_whatever_clients_send(scene) -> None:
    text = (
        '{"args": "$args", "odd": "$http_x_odd", "none": "$http_x_none", "status": $status, "ingress": "$ingress_name"}'
    )
    found = json.loads(line(scene, text, ODD, escape=Escape.JSON))
    assert found == {"args": 'q="\\', "odd": 'a"b\\cé', "none": "", "status": 200, "ingress": "app"}


def test_nothing_is_escaped_where_that_is_wanted(scene) -> None:
    assert line(scene, "$args $http_x_none|", ODD, escape=Escape.NONE) == 'q="\\ |'


@pytest.mark.parametrize("credentials", ["Basic OnB3", "Basic !", 'Digest username="ann"', "Bearer YW5uOng="])
def test_credentials_without_a_user_name_of_basic_are_none(scene, credentials: str) -> None:
    request = Request(fields=(("Authorization", credentials),))
    assert line(scene, "$remote_user|", request) == "-|"


@pytest.mark.parametrize("escape", list(Escape))
def test_no_user_name_makes_a_second_line(scene, escape: Escape) -> None:
    request = Request(fields=(("Authorization", "Basic YQpiOmM="),))  # "a\nb:c"
    assert line(scene, "$remote_user", request, escape=escape) == "a%0Ab"


# --- which requests leave a line --------------------------------------------------------------------------------------


def test_a_change_of_the_format_holds_from_the_next_request(scene) -> None:
    one = scene()
    found = []
    for text in ("$ingress_name a", "$service_name b", "$ingress_name a", "$status"):
        one.log_by(text)
        found += one.play(Request()).logged
    assert found == ["app a", "web b", "app a", "200"]


def test_without_a_format_lines_are_those_of_ingress_nginx(scene) -> None:
    one = scene()
    one.log_by("$status")
    one.log_by("")
    (found,) = one.play(Request()).logged
    assert "[demo-web-80] [] 10.0.0.1:80 5 " in found


def test_a_format_that_cannot_be_read_is_as_none(scene) -> None:
    assert "[demo-web-80]" in line(scene, "$nonsense")


def test_targets_that_are_skipped_leave_no_line(scene) -> None:
    one = scene()
    one.log_by("$request_uri", skipped=("/health", "/ping?full", "~^/static/.*[.]css$", "~*^/QUIET"))
    targets = ["/health", "/HEALTH", "/health?x", "/ping", "/ping?full", "/static/a.css", "/a/static/a.css", "/quiet/1"]
    logged = [text for target in targets for text in one.play(Request("GET", target)).logged]
    assert logged == ["/health?x", "/ping", "/a/static/a.css"]


def test_nothing_is_logged_where_the_log_is_off(scene) -> None:
    one = scene()
    one.log_by("$status", on=False)
    assert one.play(Request()).logged == []
    one.log_by("$status")
    assert one.play(Request()).logged == ["200"]


def test_requests_that_no_ingress_takes_can_be_left_out(scene) -> None:
    fallback = Route(PathKind.PREFIX, "/", Owner(), (Backend("demo", "web", "80", "demo/web:80"),))
    one = scene(routes=(route("/app"), fallback))
    one.log_by("$request_uri", unmatched=False)
    assert [one.play(Request("GET", target)).logged for target in ("/app", "/other")] == [["/app"], []]


def test_a_route_that_is_not_logged_stays_so(scene) -> None:
    one = scene(NoAccessLog("test"))
    one.log_by("$status")
    assert one.play(Request()).logged == []


def test_the_default_format_is_that_of_ingress_nginx() -> None:
    compiled(UPSTREAM_FORMAT, Escape.DEFAULT)
