"""custom-headers: fields of every response, from a ConfigMap."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from edge.settings import Settings
from tests.support.backends import Backend
from tests.support.ingresses import Annotated
from tests.support.world import Manifest

ALLOWED = ("X-Frame-Options", "My-Custom-Header-Dollar")


@pytest.fixture(scope="module")
def edge(backend: Backend) -> Iterator[Annotated]:
    with Annotated(settings=Settings(global_allowed_response_headers=ALLOWED)) as one:
        one.service("web", backend)
        yield one


def config_map(name: str, namespace: str = "demo", **data: str) -> Manifest:
    """A ConfigMap; `_` stands for `-` in its keys."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace},
        "data": {key.replace("_", "-"): value for key, value in data.items()},
    }


def test_the_configmap_is_followed(edge: Annotated) -> None:
    host = edge.ingress(custom_headers="demo/followed")
    assert (edge.get(host).status, edge.reasons()) == (503, ["MissingConfigMap"])
    edge.put(config_map("followed", X_Frame_Options="DENY"))
    answer = edge.get(host)
    assert (answer.status, answer.get("X-Frame-Options"), edge.reasons()) == (200, "DENY", [])
    edge.put(config_map("followed", X_Frame_Options="SAMEORIGIN"))
    assert edge.get(host).get("X-Frame-Options") == "SAMEORIGIN"
    edge.delete("ConfigMap", "followed")
    assert edge.get(host).status == 503


def test_a_dollar_stands_for_itself(edge: Annotated) -> None:
    edge.put(config_map("dollar", My_Custom_Header_Dollar="$remote_addr"))
    assert edge.get(edge.ingress(custom_headers="demo/dollar")).get("My-Custom-Header-Dollar") == "$remote_addr"


def test_an_empty_configmap_adds_nothing(edge: Annotated) -> None:
    edge.put(config_map("empty"))
    assert edge.get(edge.ingress(custom_headers="demo/empty")).status == 200


@pytest.mark.parametrize(
    "data",
    [
        {"X-Other": "1"},
        {"X-Frame-Options": "DENY", "X-Other": "1"},
        {"X-Frame-Options": ""},
        {"X-Frame-Options": "a\r\nX-Other: 1"},
        {"X.Frame": "1"},
    ],
)
def test_anything_else_closes_the_route(edge: Annotated, data: dict[str, str]) -> None:
    edge.put(config_map("wrong", **data))
    answer = edge.get(edge.ingress(custom_headers="demo/wrong"))
    assert (answer.status, answer.get("X-Frame-Options")) == (503, None)
    assert edge.reasons() == ["InvalidConfigMap"]


def test_no_annotation_allows_further_fields(edge: Annotated) -> None:
    edge.put(config_map("further", X_Other="1"))
    host = edge.ingress(custom_headers="demo/further", global_allowed_response_headers="X-Other")
    assert edge.get(host).status == 503


def test_one_of_another_namespace_is_refused(edge: Annotated) -> None:
    edge.put(config_map("foreign", "other", X_Frame_Options="DENY"))
    assert edge.get(edge.ingress(custom_headers="other/foreign")).status == 503
    assert edge.reasons() == ["CrossNamespace"]


def test_what_is_no_name_is_reported(edge: Annotated) -> None:
    assert edge.get(edge.ingress(custom_headers="demo/a b")).status == 503
    assert edge.reasons() == ["InvalidAnnotation"]


def test_answers_to_who_may_not_come_in_have_them(edge: Annotated) -> None:
    edge.put(config_map("answers", X_Frame_Options="DENY"))
    answer = edge.get(edge.ingress(custom_headers="demo/answers", denylist_source_range="127.0.0.0/8"))
    assert (answer.status, answer.get("X-Frame-Options")) == (403, "DENY")
