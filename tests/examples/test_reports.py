"""`edge check` over what ingress-nginx's documentation shows: what is not as there is told, with the reason.

The manifests are our own. For each file: what is not simply honoured, and the problems of its objects.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from edge.control import check
from tests.support import examples
from tests.support.edge import write

SORTS = ("annotations", "keys", "flags", "values")
WITH_DIFFERENCE, WITHOUT_EFFECT, REFUSED = "honoured with a difference", "without effect", "refused"
SNIPPETS = {"allow-snippet-annotations": "true", "annotations-risk-level": "Critical"}
"""With these keys an operator allows snippets."""


class Expected(NamedTuple):
    """What is told about a file beside what is honoured."""

    names: dict[str, str]
    """Annotations, keys and flags, and what becomes of them."""
    problems: tuple[str, ...] = ()
    """Severity, object and reason of each."""


def different(*names: str, without: tuple[str, ...] = (), refused: tuple[str, ...] = ()) -> dict[str, str]:
    """NAMES, honoured with a difference; those WITHOUT effect, and those that are REFUSED."""
    sorts = ((WITH_DIFFERENCE, names), (WITHOUT_EFFECT, without), (REFUSED, refused))
    return {name: sort for sort, group in sorts for name in group}


MODSECURITY = ("enable-modsecurity", "enable-owasp-core-rules", "modsecurity-snippet", "modsecurity-transaction-id")
FASTCGI = ("backend-protocol", "fastcgi-index", "fastcgi-params-configmap")
BUFFERS = ("connection-proxy-header", "proxy-buffer-size", "proxy-buffering", "proxy-buffers-number")
EXPECTED = {
    "affinity": Expected(different("affinity")),
    "app-root": Expected(different("app-root")),
    "auth-basic": Expected(different("auth-type", "auth-secret", "auth-realm")),
    "auth-client-certificate": Expected(different("auth-tls-secret", "auth-tls-error-page")),
    "auth-external": Expected(different("auth-url")),
    "auth-external-fields": Expected(different("auth-url", "auth-response-headers")),
    "auth-oauth": Expected(different("auth-url")),
    "auth-snippet": Expected(
        different("auth-url", "auth-snippet"), ("error Ingress judged-with-field AnnotationRefused",)
    ),
    "backend-https": Expected(different("backend-protocol")),
    "buffers": Expected(different(*BUFFERS, "proxy-busy-buffers-size", "proxy-http-version")),
    "canary": Expected(different("canary")),
    "classes": Expected({}),
    "config-dh-parameters": Expected({}),
    "config-dictionaries": Expected(different(without=("lua-shared-dicts",))),
    "config-fields": Expected(different("add-headers", "proxy-set-headers")),
    "config-log-format": Expected(
        different("log-format-upstream", "log-format-escape-json", without=("map-hash-bucket-size",))
    ),
    "config-old-tls": Expected(
        different("ssl-protocols", without=("map-hash-bucket-size",)), ("error ConfigMap controller InvalidValue",)
    ),
    "config-timeouts": Expected({}),
    "config-traces": Expected(
        different(
            "otlp-collector-host",
            "otlp-collector-port",
            "opentelemetry-operation-name",
            "otel-sampler",
            "otel-schedule-delay-millis",
            without=("opentelemetry-config",),
        )
    ),
    "custom-errors": Expected(different("custom-http-errors")),
    "custom-headers": Expected(different("custom-headers")),
    "fastcgi": Expected(different(*FASTCGI)),
    "grpc": Expected(different("backend-protocol")),
    "hash-by-subset": Expected(different("upstream-hash-by", "upstream-hash-by-subset")),
    "logs-and-traces": Expected(different("enable-opentelemetry", without=("enable-rewrite-log",))),
    "mirror": Expected(different("mirror-target")),
    "modsecurity": Expected(different(refused=MODSECURITY), ("error Ingress guarded AnnotationRefused",)),
    # By the Kubernetes API a path of type Prefix and the same with a slash at its end are one path.
    "paths-longest-first": Expected(different("rewrite-target"), ("error Ingress plain-paths PathConflict",)),
    "paths-regex": Expected(different("use-regex")),
    "registry": Expected(different("proxy-read-timeout")),
    "rewrite": Expected(different("rewrite-target", "use-regex")),
    "satisfy": Expected(different("auth-type", "auth-secret", "whitelist-source-range")),
    "snippet-field": Expected(different("configuration-snippet"), ("error Ingress snippet AnnotationRefused",)),
    "snippet-server": Expected(different("server-snippet"), ("error Ingress phones AnnotationRefused",)),
    "snippet-stream": Expected(different(refused=("stream-snippet",)), ("error Ingress listener AnnotationRefused",)),
    "streams": Expected({}),
    "tls": Expected(different("ssl-ciphers")),
    "tls-any-host": Expected({}),
    "tls-legacy": Expected(different("ssl-protocols")),
    "values-buffers": Expected(different("proxy-buffer-size")),
    "values-errors": Expected(different("custom-http-errors", without=("defaultBackend.enabled",))),
    "values-modsecurity": Expected(
        different(refused=("enable-modsecurity", "modsecurity-snippet")),
        ("error ConfigMap ingress-nginx-controller RefusedKey",),
    ),
    "values-second-class": Expected({}),
}


def report(path: Path, folder: Path, capsys: pytest.CaptureFixture[str], **keys: str) -> dict[str, Any]:
    """What `edge check --json` says of PATH in a cluster that has what it names; KEYS: of the ConfigMap."""
    objects = [] if path.stem.startswith("values-") else examples.read(path)
    write(folder, "rest.yaml", *examples.rest_of(objects, keys))
    settings = examples.SETTINGS.with_(**(examples.STREAMS if path.stem == "streams" else {}))
    if path.stem.startswith("values-"):
        settings = settings.with_(configmap="")
    check.run((path, folder), settings, form="json")
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def told(found: dict[str, Any]) -> Expected:
    """What a report says beside what is honoured. What is not as in ingress-nginx has its reason."""
    names = [one for sort in SORTS for one in found[sort] if one["support"] != "honoured"]
    assert all(one["remark"] for one in names)
    problems = {
        f"{problem['severity']} {one['kind']} {one['name']} {problem['reason']}"
        for one in found["objects"]
        for problem in one["problems"]
    }
    return Expected({one["name"]: one["support"] for one in names}, tuple(sorted(problems)))


def test_each_file_has_an_expectation() -> None:
    assert {path.stem for path in examples.FILES} == EXPECTED.keys()


@pytest.mark.parametrize("path", examples.FILES, ids=lambda path: path.stem)
def test_the_report_leaves_no_difference_unexplained(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = report(path, tmp_path, capsys)
    assert told(found) == EXPECTED[path.stem]
    refused = {problem.split()[2] for problem in EXPECTED[path.stem].problems if problem.endswith("AnnotationRefused")}
    for one in found["objects"]:
        if one["kind"] == "Ingress" and one["name"] != "elsewhere":
            assert one["served"] is (one["name"] not in refused), one


@pytest.mark.parametrize("name", ["auth-snippet", "snippet-field", "snippet-server"])
def test_snippets_are_honoured_where_the_operator_allows_them(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = report(examples.FOLDER / f"{name}.yaml", tmp_path, capsys, **SNIPPETS)
    assert told(found).problems == ()
    assert all(one["served"] for one in found["objects"] if one["kind"] == "Ingress")
