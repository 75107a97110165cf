"""The ConfigMap as an object: it comes, changes and goes, and may be wrong."""

from __future__ import annotations

from tests.support.backends import Backend
from tests.support.configured import NAME, Configured


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
