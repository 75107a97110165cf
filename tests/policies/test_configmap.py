"""Keys of ingress-nginx's ConfigMap, from the object to what clients and endpoints see of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.backends import Backend
from tests.support.clients import head
from tests.support.configured import NAME, Configured
from tests.support.stage import Stage


@pytest.fixture(scope="module")
def configured() -> Iterator[Configured]:
    with Stage() as stage:
        yield Configured(stage)


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    with Backend() as backend:
        yield backend


@pytest.fixture(scope="module")
def host(configured: Configured, backend: Backend) -> str:
    return configured.serve(backend)


@pytest.fixture(autouse=True)
def _nothing_set(configured: Configured) -> Iterator[None]:
    yield
    configured.configure()


# --- the ConfigMap as an object --------------------------------------------------------------------------------------


def test_a_change_is_in_force_at_the_next_request_of_an_open_connection(configured: Configured, host: str) -> None:
    with configured.stage.connect() as client:
        assert client.request(method="POST", host=host, body=b"x" * 100).status == 200
        configured.configure(proxy_body_size="50")
        assert client.request(method="POST", host=host, body=b"x" * 50).status == 200
        assert client.request(method="POST", host=host, body=b"x" * 51).status == 413
    configured.configure()
    assert configured.get(host, method="POST", body=b"x" * 51).status == 200


def test_a_bad_value_is_reported_and_its_default_holds(configured: Configured, host: str) -> None:
    configured.configure(proxy_body_size="much", keep_alive="for ever")
    assert [(one.reason, one.field) for one in configured.problems] == [
        ("InvalidValue", 'data["keep-alive"]'),
        ("InvalidValue", 'data["proxy-body-size"]'),
    ]
    assert configured.get(host, method="POST", body=b"x" * 1000).status == 200
    configured.configure(proxy_body_size="1k", keep_alive="10")
    assert not configured.problems


def test_a_misspelt_key_is_reported(configured: Configured) -> None:
    configured.configure(proxy_body_sise="1k")
    (problem,) = configured.problems
    assert 'did you mean "proxy-body-size"?' in problem.message


def test_without_the_configmap_the_defaults_hold_until_it_comes(configured: Configured, host: str) -> None:
    configured.configure(proxy_body_size="50")
    assert configured.get(host, method="POST", body=b"x" * 51).status == 413
    configured.remove("ConfigMap", *reversed(NAME.split("/")))
    assert [one.reason for one in configured.problems] == ["MissingConfigMap"]
    assert configured.get(host, method="POST", body=b"x" * 51).status == 200
    configured.configure(proxy_body_size="50")
    assert configured.get(host, method="POST", body=b"x" * 51).status == 413


def test_an_annotation_goes_before_a_key(configured: Configured, backend: Backend) -> None:
    configured.configure(proxy_body_size="50")
    own = configured.serve(backend, proxy_body_size="60")
    assert configured.get(own, method="POST", body=b"x" * 60).status == 200
    assert configured.get(own, method="POST", body=b"x" * 61).status == 413


def test_a_key_is_no_annotation(configured: Configured, backend: Backend) -> None:
    own = configured.serve(backend, keep_alive_requests="1")
    with configured.stage.connect() as client:
        assert client.request(host=own).get("connection") is None


# --- connections of clients -------------------------------------------------------------------------------------------


def test_keep_alive_requests_holds_for_connections_that_are_open(configured: Configured, host: str) -> None:
    with configured.stage.connect() as client:
        assert client.request(host=host).get("connection") is None
        configured.configure(keep_alive_requests="3")
        assert client.request(host=host).get("connection") is None
        assert client.request(host=host).get("connection") == "close"
        assert client.is_closed()


def test_keep_alive_of_0_keeps_none(configured: Configured, host: str) -> None:
    configured.configure(keep_alive="0")
    assert configured.get(host).get("connection") == "close"


def test_client_header_timeout(configured: Configured, host: str) -> None:
    configured.configure(client_header_timeout="1")
    with configured.stage.connect() as client:
        client.send(head("/", host=host)[:-2])
        assert client.response().status == 408


def test_client_body_timeout(configured: Configured, host: str) -> None:
    configured.configure(client_body_timeout="1")
    with configured.stage.connect() as client:
        client.send(head("/", method="POST", host=host, fields=[("Content-Length", "5")]))
        assert client.response().status == 408


# --- who the client is ------------------------------------------------------------------------------------------------


def test_use_forwarded_headers_holds_for_connections_that_are_open(configured: Configured, host: str) -> None:
    claim = [("X-Forwarded-For", "192.0.2.7")]

    with configured.stage.connect() as client:

        def told() -> str:
            return str(dict(client.request(host=host, fields=claim).json()["headers"])["X-Forwarded-For"])

        assert told() == "127.0.0.1"
        configured.configure(use_forwarded_headers="true")
        assert told() == "192.0.2.7"
        configured.configure(use_forwarded_headers="true", proxy_real_ip_cidr="10.0.0.0/8")
        assert told() == "127.0.0.1"


def test_use_proxy_protocol_holds_for_the_next_connection(configured: Configured, host: str) -> None:
    configured.configure(use_proxy_protocol="true")
    with configured.stage.connect() as client:
        client.send(b"PROXY TCP4 192.0.2.9 192.0.2.1 4000 80\r\n" + head("/", host=host))
        assert dict(client.response().json()["headers"])["X-Forwarded-For"] == "192.0.2.9"
    configured.configure()
    assert configured.get(host).status == 200
