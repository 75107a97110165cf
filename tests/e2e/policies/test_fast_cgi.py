"""backend-protocol FCGI with fastcgi-index and fastcgi-params-configmap, from the annotation to the application."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support import objects
from tests.support.fast_cgi import FastCgiApplication
from tests.support.ingresses import Annotated
from tests.support.waiting import eventually, free_port

FCGI = {"backend_protocol": "FCGI"}


def config_map(name: str, **data: str) -> objects.Manifest:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "demo"}, "data": data}


class At:
    """An address where somebody else listens."""

    def __init__(self, port: int) -> None:
        self.host, self.port = "127.0.0.1", port


def test_an_application_answers(edge: Annotated) -> None:
    with FastCgiApplication() as application:
        edge.service("fcgi", application)
        host = edge.ingress("@ Prefix / fcgi", **FCGI)
        parameters = edge.get(host, "/hello?a=b").json()["parameters"]
        assert (parameters["SCRIPT_NAME"], parameters["QUERY_STRING"]) == ("/hello", "a=b")
        assert "SCRIPT_FILENAME" not in parameters, "that is for users to say"
        assert edge.reasons() == []


def test_parameters_of_a_config_map_follow_it(edge: Annotated) -> None:
    with FastCgiApplication() as application:
        edge.service("fcgi", application)
        asked = {**FCGI, "fastcgi_index": "index.php", "fastcgi_params_configmap": "params"}
        host = edge.ingress("@ Prefix / fcgi", **asked)
        assert edge.reasons() == ["MissingConfigMap"]
        assert edge.get(host).status == 503
        edge.put(config_map("params", SCRIPT_FILENAME="/app$fastcgi_script_name"))
        assert edge.reasons() == []
        assert edge.get(host).json()["parameters"]["SCRIPT_FILENAME"] == "/app/index.php"
        edge.put(config_map("params", SCRIPT_FILENAME="/other/x.php", REDIRECT_STATUS="201"))
        parameters = edge.get(host).json()["parameters"]
        assert (parameters["SCRIPT_FILENAME"], parameters["REDIRECT_STATUS"]) == ("/other/x.php", "201")
        edge.put(config_map("params", SCRIPT_FILENAME="/app$unknown"))
        assert edge.reasons() == ["InvalidConfigMap"]
        assert edge.get(host).status == 503
        edge.delete("ConfigMap", "params")
        assert edge.get(host).status == 503


@pytest.mark.parametrize(
    ("annotations", "reason"),
    [
        ({"fastcgi_index": "a b"}, "InvalidAnnotation"),
        ({"fastcgi_params_configmap": "a/b/c"}, "InvalidAnnotation"),
        ({"fastcgi_params_configmap": "other/params"}, "CrossNamespace"),
    ],
)
def test_what_cannot_be_carried_out_closes_the_route(edge: Annotated, annotations: dict[str, str], reason: str) -> None:
    host = edge.ingress(**FCGI, **annotations)
    assert edge.reasons() == [reason]
    assert edge.get(host).status == 503


def test_without_the_protocol_they_have_no_effect(edge: Annotated) -> None:
    host = edge.ingress(fastcgi_index="index.php")
    assert edge.reasons() == ["IneffectiveAnnotation"]
    assert edge.get(host).status == 200


@pytest.mark.skipif(shutil.which("php-cgi") is None, reason="php-cgi is not installed")
def test_php(edge: Annotated, tmp_path: Path) -> None:
    script = """<?php
header("X-Script: " . $_SERVER["SCRIPT_NAME"]);
if (isset($_GET["missing"])) { http_response_code(404); }
if (isset($_GET["go"])) { header("Location: /elsewhere"); }
echo $_SERVER["REQUEST_METHOD"], " ", strlen(file_get_contents("php://input")), " ", $_GET["q"] ?? "", " ", PHP_SAPI;
"""
    (tmp_path / "index.php").write_text(script)
    port = free_port()
    with subprocess.Popen(["php-cgi", "-b", f"127.0.0.1:{port}"], stdin=subprocess.DEVNULL) as php:
        try:
            edge.service("php", At(port))  # type: ignore[arg-type]
            edge.put(config_map("php", SCRIPT_FILENAME=f"{tmp_path}/index.php"))
            host = edge.ingress("@ Prefix / php", **FCGI, fastcgi_params_configmap="php")
            eventually(lambda: edge.get(host).status == 200)
            got = edge.get(host, "/index.php?q=x%20y")
            assert (got.body, got.get("x-script")) == (b"GET 0 x y cgi-fcgi", "/index.php")
            assert edge.get(host, method="POST", body=b"z" * 100_000).body == b"POST 100000  cgi-fcgi"
            assert edge.get(host, "/?missing").status == 404
            got = edge.get(host, "/?go")
            assert (got.status, got.get("location")) == (302, "/elsewhere")
        finally:
            php.kill()
