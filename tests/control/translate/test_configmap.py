"""The keys of ingress-nginx's ConfigMap, one by one: what they may be, and what is said of each."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from msgspec.structs import replace

from edge.control.kinds.core import ConfigMap
from edge.control.kinds.objects import Metadata
from edge.control.kinds.problems import Severity
from edge.control.translate.annotations.catalogue import Support
from edge.control.translate.annotations.defaults import defaults_of
from edge.control.translate.configmap.catalogue import catalogue
from edge.control.translate.configmap.groups import KEYS
from edge.control.translate.configmap.keys import Key, Sort
from edge.control.translate.configmap.names import INGRESS_NGINX
from edge.control.translate.configmap.reading import Configuration, read
from edge.settings import Settings
from edge.table.parameters import SETTINGS, Parameters, TlsParameters

FLAGS = defaults_of(Settings())
OF_KIND = [key for key in KEYS.values() if key.sort in (Sort.WORKERS, Sort.HANDSHAKES, Sort.PLANE)]


def configuration(**data: str) -> Configuration:
    """What a ConfigMap with DATA says; `_` stands for `-`."""
    metadata = Metadata(name="controller", namespace="ingress")
    return read(
        ConfigMap(metadata, {name.replace("_", "-"): text for name, text in data.items()}), FLAGS, lambda _: None
    )


def test_every_key_of_ingress_nginx_is_in_a_group() -> None:
    assert KEYS.keys() >= INGRESS_NGINX


def test_every_key_is_in_one_group_alone() -> None:
    names = [entry.name for entry in catalogue()]
    assert len(names) == len(set(names)) == len(KEYS)


def test_what_has_no_effect_or_is_refused_has_a_reason() -> None:
    for entry in catalogue():
        if entry.support in (Support.WITHOUT_EFFECT, Support.REFUSED):
            assert entry.remark.endswith("."), entry.name


@pytest.mark.parametrize("key", OF_KIND, ids=lambda key: key.name)
def test_a_key_sets_a_field_that_there_is(key: Key) -> None:
    known = {
        Sort.WORKERS: set(Parameters.__struct_fields__),
        Sort.HANDSHAKES: set(TlsParameters.__struct_fields__),
        Sort.PLANE: {one.name for one in fields(Settings)},
    }
    assert key.field in known[key.sort]


def test_parameters_without_a_default_are_settings() -> None:
    assert set(SETTINGS) <= {one.name for one in fields(Settings)}
    assert not set(Parameters.__struct_fields__) - set(SETTINGS) & {one.name for one in fields(Settings)}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("keep-alive", "1m30s", 90.0),
        ("keep-alive", "0", 0.0),
        ("client-header-timeout", "5", 5.0),
        ("proxy-protocol-header-timeout", "1.5s", 1.5),
        ("worker-shutdown-timeout", "240s", 240.0),
        ("keep-alive-requests", "1000", 1000),
        ("use-http2", "F", False),
        ("use-http2", "1", True),
        ("forwarded-for-header", "X-Real", "x-real"),
        ("otel-max-queuesize", "7", 7),
        ("upstream-keepalive-time", "1h", 3600.0),
    ],
)
def test_values_of_parameters(name: str, text: str, value: Any) -> None:
    found = configuration(**{name: text})
    assert not found.problems
    assert getattr(found.parameters, KEYS[name].field) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("keep-alive", "long"),
        ("keep-alive", "-1"),
        ("keep-alive", "1x"),
        ("client-header-timeout", "0"),
        ("keep-alive-requests", "1.5"),
        ("use-http2", "yes"),
        ("forwarded-for-header", "X Real"),
        ("ssl-protocols", "TLSv1.4"),
        ("ssl-ciphers", "none of them"),
        ("ssl-session-timeout", "0"),
        ("large-client-header-buffers", "8k"),
        ("large-client-header-buffers", "0 8k"),
        ("otel-sampler", "Sometimes"),
        ("otel-sampler-ratio", "2"),
        ("default-type", "html"),
        ("add-headers", "no-namespace"),
        ("proxy-read-timeout", "soon"),
        ("http-redirect-code", "200"),
        ("hsts-max-age", "year"),
        ("custom-http-errors", "200"),
        ("load-balance", "random"),
        ("proxy-stream-timeout", "0"),
        ("annotations-risk-level", "Extreme"),
    ],
)
def test_a_value_that_cannot_be_read_is_reported_and_sets_nothing(name: str, text: str) -> None:
    found = configuration(**{name: text})
    assert [(one.reason, one.field) for one in found.problems] == [("InvalidValue", f'data["{name}"]')]
    assert found == replace(configuration(), problems=found.problems)


def test_an_empty_value_is_none() -> None:
    assert configuration(keep_alive="", proxy_body_size=" ") == configuration()


@pytest.mark.parametrize("name", [key.name for key in KEYS.values() if key.sort is Sort.WITHOUT_EFFECT])
def test_a_key_without_effect_is_accepted_quietly(name: str) -> None:
    assert configuration(**{name: "anything"}) == configuration()


@pytest.mark.parametrize("name", [key.name for key in KEYS.values() if key.sort is Sort.REFUSED])
def test_a_refused_key_is_reported_with_the_reason(name: str) -> None:
    (problem,) = configuration(**{name: "anything"}).problems
    assert problem.reason == "RefusedKey"
    assert KEYS[name].remark in problem.message
    assert problem.severity is Severity.ERROR
    assert configuration(**{name: "false"}) == configuration()


@pytest.mark.parametrize(
    ("keys", "endpoint", "ratio"),
    [
        ({"otlp_collector_host": "otel.demo"}, "http://otel.demo:4318/v1/traces", None),
        ({"otlp_collector_host": "otel", "otlp_collector_port": "9"}, "http://otel:9/v1/traces", None),
        ({"otel_sampler": "AlwaysOn"}, None, 1.0),
        ({"otel_sampler": "AlwaysOff", "otel_sampler_ratio": "0.5"}, None, 0.0),
        ({"otel_sampler": "TraceIdRatioBased", "otel_sampler_ratio": "0.5"}, None, 0.5),
    ],
)
def test_where_spans_go_and_which_there_are(keys: dict[str, str], endpoint: str | None, ratio: float | None) -> None:
    found = configuration(**keys).parameters
    assert (found.otlp_endpoint, found.otel_sampler_ratio) == (endpoint, ratio)


def test_streams_go_by_keys_that_are_settings_of_the_control_plane() -> None:
    found = configuration(
        proxy_stream_timeout="10m",
        proxy_stream_next_upstream="false",
        proxy_stream_next_upstream_timeout="5s",
        proxy_stream_next_upstream_tries="2",
        proxy_stream_responses="3",
    )
    assert found.settings == {
        "proxy_stream_timeout": 600.0,
        "proxy_stream_next_upstream": False,
        "proxy_stream_next_upstream_timeout": 5.0,
        "proxy_stream_next_upstream_tries": 2,
        "proxy_stream_responses": 3,
    }
