"""`kubectl apply -k deploy/` makes objects that Kubernetes takes, closed in, with no permission more than is used."""

from __future__ import annotations

import os
from typing import Any

import pytest

from edge import options
from edge.control.answers.event_objects import CONTROLLER
from edge.settings import Settings
from tests.support.rendering import ROOT, chart, check, kustomization, of_kind

VARIANTS = {
    "Deployment": ROOT / "deploy",
    "DaemonSet": ROOT / "deploy/daemonset",
    "gateway-services": ROOT / "deploy/gateway-services",
}


@pytest.fixture(scope="module", params=VARIANTS)
def objects(request: pytest.FixtureRequest) -> list[Any]:
    return kustomization(VARIANTS[request.param])


def workload(objects: list[Any]) -> Any:
    return next(one for one in objects if one["kind"] in ("Deployment", "DaemonSet"))


def pod(objects: list[Any]) -> Any:
    return workload(objects)["spec"]["template"]["spec"]


def container(objects: list[Any], name: str) -> Any:
    return next(one for one in pod(objects)["containers"] if one["name"] == name)


def settings(objects: list[Any]) -> dict[str, str]:
    (source,) = container(objects, "proxy")["envFrom"]
    found: dict[str, str] = of_kind(objects, "ConfigMap", source["configMapRef"]["name"])["data"]
    return found


def test_kubernetes_takes_it(objects: list[Any]) -> None:
    """Each object is one of a kind that exists, without unknown fields."""
    check(objects)


def test_everything_is_in_one_namespace(objects: list[Any]) -> None:
    """What belongs to a namespace is in ours, which is made too."""
    namespace = of_kind(objects, "Namespace")["metadata"]["name"]
    scoped = {one["kind"] for one in objects if one["metadata"].get("namespace") == namespace}
    assert scoped >= {"ServiceAccount", "Role", "RoleBinding", "ConfigMap", workload(objects)["kind"]}
    for binding in [one for one in objects if one["kind"].endswith("Binding")]:
        assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "edge", "namespace": namespace}]


@pytest.mark.parametrize(("name", "usual"), [("http", 80), ("https", 443)])
def test_applications_are_told_the_ports_that_clients_use(objects: list[Any], name: str, usual: int) -> None:
    """Those of the Service, or of the node; not those of the pod."""
    services = [one for one in objects if one["kind"] == "Service" and one["spec"].get("type") == "LoadBalancer"]
    public = [port["port"] for one in services for port in one["spec"]["ports"] if port["name"] == name]
    public += [port["hostPort"] for port in container(objects, "proxy")["ports"] if port.get("hostPort") == usual]
    assert {str(port) for port in public} == {settings(objects)[f"EDGE_PUBLIC_{name.upper()}_PORT"]}


def test_only_the_control_plane_has_a_token(objects: list[Any]) -> None:
    """The token is mounted by the container that speaks with the API, and by none that speaks with clients."""
    assert pod(objects)["automountServiceAccountToken"] is False
    assert of_kind(objects, "ServiceAccount")["automountServiceAccountToken"] is False
    tokens = {volume["name"] for volume in pod(objects)["volumes"] if "projected" in volume}
    holders = [
        one["name"] for one in pod(objects)["containers"] if tokens & {mount["name"] for mount in one["volumeMounts"]}
    ]
    assert holders == ["control"]
    assert "secret" not in {key for volume in pod(objects)["volumes"] for key in volume}


def test_it_is_closed_in(objects: list[Any]) -> None:
    """No root, no capability, nothing to write to but table and bodies, the runtime's own filter of system calls."""
    assert pod(objects)["securityContext"]["runAsNonRoot"] is True
    assert pod(objects)["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for one in pod(objects)["containers"]:
        assert one["securityContext"] == {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
        }  # fmt: skip
        writable = {mount["name"] for mount in one["volumeMounts"] if not mount.get("readOnly")}
        assert writable == ({"table", "bodies"} if one["name"] == "proxy" else {"table"})
    table = next(volume for volume in pod(objects)["volumes"] if volume["name"] == "table")
    assert table["emptyDir"]["medium"] == "Memory"


def test_settings_are_settings(objects: list[Any]) -> None:
    """All variables and arguments are ones that the commands know, and both share the table."""
    variables = settings(objects)
    assert not list(options.misspelt(variables))
    for name in ("control", "proxy"):
        assert container(objects, name)["args"][0] == name
        mount = next(one for one in container(objects, name)["volumeMounts"] if one["name"] == "table")
        assert variables["EDGE_SHM_DIR"] == mount["mountPath"]
    for argument in container(objects, "control")["args"][1:]:
        assert argument.partition("=")[0] in {options.flag(field) for field in options.of_command("control")}


def test_keys_of_ingress_nginx_have_a_configmap_that_makes_no_new_pods(objects: list[Any]) -> None:
    """Its name has no hash of its content, and the control plane follows it in its own namespace."""
    (named,) = [one for one in container(objects, "control")["args"] if one.startswith("--configmap=")]
    namespace, _, name = named.partition("=")[2].partition("/")
    assert namespace == "$(POD_NAMESPACE)"
    assert "data" not in of_kind(objects, "ConfigMap", name)


def test_there_is_time_to_drain(objects: list[Any]) -> None:
    """The kubelet kills nobody before the proxy has drained and the control plane has put its affairs in order."""
    variables = settings(objects)
    drain = float(variables["EDGE_PRE_STOP_DELAY"]) + float(variables["EDGE_SHUTDOWN_GRACE"])
    assert pod(objects)["terminationGracePeriodSeconds"] >= drain + 10
    probe = container(objects, "control")["readinessProbe"]
    assert probe["httpGet"]["path"] == "/readyz"
    assert float(variables["EDGE_PRE_STOP_DELAY"]) > 2 * probe["periodSeconds"] * probe["failureThreshold"]


def test_names_agree(objects: list[Any]) -> None:
    """Class, Lease, ports and labels are those that the code and the other objects have."""
    assert of_kind(objects, "IngressClass")["spec"]["controller"] == Settings().controller_class == CONTROLLER
    assert of_kind(objects, "IngressClass")["metadata"]["name"] == Settings().ingress_class
    leases = [rule for rule in of_kind(objects, "Role")["rules"] if rule["resources"] == ["leases"]]
    assert [rule.get("resourceNames") for rule in leases] == [None, [Settings().election_id]]
    ports = {port["containerPort"] for port in container(objects, "proxy")["ports"]}
    assert {f"0.0.0.0:{port}" for port in ports} <= {*Settings().http, *Settings().https}
    labels = workload(objects)["spec"]["template"]["metadata"]["labels"]
    assert workload(objects)["spec"]["selector"]["matchLabels"].items() <= labels.items()


def test_the_service_and_the_budget_select_the_pods() -> None:
    """The Service and the budget of the Deployment are for its pods, and the status shows that Service."""
    objects = kustomization(VARIANTS["Deployment"])
    labels = workload(objects)["spec"]["template"]["metadata"]["labels"]
    service, budget = of_kind(objects, "Service"), of_kind(objects, "PodDisruptionBudget")
    assert service["spec"]["selector"].items() <= labels.items()
    assert budget["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert f"--publish-service=$(POD_NAMESPACE)/{service['metadata']['name']}" in container(objects, "control")["args"]
    strategy = workload(objects)["spec"]["strategy"]["rollingUpdate"]
    assert strategy == {"maxUnavailable": 0, "maxSurge": 1}


def test_the_daemonset_takes_ports_of_the_node() -> None:
    """The DaemonSet listens on 80 and 443 of each node, one of which is out at a time."""
    objects = kustomization(VARIANTS["DaemonSet"])
    ports = {port["name"]: port["hostPort"] for port in container(objects, "proxy")["ports"]}
    assert ports == {"http": 80, "https": 443}
    assert workload(objects)["spec"]["updateStrategy"]["rollingUpdate"] == {"maxUnavailable": 1}
    assert not {"Service", "PodDisruptionBudget", "Deployment"} & {one["kind"] for one in objects}
    assert "replicas" not in workload(objects)["spec"]


def test_the_chart_permits_the_same() -> None:
    """The Helm chart's roles hold the same rules."""
    ours = kustomization(VARIANTS["Deployment"])
    theirs = chart({"controller": {"electionID": Settings().election_id}})
    for kind in ("ClusterRole", "Role"):
        assert _permissions(of_kind(ours, kind)) == _permissions(of_kind(theirs, kind))


def _permissions(role: Any) -> set[tuple[str, ...]]:
    return {
        (group, resource, verb, *rule.get("resourceNames", ()))
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def test_it_can_be_built_with_other_settings(tmp_path: Any) -> None:
    """A kustomization of the user's own changes namespace, image and settings, and all references follow."""
    base = os.path.relpath(ROOT / "deploy", tmp_path)
    (tmp_path / "kustomization.yaml").write_text(
        f"resources: [{base}]\n"
        "namespace: front\n"
        "images: [{name: edge-ingress, newName: registry.example/edge, newTag: '9'}]\n"
        "configMapGenerator: [{name: edge, namespace: edge-system, behavior: merge, literals: [EDGE_HSTS=false]}]\n"
    )
    objects = kustomization(tmp_path)
    assert {one["image"] for one in pod(objects)["containers"]} == {"registry.example/edge:9"}
    assert settings(objects)["EDGE_HSTS"] == "false"
    assert {one["metadata"]["namespace"] for one in objects if "namespace" in one["metadata"]} == {"front"}
    assert of_kind(objects, "ClusterRoleBinding")["subjects"][0]["namespace"] == "front"
