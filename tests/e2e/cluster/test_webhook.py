"""The validating webhook as people meet it: what kubectl prints when it applies an Ingress."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.e2e.cluster.conftest import QUICKLY, Start
from tests.support.certificates import authority, issue
from tests.support.cluster import Cluster
from tests.support.fakeapi.admission import Hook
from tests.support.objects import Manifest, ingress
from tests.support.rendering import KUBECTL
from tests.support.waiting import eventually, free_port

NGINX = "nginx.ingress.kubernetes.io/"


def kubectl(where: Cluster, verb: str, manifest: Manifest) -> subprocess.CompletedProcess[str]:
    line = [KUBECTL, f"--kubeconfig={where.admin_kubeconfig}", f"--namespace={where.name}"]
    line += [verb, "--validate=false", "-f", "-"]
    text = yaml.safe_dump(manifest)
    return subprocess.run(line, input=text, capture_output=True, text=True, check=False, timeout=40)


@pytest.fixture
def guarded(alone: Cluster, start: Start, tmp_path: Path) -> Cluster:
    """A cluster whose API server asks Edge before it takes an Ingress."""
    if alone.api is None:
        pytest.skip("a real API server would need a ValidatingWebhookConfiguration")
    (tmp_path / "ca.crt").write_bytes(authority().certificate)
    certificate, key = issue("127.0.0.1").write(tmp_path)
    port = free_port()
    flags = (f"--validating-webhook=127.0.0.1:{port}", f"--validating-webhook-certificate={certificate}")
    edge = start(alone, *flags, f"--validating-webhook-key={key}", QUICKLY)
    web = ingress(namespace=alone.name, ingress_class=alone.name)
    alone.apply(web)
    eventually(lambda: edge.get("/", host="web.example").status == 503)  # the Service is missing; before, it is 404
    alone.api.hook = Hook("validate.edge.ingress", port, tmp_path / "ca.crt")
    return alone


def test_a_refusal_and_its_reasons_are_printed(guarded: Cluster) -> None:
    notes = {NGINX + "proxy-read-timeout": "soon"}
    done = kubectl(
        guarded, "apply", ingress("new", namespace=guarded.name, ingress_class=guarded.name, annotations=notes)
    )
    assert done.returncode == 1
    assert 'admission webhook "validate.edge.ingress" denied the request: ' in done.stderr
    assert f'path "/" are taken by Ingress {guarded.name}/web' in done.stderr
    assert f'metadata.annotations["{NGINX}proxy-read-timeout"]: "soon" is not ' in done.stderr
    assert guarded.get("Ingress", "new") is None


def test_warnings_are_printed_and_the_ingress_is_taken(guarded: Cluster) -> None:
    notes = {NGINX + "ssl-redirct": "true"}
    new = ingress("new", namespace=guarded.name, host="new.example", ingress_class=guarded.name, annotations=notes)
    done = kubectl(guarded, "apply", new)
    assert done.returncode == 0
    assert "Warning: " in done.stderr
    assert f'did you mean "{NGINX}ssl-redirect"?' in done.stderr
    assert "Service " in done.stderr
    assert guarded.get("Ingress", "new") is not None
    new["spec"]["rules"][0]["host"] = "web.example"
    replaced = kubectl(guarded, "replace", new)
    assert replaced.returncode == 1
    assert "are taken by" in replaced.stderr


def test_an_ingress_of_another_class_is_taken_whatever_it_says(guarded: Cluster) -> None:
    notes = {NGINX + "proxy-read-timeout": "soon"}
    done = kubectl(guarded, "apply", ingress("other", namespace=guarded.name, ingress_class="other", annotations=notes))
    assert (done.returncode, done.stderr) == (0, "")
