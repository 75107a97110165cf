"""Keys about fields of requests and responses."""

from __future__ import annotations

import time
from datetime import datetime

import pytest

from tests.support.backends import Backend, Script, answering
from tests.support.certificates import trusting_all
from tests.support.configured import Configured, config_map


def told(configured: Configured, host: str, target: str = "/") -> dict[str, str]:
    """The fields that the application got."""
    return dict(configured.get(host, target).json()["headers"])


def test_proxy_set_headers_are_live_and_have_variables(configured: Configured, host: str) -> None:
    configured.apply(config_map({"X-Asked": "$request_method $uri", "X-Stage": "test"}, "infra/fields"))
    configured.configure(proxy_set_headers="infra/fields")
    fields = told(configured, host, "/a")
    assert (fields["X-Asked"], fields["X-Stage"]) == ("GET /a", "test")
    configured.apply(config_map({"X-Stage": "changed"}, "infra/fields"))
    fields = told(configured, host)
    assert "X-Asked" not in fields
    assert fields["X-Stage"] == "changed"
    configured.remove("ConfigMap", "fields", "infra")
    assert "X-Stage" not in told(configured, host)
    assert [one.reason for one in configured.problems] == ["MissingConfigMap"]


def test_fields_have_variables_of_routes(configured: Configured, host: str) -> None:
    configured.apply(config_map({"X-Of": "$namespace/$service_name:$service_port"}, "infra/route"))
    configured.configure(proxy_set_headers="infra/route", add_headers="infra/route")
    expected = f"demo/{host.partition('.')[0]}:80"
    assert told(configured, host)["X-Of"] == configured.get(host).get("x-of") == expected


def test_fields_say_when_and_over_what_a_request_came(configured: Configured, host: str) -> None:
    data = {"X-Start": "t=${msec}", "X-Day": "$time_iso8601", "X-Wire": "$server_protocol $https $ssl_protocol"}
    configured.apply(config_map(data, "infra/when"))
    configured.configure(proxy_set_headers="infra/when")
    before = time.time()
    with configured.stage.connect(tls=trusting_all(), server_name=host) as client:
        fields = dict(client.request("/", host=host).json()["headers"])
    assert before - 0.001 <= float(fields["X-Start"].removeprefix("t=")) <= time.time()
    assert datetime.fromisoformat(fields["X-Day"]).timestamp() == pytest.approx(before, abs=60)
    assert fields["X-Wire"] == "HTTP/1.1 on TLSv1.3"


def test_add_headers_are_in_every_answer_and_an_ingress_goes_before(configured: Configured, backend: Backend) -> None:
    configured.apply(config_map({"X-Added": "$host", "X-Backend": "hidden", "X-Own": "all"}, "infra/added"))
    configured.apply(config_map({"X-Own": "one"}, "demo/own"))
    configured.configure(add_headers="infra/added", global_allowed_response_headers="X-Own")
    own = configured.serve(backend, custom_headers="own")
    response = configured.get(own)
    assert (response.all("x-added"), response.all("x-backend"), response.all("x-own")) == ([own], ["hidden"], ["one"])
    assert configured.get("nobody.example").get("x-added") == "nobody.example"


def test_a_field_that_cannot_be_sent_is_left_out(configured: Configured, host: str) -> None:
    configured.apply(config_map({"Connection": "close", "X-Bad": "$nobody_knows", "X-Good": "1"}, "infra/bad"))
    configured.configure(proxy_set_headers="infra/bad")
    assert told(configured, host)["X-Good"] == "1"
    assert [one.field for one in configured.problems] == 2 * ['data["proxy-set-headers"]']


def test_hide_headers(configured: Configured, host: str) -> None:
    assert configured.get(host).get("x-backend") == "backend"
    configured.configure(hide_headers="X-Backend,Transfer-Encoding")
    assert configured.get(host).get("x-backend") is None
    assert len(configured.problems) == 1


def test_hide_headers_leaves_what_edge_adds(configured: Configured, backend: Backend) -> None:
    host = configured.serve(backend, configuration_snippet="add_header X-Backend mine;")
    configured.configure(hide_headers="X-Backend", allow_snippet_annotations="true", annotations_risk_level="Critical")
    assert configured.get(host).all("x-backend") == ["mine"]


@pytest.mark.parametrize(
    ("keys", "server"),
    [
        ({}, None),
        ({"server_tokens": "false"}, None),
        ({"server_tokens": "false", "allow_backend_server_header": "true"}, None),
        ({"server_tokens": "true"}, "edge"),
        ({"server_tokens": "true", "allow_backend_server_header": "true"}, "theirs"),
    ],
)
def test_server_tokens_and_allow_backend_server_header(
    configured: Configured, keys: dict[str, str], server: str | None
) -> None:
    with Script(answering(b"HTTP/1.1 200 OK\r\nServer: theirs\r\nContent-Length: 0\r\n\r\n")) as application:
        host = configured.serve(application)
        configured.configure(**keys)
        assert configured.get(host).get("server") == server
        assert configured.get("nobody.example").get("server") == (None if server is None else "edge")


def test_proxy_add_original_uri_header(configured: Configured, host: str) -> None:
    assert "X-Original-URI" not in told(configured, host)
    configured.configure(proxy_add_original_uri_header="true")
    assert told(configured, host, "/a?b=c")["X-Original-URI"] == "/a?b=c"
