"""`edge check`: the verdict on manifests."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from edge.control import check
from edge.settings import Settings
from tests.support import gateway, objects
from tests.support.certificates import self_signed


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is called `manifests` in all output."""
    monkeypatch.chdir(tmp_path)
    path = Path("manifests")
    path.mkdir()
    return path


def write(path: Path, *manifests: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump_all(manifests))


def verdict(capsys: pytest.CaptureFixture[str], *paths: Path, **settings: Any) -> tuple[int, str]:
    """Exit status and output."""
    status = check.run(paths, Settings(**settings))
    captured = capsys.readouterr()
    assert captured.err == ""
    return status, captured.out


def test_every_route_is_shown_with_its_service_and_its_endpoints(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = objects.ingress("shop", host="shop.example")
    shop["spec"]["rules"][0]["http"]["paths"] += [
        {"path": "/login", "pathType": "Exact", "backend": {"service": {"name": "web", "port": {"name": "http"}}}},
        {
            "path": "/files",
            "pathType": "ImplementationSpecific",
            "backend": {"resource": {"kind": "Bucket", "name": "b"}},
        },
    ]
    shop["spec"]["defaultBackend"] = {"service": {"name": "outside", "port": {"number": 443}}}
    write(folder / "b.yaml", objects.ingress_class(), shop)
    outside = objects.service("outside", type="ExternalName", externalName="backend.example")
    write(folder / "a.yaml", objects.service(), objects.endpoints("web", "10.0.0.1", "10.0.0.2"), outside)
    assert verdict(capsys, folder) == (
        1,
        """\
Ingress demo/shop (manifests/b.yaml, document 2)
  shop.example
    Exact /login                   -> web:http     -> 10.0.0.1:8080, 10.0.0.2:8080
    ImplementationSpecific /files  -> answer 404   -> 404
    Prefix /                       -> web:80       -> 10.0.0.1:8080, 10.0.0.2:8080
    otherwise                      -> outside:443  -> whatever backend.example resolves to
  error: spec.rules[0].http.paths[2].backend.resource: resource backends are not supported; requests are answered 404

1 Ingress served with 4 routes, 1 error, 0 warnings
""",
    )


def test_tls_tells_which_certificate_is_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pair = self_signed("shop.example", days=90)
    write(
        folder / "all.yaml",
        objects.ingress("shop", host="shop.example", secret="shop-tls"),
        objects.secret("shop-tls", tls_crt=pair.certificate, tls_key=pair.key),
        objects.service(),
        objects.endpoints("web", "10.0.0.1"),
    )
    status, output = verdict(capsys, folder)
    assert status == 0
    until = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 90 * 86400))
    assert f"  shop.example (TLS: Secret demo/shop-tls, until {until})\n" in output
    assert "http is redirected to https (308)" in output
    assert pair.key.decode() not in output


@pytest.mark.parametrize(
    ("manifests", "told"),
    [
        (
            [objects.ingress(ingress_class="unknown"), objects.ingress_class()],
            'error: spec.ingressClassName: IngressClass "unknown" does not exist',
        ),
        (
            [objects.ingress(service="missing")],
            "error: spec.rules[0].http.paths[0].backend.service.name: Service demo/missing does not exist",
        ),
        (
            [objects.ingress(secret="missing"), objects.service()],
            "error: spec.tls[0].secretName: Secret demo/missing does not exist",
        ),
        (
            [objects.ingress(port=8080), objects.service()],
            "error: spec.rules[0].http.paths[0].backend.service.port: Service demo/web has no TCP port 8080",
        ),
        (
            [objects.ingress(annotations={"nginx.ingress.kubernetes.io/ssl-redirect": "maybe"})],
            'error: metadata.annotations["nginx.ingress.kubernetes.io/ssl-redirect"]: "maybe" is not a boolean',
        ),
        (
            [objects.ingress("a"), objects.ingress("b")],
            'error: spec.rules[0].http.paths[0]: path "/" (Prefix) of host "web.example" is taken by Ingress demo/a',
        ),
        (
            [objects.secret(tls_crt="x")],
            'error: data["tls.key"]: required in a Secret of type kubernetes.io/tls (manifests/all.yaml, document 1)',
        ),
        ([{"kind": "Ingress"}], "error: apiVersion: required (manifests/all.yaml, document 1)"),
    ],
)
def test_every_error_is_told_and_is_the_exit_status(
    folder: Path, capsys: pytest.CaptureFixture[str], manifests: list[dict[str, Any]], told: str
) -> None:
    write(folder / "all.yaml", *manifests)
    status, output = verdict(capsys, folder)
    assert status == 1
    assert told in output


def test_warnings_alone_are_no_failure(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder / "all.yaml", objects.ingress(), objects.service(), objects.ingress("other", ingress_class=None))
    status, output = verdict(capsys, folder)
    assert status == 0
    assert "  warning: spec.rules[0].http.paths[0].backend.service: Service demo/web has no ready endpoint" in output
    assert "  warning: spec.ingressClassName: no class is named" in output
    assert output.endswith("\n1 Ingress served with 1 route, 1 Ingress not served, 0 errors, 2 warnings\n")


def test_an_ingress_of_another_controller_is_neither_served_nor_wrong(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(
        folder / "all.yaml",
        objects.ingress("a", ingress_class="other", service="missing"),
        objects.ingress("b", ingress_class=None, annotations={"kubernetes.io/ingress.class": "legacy"}),
        objects.ingress_class(),
        objects.ingress_class("other", controller="example.com/other"),
    )
    assert verdict(capsys, folder) == (
        0,
        """\
Ingress demo/a (manifests/all.yaml, document 1)
  not served: IngressClass "other" is of another controller, example.com/other; see --controller-class

Ingress demo/b (manifests/all.yaml, document 2)
  not served: class "legacy" is of another controller; see --ingress-class

0 Ingresses served with 0 routes, 2 Ingresses not served, 0 errors, 0 warnings
""",
    )


def test_an_ingress_that_lost_all_its_paths_is_shown_without_route(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(
        folder / "all.yaml",
        objects.ingress("a"),
        objects.ingress("b"),
        objects.service(),
        objects.endpoints("web", "10.0.0.1"),
    )
    _, output = verdict(capsys, folder)
    assert "Ingress demo/b (manifests/all.yaml, document 2)\n  web.example\n  no route\n  error: " in output


def test_a_canary_is_shown_with_the_route_that_it_has_a_part_of(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    canary = objects.ingress("canary", service="new")
    prefix = "nginx.ingress.kubernetes.io/canary"
    canary["metadata"]["annotations"] = {prefix: "true", f"{prefix}-weight": "20"}
    services = [objects.service(), objects.service("new"), objects.endpoints(), objects.endpoints("new")]
    write(folder / "all.yaml", objects.ingress(), canary, *services)
    status, output = verdict(capsys, folder)
    shown = "    Prefix /  -> web:80 (weight 80), new:80 (canary, weight 20)  as a canary of Ingress demo/web"
    assert status == 0
    assert f"Ingress demo/canary (manifests/all.yaml, document 2)\n  web.example\n{shown}\n" in output


def test_a_canary_without_a_main_ingress_gets_no_requests(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    canary = objects.ingress("canary")
    canary["metadata"]["annotations"] = {"nginx.ingress.kubernetes.io/canary": "true"}
    write(folder / "all.yaml", canary, objects.service(), objects.endpoints())
    _, output = verdict(capsys, folder)
    assert 'no main Ingress has path "/" (Prefix) of host "web.example"; the canary gets no requests' in output


def test_an_annotation_that_will_not_come_is_reported_with_the_way_out(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ingress = objects.ingress()
    ingress["metadata"]["annotations"] = {"nginx.ingress.kubernetes.io/enable-modsecurity": "true"}
    write(folder / "all.yaml", ingress, objects.service(), objects.endpoints())
    _, output = verdict(capsys, folder)
    assert (
        'warning: metadata.annotations["nginx.ingress.kubernetes.io/enable-modsecurity"]: '
        "not supported; the annotation is ignored. ModSecurity is a module of nginx. "
        "Put a web application firewall in front of Edge or behind it."
    ) in output


def test_an_object_that_stands_twice_is_reported_where_it_is_ignored(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder / "a.yaml", objects.service())
    write(folder / "b.yaml", objects.service(port=81))
    status, output = verdict(capsys, folder)
    assert status == 1
    assert (
        "defined already in manifests/a.yaml, document 1; that one is in force (manifests/b.yaml, document 1)\n"
        in output
    )


def test_files_and_folders_may_be_named_together(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder / "all.yaml", objects.ingress(), objects.service())
    single = Path("endpoints")
    write(single, objects.endpoints("web", "10.0.0.1"))
    status, output = verdict(capsys, single, folder)
    assert (status, "-> 10.0.0.1:8080" in output) == (0, True)


def test_the_settings_of_translation_are_obeyed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(
        folder / "all.yaml",
        objects.ingress(ingress_class=None),
        objects.service(),
        objects.endpoints("web", "10.0.0.1"),
    )
    status, output = verdict(capsys, folder, watch_ingress_without_class=True, default_ssl_certificate="demo/missing")
    assert status == 1
    assert "1 Ingress served" in output
    assert "Secret demo/missing\n  error: --default-ssl-certificate: Secret demo/missing does not exist" in output


def test_the_command_line_leads_here(folder: Path) -> None:
    def edge(*arguments: str) -> tuple[int, str, str]:
        done = subprocess.run([sys.executable, "-m", "edge", *arguments], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    assert edge("check", str(folder)) == (0, "0 Ingresses served with 0 routes, 0 errors, 0 warnings\n", "")
    assert edge("check", "missing") == (2, "", "edge check: missing: no such file or folder\n")


def test_what_another_program_writes_can_be_checked(folder: Path) -> None:
    """`helm template ... | edge check /dev/stdin`, with the rest in a folder."""
    write(folder / "all.yaml", objects.service(), objects.endpoints("web", "10.0.0.1"))
    command = [sys.executable, "-m", "edge", "check", "/dev/stdin", str(folder)]
    text = yaml.safe_dump(objects.ingress())
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "Ingress demo/web (/dev/stdin, document 1)" in done.stdout
    assert "-> 10.0.0.1:8080" in done.stdout
    done = subprocess.run([*command[:-2], "/dev/null"], capture_output=True, text=True, check=False)
    assert (done.returncode, "/dev/null\n  error: is neither a file nor a folder" in done.stdout) == (1, True)


def test_streams_of_routes_are_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With where they are listened for; a Gateway that only waits for its Service is no mistake in a manifest."""
    tcp = gateway.listener("tcp", port=9000, protocol="TCP")
    stream = {**gateway.route(gateway.rule("web", "gone"), name="db", hosts=()), "kind": "TCPRoute"}
    write(folder / "a.yaml", gateway.gateway_class(), gateway.gateway(tcp), stream)
    write(folder / "b.yaml", objects.service(), objects.endpoints("web", "10.0.0.1"), objects.service("gone"))
    status, out = verdict(capsys, folder, gateway_services="LoadBalancer")
    assert status == 0
    assert "  demo/edge:9000  -> demo/web:80 (1), demo/gone:80 (1)  -> 10.0.0.1:8080; -> no endpoint\n" in out
    assert "Gateway demo/edge" not in out
    assert out.endswith("\n1 TCPRoute served with 0 routes and 1 stream, 0 errors, 1 warning\n")


def test_tcp_and_udp_services_are_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ports = {"5432": "demo/web:80", "9000": "demo/gone:80"}
    write(folder / "a.yaml", objects.config_map("tcp", ports), objects.service(), objects.endpoints("web", "10.0.0.1"))
    _, out = verdict(capsys, folder, tcp_services_configmap="demo/tcp")
    assert "ConfigMap demo/tcp (manifests/a.yaml, document 1)\n  tcp:5432  -> demo/web:80   -> 10.0.0.1:8080\n" in out
    assert "  error: data.9000: Service demo/gone does not exist; connections are closed\n" in out
    assert out.endswith("\n0 Ingresses served with 0 routes and 2 streams, 1 error, 0 warnings\n")
    assert "tcp:" not in verdict(capsys, folder)[1]


def test_routes_of_the_gateway_api_are_shown_beside_ingresses(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    redirect = {"type": "RequestRedirect", "requestRedirect": {"scheme": "https"}}
    write(folder / "a.yaml", gateway.gateway_class(), gateway.gateway(gateway.listener(port=81)))
    write(
        folder / "b.yaml",
        gateway.route(
            gateway.rule("web=3", "gone", matches=[gateway.path("/v1", headers=gateway.values(x="1"))]),
            {"matches": [gateway.path("/old", "Exact")], "filters": [redirect]},
        ),
        gateway.route(gateway.rule("web"), name="far", parents=[{"name": "missing"}]),
        gateway.route(gateway.rule("web"), name="mesh", parents=[{"kind": "Service", "group": "", "name": "web"}]),
    )
    write(folder / "c.yaml", objects.service(), objects.endpoints("web", "10.0.0.1"))
    assert verdict(capsys, folder) == (
        1,
        """\
HTTPRoute demo/far (manifests/b.yaml, document 2)
  not served: see below
  error: spec.parentRefs[0].name: Gateway demo/missing does not exist

HTTPRoute demo/mesh (manifests/b.yaml, document 3)
  not served: it names no Gateway of this controller

HTTPRoute demo/web (manifests/b.yaml, document 1)
  web.example
    Exact /old [http only]        -> answer by policy                       redirect (302) to https://host as asked
    Prefix /v1 [http only, x: 1]  -> web:80 (weight 3), gone:80 (weight 1)  -> web: 10.0.0.1:8080; -> gone: 500
  error: spec.rules[0].backendRefs[1].name: Service demo/gone does not exist; its share of the requests is answered 500

Gateway demo/edge (manifests/a.yaml, document 2)
  warning: spec.listeners[0].port: port 81 is not opened; the listener is served at the addresses of --http

1 HTTPRoute served with 2 routes, 2 HTTPRoutes not served, 2 errors, 1 warning
""",
    )
