"""`edge check` as a report before a migration: annotations, keys, flags, in the forms of pipelines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from edge.control import check
from edge.options import OptionError
from edge.settings import Settings
from tests.support import gateway, objects
from tests.support.edge import write
from tests.support.fakeapi import FakeAPI
from tests.support.objects import Manifest

NGINX = "nginx.ingress.kubernetes.io/"
NOTES = {
    NGINX + "proxy-connect-timeout": "5",
    NGINX + "upstream-vhost": "a.example",
    NGINX + "enable-rewrite-log": "true",
    NGINX + "enable-modsecurity": "true",
    NGINX + "no-such-thing": "1",
    "example.com/other": "1",
}


def site(**notes: str) -> list[Manifest]:
    ingress = objects.ingress(annotations=notes or NOTES)
    return [objects.ingress_class(), ingress, objects.service(), objects.endpoints("web", "10.0.0.1")]


def run(*paths: Path, capsys: pytest.CaptureFixture[str], form: str = "text", **settings: Any) -> tuple[int, str]:
    status = check.run(paths, Settings(**settings), form=form)
    return status, capsys.readouterr().out


def test_each_annotation_in_use_is_told_with_what_becomes_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "site.yaml", *site())
    _, text = run(tmp_path, capsys=capsys)
    title = "1 honoured, 1 honoured with a difference, 1 without effect, 1 refused, 1 unknown"
    assert f"Annotations: {title}" in text
    table = text.partition("Annotations:")[2]
    assert "  upstream-vhost      (1)  honoured with a difference  Has the variables of" in table
    assert "  enable-rewrite-log  (1)  without effect              Nothing that a client" in table
    assert "  enable-modsecurity  (1)  refused                     ModSecurity is a module of nginx." in table
    assert "  no-such-thing       (1)  unknown\n" in table
    assert "proxy-connect-timeout" not in table
    assert "example.com" not in table
    assert text.endswith("1 Ingress served with 1 route, 0 errors, 2 warnings\n")


def test_keys_of_the_configmap_are_told_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = {"keep-alive": "60", "no-such-key": "1"}
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "demo"}, "data": data}
    write(tmp_path, "site.yaml", *site(x="y"), config)
    _, text = run(tmp_path, capsys=capsys, configmap="demo/c")
    assert "Keys of the ConfigMap: 1 honoured, 1 unknown\n  no-such-key  (1)  unknown\n" in text


def test_remarks_have_no_markup_of_the_docs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    notes = {NGINX + "upstream-vhost": "a.example", NGINX + "auth-url": "http://auth.example"}
    write(tmp_path, "site.yaml", *site(**notes))
    _, text = run(tmp_path, capsys=capsys)
    table = text.partition("Annotations:")[2]
    assert "Has the variables of requests and those" in table
    assert "does not get the client's X-Forwarded-* fields" in table


@pytest.mark.parametrize(
    ("data", "flag", "settings"),
    [
        ({"keep-alive": "60"}, "--configmap", {"configmap": "demo/c"}),
        ({"9000": "demo/web:80"}, "--tcp-services-configmap", {"tcp_services_configmap": "demo/c"}),
        ({"X-Field": "1"}, "", {}),
    ],
)
def test_a_configmap_of_settings_that_no_flag_names_is_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], data: dict[str, str], flag: str, settings: dict[str, str]
) -> None:
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "demo"}, "data": data}
    write(tmp_path, "site.yaml", *site(x="y"), config)
    status, text = run(tmp_path, capsys=capsys)
    assert (f"no flag names it, so its keys are not checked; use {flag}" in text) == bool(flag)
    assert status == 0
    _, text = run(tmp_path, capsys=capsys, **settings)
    assert "no flag names it" not in text


@pytest.mark.parametrize(("kind", "warnings"), [("HTTPRoute", 1), ("GRPCRoute", 1), ("Ingress", 0)])
def test_a_key_that_does_not_guard_routes_of_the_gateway_api_is_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, warnings: int
) -> None:
    """One, however many of them there are; with the way out."""
    data = {"denylist-source-range": "192.0.2.0/24"}
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "demo"}, "data": data}
    routes = [gateway.route(gateway.rule("web"), name=name, hosts=(f"{name}.example",)) for name in ("a", "b")]
    own = [gateway.gateway_class(), gateway.gateway(), *({**one, "kind": kind} for one in routes)]
    write(tmp_path, "site.yaml", *site(), config, *(own if kind != "Ingress" else ()))
    status, text = run(tmp_path, capsys=capsys, configmap="demo/c")
    assert status == 0
    assert text.count('warning: data["denylist-source-range"]: holds for Ingresses alone') == warnings
    assert text.count("use block-cidrs, which holds for all routes") == warnings


def test_values_of_ingress_nginx_are_told_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "values.yaml"
    path.write_text(
        "controller:\n  config: {keep-alive: 60}\n"
        "  extraArgs: {publish-service: a/b, http-port: 80, profiling: false, no-such-flag: 1}\n"
    )
    status, text = run(path, capsys=capsys)
    assert status == 0
    assert "Keys of the ConfigMap: 1 honoured\n" in text
    flags = text.partition("Flags:")[2]
    assert flags.startswith(" 1 honoured, 1 honoured with a difference, 1 without effect, 1 unknown\n")
    assert "  profiling     (1)  without effect              There is no profiler over HTTP." in flags


def test_the_keys_of_a_file_of_values_are_judged_and_hold_for_the_manifests_beside_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "values.yaml"
    path.write_text(
        "controller:\n  config: {proxy-body-size: 5m, keep-alive: long, use-gzip: true, add-headers: a/b}\n"
    )
    status, text = run(path, capsys=capsys)
    assert status == 1
    heading = f"ConfigMap ingress-nginx/ingress-nginx-controller ({path}, controller.config)"
    assert f'{heading}\n  error: data["keep-alive"]: "long" is not a time' in text
    assert "add-headers" not in text.partition("Keys of")[0]
    manifests = tmp_path / "manifests"
    manifests.mkdir()
    write(manifests, "site.yaml", *site(x="y"))
    _, text = run(path, manifests, capsys=capsys)
    assert "request bodies up to 5242880 bytes" in text
    assert 'data["add-headers"]: ConfigMap a/b does not exist' in text


def test_values_that_edge_has_nothing_for_are_told_with_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "values.yaml"
    path.write_text(
        "controller:\n  image: {image: ingress-nginx/controller}\n  opentelemetry: {enabled: false}\n"
        "  lifecycle: {preStop: {exec: {command: [/wait-shutdown]}}}\n  extraArgs: {http-port: 80}\n"
        "dhParam: ''\ndefaultBackend: {enabled: true}\n"
    )
    _, text = run(path, capsys=capsys)
    values = text.partition("Values of the chart:")[2]
    assert values.startswith(" 4 without effect\n")
    told = [line.split()[0] for line in values.splitlines()[1:5]]
    assert told == [
        "controller.extraArgs.http-port",
        "controller.image",
        "controller.lifecycle",
        "defaultBackend.enabled",
    ]
    assert "name a Service of yours in controller.extraArgs.default-backend-service" in values
    _, text = run(path, capsys=capsys, form="json")
    assert len(json.loads(text)["values"]) == 4


def test_json_says_all_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "site.yaml", *site())
    status, text = run(tmp_path, capsys=capsys, form="json")
    found = json.loads(text)
    (ingress,) = [one for one in found["objects"] if one["kind"] == "Ingress"]
    assert (status, found["errors"], found["warnings"]) == (0, 0, 2)
    assert ingress["served"]
    assert ingress["place"].endswith("site.yaml, document 2")
    assert {one["reason"] for one in ingress["problems"]} == {"UnsupportedAnnotation", "UnknownAnnotation"}
    by_name = {one["name"]: one for one in found["annotations"]}
    assert by_name["proxy-connect-timeout"]["support"] == "honoured"
    assert by_name["enable-modsecurity"]["in"] == ["Ingress demo/web"]


def test_junit_has_a_case_for_each_object_that_fails_by_its_errors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = objects.ingress("broken", host="b.example", service="missing")
    write(tmp_path, "site.yaml", *site(), broken)
    status, text = run(tmp_path, capsys=capsys, form="junit")
    suite = ElementTree.fromstring(text)
    assert (status, suite.get("tests"), suite.get("failures")) == (1, "2", "1")
    cases = {case.get("name"): case for case in suite}
    failure = cases["Ingress demo/broken"].find("failure")
    assert failure is not None
    assert "Service demo/missing does not exist" in (failure.text or "")
    assert cases["Ingress demo/web"].find("failure") is None
    assert "no such annotation" in (cases["Ingress demo/web"].findtext("system-out") or "")


def test_a_cluster_is_read_by_its_kubeconfig(api: FakeAPI, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the Secrets that are named, and no others."""
    secured = objects.ingress(secret="tls", annotations=NOTES)
    api.apply(objects.ingress_class(), secured, objects.service(), objects.endpoints("web", "10.0.0.1"))
    api.apply(objects.secret("unnamed", tls_crt="x"))
    kubeconfig = str(api.kubeconfig(tmp_path / "kubeconfig"))
    status, text = run(capsys=capsys, kubeconfig=kubeconfig)
    assert status == 1
    assert "Prefix /  -> web:80  -> 10.0.0.1:8080" in text
    assert "Secret demo/tls does not exist" in text
    assert "Annotations: 1 honoured, " in text
    assert [request.name for request in api.seen("get", "secrets")] == ["tls"]


def test_a_cluster_that_cannot_be_read_is_told(tmp_path: Path, api: FakeAPI) -> None:
    path = api.kubeconfig(tmp_path / "kubeconfig")
    api.stop()
    with pytest.raises(OptionError, match="the cluster cannot be read: "):
        check.run((), Settings(kubeconfig=str(path)))


def test_a_kubeconfig_that_does_not_exist_is_told(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"the cluster cannot be read: .*/nowhere: no such file$"):
        check.run((), Settings(kubeconfig=str(tmp_path / "nowhere")))


def test_a_request_is_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Which route takes it, why the others do not, what is done with it and where it goes."""
    other = objects.ingress("long", service="long", annotations={NGINX + "proxy-body-size": "8m"})
    other["spec"]["rules"][0]["http"]["paths"][0]["path"] = "/a"
    write(tmp_path, "site.yaml", *site(), other, objects.service("long"), objects.endpoints("long", "10.0.0.2"))
    assert check.run((tmp_path,), Settings(), explain=("WEB.example:80", "/a//b?c")) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == [
        "web.example/a/b",
        "  host web.example",
        "    Prefix /a  -> long:80  Ingress demo/long  takes it",
        "    Prefix /   -> web:80   Ingress demo/web   no: the route above goes before it",
    ]
    assert "  policies, in the order in which they act:" in lines
    assert any(NGINX + "proxy-body-size" in line for line in lines)
    assert "  Service demo/long:80, round robin: 10.0.0.2:8080" in lines
