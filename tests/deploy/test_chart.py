"""The Helm chart renders to valid Kubernetes objects, for every value known from ingress-nginx."""

import json
import runpy

import helm_python
import pytest
import yaml

from edge import __version__, command_line, options
from edge.control.translate.configmap.groups import KEYS
from edge.control.translate.configmap.keys import Sort
from edge.control.translate.configmap.names import INGRESS_NGINX
from tests.support import rendering
from tests.support.fakeapi import Rules
from tests.support.fakeapi.resources import BY_KIND, Target
from tests.support.rendering import CHART, chart, check, notes, of_kind

OPERATOR_KINDS = ("ServiceMonitor", "PrometheusRule", "ScaledObject")
"""Kinds of the Prometheus operator and of KEDA, which the schemas of Kubernetes do not know."""

EVERYTHING = {
    "commonLabels": {"team": "web"},
    "imagePullSecrets": [{"name": "registry"}],
    "revisionHistoryLimit": 3,
    "serviceAccount": {"annotations": {"a": "b"}, "automountServiceAccountToken": True},
    "controller": {
        "progressDeadlineSeconds": 300,
        "configAnnotations": {"a": "b"},
        "sysctls": {"net.ipv4.ip_unprivileged_port_start": "0", "net.core.somaxconn": 8192},
        "shareProcessNamespace": True,
        "resizePolicy": [{"resourceName": "cpu", "restartPolicy": "NotRequired"}],
        "maxUnavailable": "25%",
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
        "image": {"registry": "registry.example.com", "tag": "1.2.3", "digest": "sha256:" + "0" * 64},
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 2, "maxUnavailable": "10%"}},
        "config": {"hsts": False, "keep-alive": 60, "max-metric-series": 1048576, "proxy-real-ip-cidr": ["10.0.0.0/8"]},
        "extraArgs": {"default-ssl-certificate": "edge-ingress/wildcard", "ssl-redirect": "false"},
        "ingressClassResource": {"default": True, "aliases": ["edge-internal"], "annotations": {"a": "b"}},
        "hostNetwork": True,
        "containerPort": {"http": 80, "https": 443},
        "hostname": "edge",
        "dnsConfig": {"options": [{"name": "ndots", "value": "2"}]},
        "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["api.example.com"]}],
        "hostPort": {"enabled": True},
        "resources": {"limits": {"cpu": 2, "memory": "1Gi"}},
        "control": {"extraArgs": ["--log-level=debug"], "extraEnvs": [{"name": "A", "value": "b"}]},
        "proxy": {"extraArgs": ["--workers=4"]},
        "startupProbe": {"httpGet": {"path": "/healthz", "port": "metrics"}},
        "annotations": {"a": "b"},
        "labels": {"a": "b"},
        "podAnnotations": {"a": "b"},
        "podLabels": {"a": "b"},
        "extraEnvs": [{"name": "SSLKEYLOGFILE", "value": ""}],
        "extraVolumes": [{"name": "scratch", "emptyDir": {}}],
        "extraVolumeMounts": [{"name": "scratch", "mountPath": "/scratch"}],
        "extraContainers": [{"name": "sidecar", "image": "busybox"}],
        "extraInitContainers": [{"name": "first", "image": "busybox"}],
        "tolerations": [{"operator": "Exists", "effect": "NoSchedule"}],
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}},
        "topologySpreadConstraints": [
            {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {}}
        ],
        "priorityClassName": "system-cluster-critical",
        "runtimeClassName": "gvisor",
        "autoscaling": {
            "enabled": True,
            "targetMemoryUtilizationPercentage": 80,
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": 300}},
        },
        "autoscalingTemplate": [
            {
                "type": "Pods",
                "pods": {"metric": {"name": "rps"}, "target": {"type": "AverageValue", "averageValue": "1k"}},
            }
        ],
        "networkPolicy": {"enabled": True, "metricsFrom": [{"podSelector": {"matchLabels": {"app": "prometheus"}}}]},
        "service": {
            "annotations": {"service.beta.kubernetes.io/aws-load-balancer-type": "nlb"},
            "labels": {"a": "b"},
            "externalIPs": ["192.0.2.1"],
            "loadBalancerIP": "192.0.2.1",
            "loadBalancerClass": "example.com/lb",
            "loadBalancerSourceRanges": ["192.0.2.0/24"],
            "externalTrafficPolicy": "Local",
            "internalTrafficPolicy": "Cluster",
            "sessionAffinity": "ClientIP",
            "healthCheckNodePort": 32000,
            "allocateLoadBalancerNodePorts": False,
            "ipFamilyPolicy": "PreferDualStack",
            "ipFamilies": ["IPv4", "IPv6"],
            "nodePorts": {"http": 30080, "https": 30443},
            "clusterIPs": ["10.0.0.1"],
            "external": {"labels": {"c": "d"}},
            "internal": {
                "enabled": True,
                "annotations": {"a": "b"},
                "externalTrafficPolicy": "Local",
                "loadBalancerClass": "example.com/internal",
                "ports": {"http": 8080, "https": 8443},
            },
        },
        "metrics": {
            "portName": "prometheus",
            "service": {"annotations": {"a": "b"}, "labels": {"a": "b"}, "externalIPs": ["192.0.2.2"]},
            "serviceMonitor": {
                "enabled": True,
                "additionalLabels": {"release": "prometheus"},
                "scrapeTimeout": "10s",
                "relabelings": [{"sourceLabels": ["__meta_kubernetes_pod_node_name"], "targetLabel": "node"}],
                "metricRelabelings": [{"action": "labeldrop", "regex": "path"}],
                "targetLabels": ["team"],
                "sampleLimit": 1000000,
            },
            "prometheusRule": {"enabled": True, "rules": [{"alert": "Own", "expr": "vector(1)"}]},
            "dashboards": {"enabled": True},
        },
    },
}


OF_INGRESS_NGINX = {
    "tcp": {},
    "udp": {},
    "dhParam": "",
    "portNamePrefix": "",
    "defaultBackend": {"enabled": False, "image": {"repository": "defaultbackend"}, "replicaCount": 2},
    "rbac": {"create": True, "scope": False},
    "controller": {
        "image": {"chroot": False, "digestChroot": "sha256:" + "1" * 64, "digest": ""},
        "allowSnippetAnnotations": False,
        "enableAnnotationValidations": True,
        "enableTopologyAwareRouting": False,
        "enableMimalloc": True,
        "disableLeaderElection": False,
        "electionTTL": "",
        "maxmindLicenseKey": "",
        "healthCheckPath": "/healthz",
        "customTemplate": {"configMapName": "", "configMapKey": ""},
        "tcp": {"configMapNamespace": "", "annotations": {}},
        "addHeaders": {},
        "proxySetHeaders": {},
        "opentelemetry": {"enabled": False},
        "admissionWebhooks": {"enabled": False, "failurePolicy": "Fail", "patch": {"enabled": True}},
        "minAvailable": 1,
        "progressDeadlineSeconds": 0,
        "service": {"nodePorts": {"http": "", "https": "", "tcp": {}, "udp": {}}, "external": {"enabled": True}},
    },
}
"""What files of values for ingress-nginx's chart say though it is off."""


def environment(objects):
    """What the settings come to."""
    return of_kind(objects, "ConfigMap", "edge-ingress-settings")["data"]


def keys(objects):
    """What the controller follows."""
    return of_kind(objects, "ConfigMap", "edge-ingress-controller")["data"]


def containers(workload):
    return {one["name"]: one for one in workload["spec"]["template"]["spec"]["containers"]}


def builtin(objects):
    return [one for one in objects if one["kind"] not in OPERATOR_KINDS]


@pytest.mark.parametrize("kind", ["Deployment", "DaemonSet"])
@pytest.mark.parametrize("values", [{}, EVERYTHING, OF_INGRESS_NGINX], ids=["defaults", "everything", "ingress-nginx"])
def test_every_object_of_the_chart_is_one_that_kubernetes_takes(values, kind):
    values = values | {"controller": values.get("controller", {}) | {"kind": kind}}
    check(builtin(chart(values)))


def test_helm_finds_nothing_to_blame():
    report = helm_python.lint(CHART, {}, strict=True, kube_version="v" + rendering.KUBERNETES + ".0")
    assert not report["errors"]
    assert not [message for message in report["messages"] if message["severity"] > 1]


def test_the_schema_is_in_step_with_values_and_settings():
    generated = runpy.run_path(str(CHART.parent / "schema.py"))
    assert (CHART / "files/ingress-nginx.yaml").read_text() == generated["unavailable_text"](), "run `make charts`"
    assert (CHART / "values.schema.json").read_text() == generated["text"](), "run `make charts`"
    assert (rendering.FILES / "configmap-keys.yaml").read_text() == generated["keys_text"](), "run `make charts`"


@pytest.mark.parametrize(
    "values",
    [
        {"controler": {}},
        {"controller": {"replicas": 2}},
        {"controller": {"kind": "StatefulSet"}},
        {"controller": {"config": {"hstss": True}}},
        {"controller": {"config": {"max-headers": "many"}}},
        {"controller": {"extraArgs": {"keep-alive": "long"}}},
        {"controller": {"extraArgs": {"otel-sampler-ratio": 7}}},
        {"controller": {"service": {"nodePorts": {"http": 0}}}},
        {"controller": {"service": {"externalTrafficPolicy": "local"}}},
    ],
    ids=json.dumps,
)
def test_a_value_that_cannot_be_is_refused_with_its_name(values):
    with pytest.raises(helm_python.HelmValuesError) as caught:
        chart(values)
    innermost = values
    while isinstance(innermost, dict) and innermost:
        name, innermost = next(iter(innermost.items()))
    assert name in str(caught.value)


@pytest.mark.parametrize(
    ("values", "way_out"),
    [
        ({"controller": {"hostNetwork": True, "hostPort": {"enabled": True}}}, "leave out one of the two"),
        ({"rbac": {"scope": True}}, "controller.scope.enabled"),
        ({"controller": {"keda": {"enabled": True}, "autoscaling": {"enabled": True}}}, "leave out"),
    ],
    ids=json.dumps,
)
def test_what_cannot_be_is_refused_with_the_way_out(values, way_out):
    with pytest.raises(helm_python.HelmError, match=way_out):
        chart(values)


@pytest.mark.parametrize(
    ("values", "way_out"),
    [
        ({"defaultBackend": {"enabled": True}}, "controller.extraArgs.default-backend-service"),
        ({"controller": {"lifecycle": {"preStop": {"exec": {"command": ["/wait-shutdown"]}}}}}, "preStopDelay"),
        ({"controller": {"opentelemetry": {"enabled": True}}}, "controller.config.enable-opentelemetry"),
        ({"controller": {"image": {"image": "ingress-nginx/controller"}}}, "it is the image of ingress-nginx"),
        ({"controller": {"extraArgs": {"http-port": 80}}}, "controller.containerPort.http"),
    ],
    ids=json.dumps,
)
def test_what_cannot_be_had_is_named_in_the_notes_with_what_to_do(values, way_out):
    check(builtin(chart(values)))
    assert "These values have no effect as they are" in notes(values)
    assert way_out in notes(values)


def test_notes_name_only_what_is_asked_for():
    assert "no effect" not in notes()
    assert "no effect" not in notes(OF_INGRESS_NGINX)
    text = notes({"dhParam": "x", "controller": {"addHeaders": {"A": "b"}, "image": {"chroot": True}}})
    assert {"- dhParam:", "- controller.addHeaders:", "- controller.image.chroot:"} <= {
        line.partition(" ")[0] + " " + line.split()[1] for line in text.splitlines() if line.startswith("- ")
    }


# --- values of ingress-nginx -----------------------------------------------------------------------------------------

TAKEN_OVER = {
    "controller": {
        "image": {"registry": "registry.k8s.io", "image": "ingress-nginx/controller", "tag": "v1.15.1"},
        "allowSnippetAnnotations": True,
        "enableTopologyAwareRouting": True,
        "disableLeaderElection": True,
        "electionTTL": "30s",
        "healthCheckPath": "/alive",
        "containerPort": {"http": 80, "https": 443},
        "extraArgs": {"profiling": "false", "v": 2},
        "ingressClassResource": {"name": "nginx", "controllerValue": "k8s.io/ingress-nginx"},
        "admissionWebhooks": {
            "enabled": True,
            "port": 443,
            "certificate": "/usr/local/certificates/cert",
            "patch": {"rbac": {"create": True}, "networkPolicy": {"enabled": False}},
        },
    }
}


def test_values_of_ingress_nginx_become_settings():
    objects = chart(TAKEN_OVER)
    check(builtin(objects))
    data = environment(objects)
    for command in ("control", "proxy"):
        given = command_line.translated(command, (), data)
        settings = options.resolve(command, {}, given.environment)
        if command == "control":
            assert settings.configmap == "edge-ingress/edge-ingress-controller"
            assert settings.enable_topology_aware_routing
            assert not settings.update_status
            assert settings.election_ttl == 30
            assert (settings.ingress_class, settings.controller_class) == ("nginx", "k8s.io/ingress-nginx")
        else:
            assert settings.health_check_path == "/alive"
    assert keys(objects) == {"allow-snippet-annotations": "true"}
    pod = of_kind(objects, "Deployment")["spec"]["template"]["spec"]
    assert {one["image"] for one in pod["containers"]} == {f"edge-ingress:{__version__}"}
    assert {"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"} in pod["securityContext"]["sysctls"]


# --- the webhook -----------------------------------------------------------------------------------------------------


def test_without_being_asked_for_there_is_no_webhook():
    kinds = {one["kind"] for one in chart()}
    assert not kinds & {"ValidatingWebhookConfiguration", "Job"}
    assert "EDGE_VALIDATING_WEBHOOK" not in environment(chart())


@pytest.mark.parametrize("policy", ["Fail", "Ignore"])
def test_the_webhook_leads_to_its_service_and_that_to_the_control_plane(policy):
    objects = chart({"controller": {"admissionWebhooks": {"enabled": True, "failurePolicy": policy, "port": 8443}}})
    check(objects)
    (webhook,) = of_kind(objects, "ValidatingWebhookConfiguration")["webhooks"]
    assert (webhook["failurePolicy"], webhook["sideEffects"]) == (policy, "None")
    service = of_kind(objects, "Service", webhook["clientConfig"]["service"]["name"])
    (port,) = service["spec"]["ports"]
    assert port["port"] == webhook["clientConfig"]["service"]["port"]
    control = containers(of_kind(objects, "Deployment"))["control"]
    named = {one["name"]: one["containerPort"] for one in control["ports"]}
    assert named[port["targetPort"]] == 9443  # 8443 is that of https
    settings = options.resolve("control", {}, environment(objects))
    assert settings.validating_webhook == ":9443"
    (mount,) = [one for one in control["volumeMounts"] if one["name"] == "webhook"]
    assert settings.validating_webhook_certificate.startswith(mount["mountPath"] + "/")


def test_jobs_make_its_certificate_and_only_what_they_need():
    objects = chart({"controller": {"admissionWebhooks": {"enabled": True}}})
    jobs = {one["metadata"]["name"]: one for one in objects if one["kind"] == "Job"}
    create, patch = jobs["edge-ingress-admission-create"], jobs["edge-ingress-admission-patch"]
    assert create["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    service = of_kind(objects, "Service", "edge-ingress-controller-admission")["metadata"]
    (host,) = [arg for arg in create["spec"]["template"]["spec"]["containers"][0]["args"] if "--host" in arg]
    assert f"{service['name']}.{service['namespace']}.svc" in host
    volumes = of_kind(objects, "Deployment")["spec"]["template"]["spec"]["volumes"]
    (secret,) = [one["secret"]["secretName"] for one in volumes if one["name"] == "webhook"]
    configuration = of_kind(objects, "ValidatingWebhookConfiguration")["metadata"]["name"]
    for job in (create, patch):
        assert f"--secret-name={secret}" in job["spec"]["template"]["spec"]["containers"][0]["args"]
    assert f"--webhook-name={configuration}" in patch["spec"]["template"]["spec"]["containers"][0]["args"]
    rights = of_kind(objects, "ClusterRole", configuration)["rules"]
    assert [rule["resourceNames"] for rule in rights] == [[configuration]]


def test_cert_manager_may_make_its_certificate_instead():
    webhooks = {"enabled": True, "certManager": {"enabled": True}}
    objects = chart({"controller": {"admissionWebhooks": webhooks}})
    assert "Job" not in {one["kind"] for one in objects}
    certificate = of_kind(objects, "Certificate")
    assert certificate["spec"]["issuerRef"]["name"] == of_kind(objects, "Issuer")["metadata"]["name"]
    configuration = of_kind(objects, "ValidatingWebhookConfiguration")["metadata"]
    named = f"{certificate['metadata']['namespace']}/{certificate['metadata']['name']}"
    assert configuration["annotations"]["cert-manager.io/inject-ca-from"] == named
    volumes = of_kind(objects, "Deployment")["spec"]["template"]["spec"]["volumes"]
    (secret,) = [one["secret"] for one in volumes if one["name"] == "webhook"]
    assert secret["secretName"] == certificate["spec"]["secretName"]
    assert [item["key"] for item in secret["items"]] == ["tls.crt", "tls.key"]


def test_settings_reach_both_containers_as_variables_that_edge_understands():
    objects = chart(EVERYTHING)
    data = environment(objects)
    assert data["EDGE_MAX_METRIC_SERIES"] == "1048576"
    for command in ("control", "proxy"):
        settings = options.resolve(command, {}, data)
        if command == "proxy":
            assert settings.max_metric_series == 1048576
        else:
            assert not settings.ssl_redirect
            assert settings.default_ssl_certificate == "edge-ingress/wildcard"
            assert settings.publish_service == "edge-ingress/edge-ingress-controller"
    assert not list(options.misspelt(data))
    for container in ("control", "proxy"):
        sources = containers(of_kind(objects, "Deployment"))[container]["envFrom"]
        assert sources == [{"configMapRef": {"name": "edge-ingress-settings"}}]


def test_a_changed_setting_rolls_the_pods_and_a_changed_key_does_not():
    def pod(**controller):
        return of_kind(chart({"controller": controller}), "Deployment")["spec"]["template"]

    assert pod() == pod(config={"hsts": False, "proxy-body-size": "8m"}) == pod(allowSnippetAnnotations=True)
    assert pod() != pod(config={"max-headers": 50})
    assert pod() != pod(extraArgs={"hsts": False})


# --- keys of the ConfigMap -------------------------------------------------------------------------------------------


def test_keys_of_config_are_the_configmap_that_the_controller_follows():
    config = {
        "hsts": False,
        "keep-alive": 60,
        "otel-sampler-ratio": 0.05,
        "proxy-real-ip-cidr": ["10.0.0.0/8", "192.0.2.1"],
        "log-format-upstream": '"$host" {{ $status }}',
        "max-worker-open-files": 1048576,
        "use-gzip": None,
        "log-level": "debug",
    }
    objects = chart({"controller": {"config": config}})
    check(objects)
    assert keys(objects) == {
        "hsts": "false",
        "keep-alive": "60",
        "otel-sampler-ratio": "0.05",
        "proxy-real-ip-cidr": "10.0.0.0/8,192.0.2.1",
        "log-format-upstream": '"$host" {{ $status }}',
        "max-worker-open-files": "1048576",
    }
    settings = options.resolve("control", {}, environment(objects))
    assert settings.configmap == "edge-ingress/edge-ingress-controller"
    assert settings.log_level == "debug"


def test_every_key_of_ingress_nginx_is_taken_whatever_its_value():
    objects = chart({"controller": {"config": dict.fromkeys(INGRESS_NGINX, "as you like")}})
    check(objects)
    assert keys(objects).keys() == INGRESS_NGINX - {"bind-address"}
    assert KEYS["bind-address"].sort is Sort.WITHOUT_EFFECT  # but not as a setting
    assert environment(objects)["EDGE_BIND_ADDRESS"] == "as you like"


def test_one_namespace_alone_lets_read_the_configmaps_of_settings_and_report_on_them():
    scope = {"enabled": True, "namespace": "shop"}
    objects = chart({"controller": {"scope": scope}, "tcp": {"5432": "data/postgres:5432"}})
    check(objects)
    rules = Rules.from_manifests(objects, subject="edge-ingress")
    for name in ("edge-ingress-controller", "edge-ingress-tcp"):
        for verb in ("get", "list", "watch"):
            assert rules.allow(verb, Target(BY_KIND["ConfigMap"], "edge-ingress", name), name)
    assert not rules.allow("get", Target(BY_KIND["ConfigMap"], "edge-ingress", "other"), "other")
    assert rules.allow("create", Target(BY_KIND["Event"], "edge-ingress", ""), "")


def test_another_configmap_may_be_named():
    scope = {"enabled": True, "namespace": "shop"}
    objects = chart({"controller": {"scope": scope, "extraArgs": {"configmap": "central/keys"}}})
    assert environment(objects)["EDGE_CONFIGMAP"] == "central/keys"
    role = of_kind(objects, "Role", "edge-ingress-configmap")
    assert role["metadata"]["namespace"] == "central"
    assert role["rules"][0]["resourceNames"] == ["keys"]
    assert "ConfigMap central/keys" in notes({"controller": {"extraArgs": {"configmap": "central/keys"}}})


def test_what_the_operator_says_wins_over_the_chart():
    data = environment(chart({"controller": {"config": {"admin": "127.0.0.1:9000"}, "extraArgs": {"http": "[::]:80"}}}))
    assert data["EDGE_ADMIN"] == "127.0.0.1:9000"
    assert data["EDGE_HTTP"] == "[::]:80"


def test_only_the_control_plane_holds_the_token():
    pod = of_kind(chart(), "Deployment")["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    mounts = {one["name"]: [mount["name"] for mount in one["volumeMounts"]] for one in pod["containers"]}
    assert mounts == {"control": ["table", "token"], "proxy": ["table", "bodies"]}


def test_the_grace_of_the_pod_covers_the_grace_of_edge():
    pod = of_kind(chart(), "Deployment")["spec"]["template"]["spec"]
    data = environment(chart())
    needed = float(data["EDGE_PRE_STOP_DELAY"]) + float(data["EDGE_SHUTDOWN_GRACE"])
    assert pod["terminationGracePeriodSeconds"] > needed
    assert "WARNING" not in notes()
    assert "WARNING" in notes({"controller": {"terminationGracePeriodSeconds": 40}})


@pytest.mark.parametrize(
    ("values", "ports"),
    [
        ({}, (80, 443)),
        ({"service": {"ports": {"http": 8000, "https": 8443}}}, (8000, 8443)),
        ({"hostPort": {"enabled": True, "ports": {"http": 81, "https": 444}}}, (81, 444)),
        ({"hostNetwork": True}, (0, 0)),
        ({"service": {"enabled": False}}, (0, 0)),
    ],
    ids=["service", "other-service", "host-port", "host-network", "none"],
)
def test_applications_are_told_the_ports_that_clients_use(values, ports):
    data = environment(chart({"controller": values}))
    given = {name: value for name, value in data.items() if name.startswith("EDGE_PUBLIC_HTTP")}
    settings = options.resolve("proxy", {}, given)
    assert (settings.public_http_port, settings.public_https_port) == ports


@pytest.mark.parametrize(("kind", "strategy"), [("DaemonSet", "updateStrategy"), ("Deployment", "strategy")])
def test_with_ports_of_the_node_the_old_pod_goes_before_the_new_one_comes(kind, strategy):
    workload = of_kind(chart({"controller": {"kind": kind, "hostPort": {"enabled": True}}}), kind)
    assert workload["spec"][strategy]["rollingUpdate"] == {"maxUnavailable": 1, "maxSurge": 0}
    ports = {port["name"]: port["hostPort"] for port in containers(workload)["proxy"]["ports"]}
    assert ports == {"http": 80, "https": 443}
    others = of_kind(chart({"controller": {"kind": kind}}), kind)
    assert others["spec"][strategy]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}


def test_a_single_pod_gets_no_budget_that_would_block_the_drain_of_its_node():
    kinds = [one["kind"] for one in chart({"controller": {"replicaCount": 1}})]
    assert "PodDisruptionBudget" not in kinds
    kinds = [one["kind"] for one in chart({"controller": {"replicaCount": 1, "autoscaling": {"enabled": True}}})]
    assert "PodDisruptionBudget" in kinds
    assert "PodDisruptionBudget" not in [one["kind"] for one in chart({"controller": {"kind": "DaemonSet"}})]


def test_autoscaling_leaves_the_replicas_to_the_autoscaler():
    objects = chart({"controller": {"autoscaling": {"enabled": True}}})
    assert "replicas" not in of_kind(objects, "Deployment")["spec"]
    target = of_kind(objects, "HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
    assert target["name"] == of_kind(objects, "Deployment")["metadata"]["name"]


def test_an_autoscaler_of_keda_has_the_replicas_and_the_triggers():
    triggers = [{"type": "prometheus", "metadata": {"query": "sum(rate(edge_requests_total[2m]))", "threshold": "9"}}]
    objects = chart({"controller": {"keda": {"enabled": True, "triggers": triggers, "minReplicas": 3}}})
    assert "replicas" not in of_kind(objects, "Deployment")["spec"]
    scaled = of_kind(objects, "ScaledObject")["spec"]
    assert scaled["scaleTargetRef"]["name"] == of_kind(objects, "Deployment")["metadata"]["name"]
    assert (scaled["minReplicaCount"], scaled["triggers"]) == (3, triggers)
    assert of_kind(objects, "PodDisruptionBudget")["spec"]["minAvailable"] == 1


def test_the_role_permits_the_lease_that_the_settings_name():
    for values in ({"electionID": "own"}, {"config": {"election-id": "own"}}, {"extraArgs": {"election-id": "own"}}):
        objects = chart({"controller": values})
        named = [rule["resourceNames"] for rule in of_kind(objects, "Role")["rules"] if "resourceNames" in rule]
        assert named == [[environment(objects)["EDGE_ELECTION_ID"]]] == [["own"]]


def test_rights_in_one_namespace_alone_can_be_asked_for():
    objects = chart({"controller": {"scope": {"enabled": True, "namespace": "shop"}}, "rbac": {"scope": True}})
    kinds = {one["kind"] for one in objects}
    assert not {"ClusterRole", "ClusterRoleBinding"} & kinds
    assert {one["metadata"]["namespace"] for one in objects if one["kind"] == "Role"} == {"shop", "edge-ingress"}


def test_the_internal_service_may_be_the_only_one():
    values = {"service": {"external": {"enabled": False}, "internal": {"enabled": True}}}
    objects = chart({"controller": values})
    services = {one["metadata"]["name"]: one["spec"] for one in objects if one["kind"] == "Service"}
    assert services.keys() == {"edge-ingress-controller-internal", "edge-ingress-controller-metrics"}
    assert {port["port"] for port in services["edge-ingress-controller-internal"]["ports"]} == {80, 443}
    assert "EDGE_PUBLISH_SERVICE" not in environment(objects)


def test_an_image_of_a_mirror_for_all_charts():
    pod = of_kind(chart({"global": {"image": {"registry": "mirror.example"}}}), "Deployment")["spec"]["template"][
        "spec"
    ]
    assert {one["image"].partition("/")[0] for one in pod["containers"]} == {"mirror.example"}


@pytest.mark.parametrize("scope", [{}, {"scope": {"enabled": True}}])
@pytest.mark.parametrize("kind", ["", "LoadBalancer"])
def test_rights_on_services_only_where_gateways_have_services(scope, kind):
    policy = {"networkPolicy": {"enabled": True}}
    objects = chart({"controller": {"gatewayServices": kind, **policy, **scope}})
    check(objects)
    rules = Rules.from_manifests(objects, subject="edge-ingress")
    for resource in ("Service", "EndpointSlice"):
        for verb in ("create", "patch", "delete"):
            assert rules.allow(verb, Target(BY_KIND[resource], "edge-ingress", ""), "") is bool(kind)
    ports = of_kind(objects, "NetworkPolicy")["spec"]["ingress"][0]["ports"]
    opened = [(one["port"], one["endPort"], one["protocol"]) for one in ports if "endPort" in one]
    assert opened == ([(20000, 24999, "TCP"), (20000, 24999, "UDP")] if kind else [])
    assert environment(objects).get("EDGE_GATEWAY_SERVICES", "") == kind


def test_a_network_policy_admits_to_the_metrics_whom_the_values_name():
    def admitted(**values):
        rules = of_kind(chart({"controller": {"networkPolicy": {"enabled": True, **values}}}), "NetworkPolicy")["spec"]
        return {one["port"]: rule.get("from") for rule in rules["ingress"] for one in rule["ports"]}

    assert admitted() == {"http": None, "https": None, "metrics": None}
    prometheus = [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}, "podSelector": {}},
        {"ipBlock": {"cidr": "10.0.0.0/8"}},
    ]
    assert admitted(metricsFrom=prometheus) == {"http": None, "https": None, "metrics": prometheus}


def test_one_namespace_alone_needs_no_rights_on_the_others():
    objects = chart({"controller": {"scope": {"enabled": True, "namespace": "shop"}}})
    resources = {resource for rule in of_kind(objects, "ClusterRole")["rules"] for resource in rule["resources"]}
    assert not resources & {"secrets", "configmaps", "services", "ingresses"}
    scoped = of_kind(objects, "Role", "edge-ingress-scope")
    assert scoped["metadata"]["namespace"] == "shop"
    assert "secrets" in {resource for rule in scoped["rules"] for resource in rule["resources"]}
    assert environment(objects)["EDGE_WATCH_NAMESPACE"] == "shop"


def test_one_namespace_alone_lets_read_what_settings_name_in_others():
    names = {"default-ssl-certificate": "certs/wildcard", "default-backend-service": "errors/pages"}
    objects = chart({"controller": {"scope": {"enabled": True, "namespace": "shop"}, "extraArgs": names}})
    check(objects)
    rules = Rules.from_manifests(objects, subject="edge-ingress")

    def may(verb, kind, namespace, name):
        return rules.allow(verb, Target(BY_KIND[kind], namespace, name if verb == "get" else ""), name)

    for verb in ("list", "watch"):
        assert may(verb, "Service", "edge-ingress", "edge-ingress-controller")
        assert may(verb, "Service", "errors", "pages")
        assert may(verb, "EndpointSlice", "errors", "")
        assert not may(verb, "Service", "edge-ingress", "")
        assert not may(verb, "Secret", "certs", "")
    assert may("get", "Secret", "certs", "wildcard")
    assert not may("get", "Secret", "certs", "other")
    within = chart({"controller": {"scope": {"enabled": True}}})
    roles = [one["metadata"]["name"] for one in within if one["kind"] == "Role"]
    assert roles == ["edge-ingress-scope", "edge-ingress"]


@pytest.mark.parametrize("kind", ["Service", "Deployment", "PodDisruptionBudget"])
def test_selectors_name_the_pods_of_this_release(kind):
    objects = chart()
    labels = of_kind(objects, "Deployment")["spec"]["template"]["metadata"]["labels"]
    for one in objects:
        if one["kind"] == kind:
            selector = one["spec"]["selector"]
            assert selector.get("matchLabels", selector).items() <= labels.items()


def test_the_service_monitor_finds_the_metrics_service_and_its_port():
    objects = chart({"controller": {"metrics": {"serviceMonitor": {"enabled": True}}}})
    monitor = of_kind(objects, "ServiceMonitor")["spec"]
    service = of_kind(objects, "Service", "edge-ingress-controller-metrics")
    assert monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["namespaceSelector"]["matchNames"] == [service["metadata"]["namespace"]]
    assert monitor["endpoints"][0]["port"] in {port["name"] for port in service["spec"]["ports"]}
    port = service["spec"]["ports"][0]["targetPort"]
    assert port in {one["name"] for one in containers(of_kind(objects, "Deployment"))["control"]["ports"]}


def test_the_rule_holds_the_shipped_alerts_and_the_operators_own():
    groups = of_kind(chart(EVERYTHING), "PrometheusRule")["spec"]["groups"]
    shipped = yaml.safe_load((rendering.FILES / "alerts.yaml").read_text())["groups"]
    assert groups[: len(shipped)] == shipped
    assert groups[-1]["rules"] == [{"alert": "Own", "expr": "vector(1)"}]


def test_links_to_the_runbook_lead_to_where_it_is():
    where = {"enabled": True, "runbookBase": "https://git.example.com/edge/blob/main/"}
    groups = of_kind(chart({"controller": {"metrics": {"prometheusRule": where}}}), "PrometheusRule")["spec"]["groups"]
    for rule in (rule for group in groups for rule in group["rules"]):
        anchor = f"docs/operations.md#{rule['alert'].lower()}"
        assert rule["annotations"]["runbook_url"] == f"https://git.example.com/edge/blob/main/{anchor}"


def test_the_dashboards_come_along():
    data = of_kind(chart(EVERYTHING), "ConfigMap", "edge-ingress-dashboards")["data"]
    shipped = {path.name: json.loads(path.read_text()) for path in rendering.FILES.glob("*.json")}
    assert {name: json.loads(text) for name, text in data.items()} == shipped
    assert {board["title"] for board in shipped.values()} == {"Edge / Overview", "Edge / Ingress"}


def test_the_notes_tell_the_way_to_the_address():
    assert "get service edge-ingress-controller" in notes()
    assert "nodePort" in notes({"controller": {"service": {"type": "NodePort"}}})
    assert "port-forward" in notes({"controller": {"service": {"type": "ClusterIP"}}})
    assert "each node" in notes({"controller": {"service": {"enabled": False}, "hostPort": {"enabled": True}}})


def test_the_pod_is_that_of_the_kustomization():
    ours = of_kind(chart(), "Deployment")["spec"]["template"]["spec"]
    theirs = of_kind(rendering.kustomization(rendering.ROOT / "deploy"), "Deployment")["spec"]["template"]["spec"]
    for pod in (ours, theirs):
        for name in ("nodeSelector", "serviceAccountName", "topologySpreadConstraints"):
            pod.pop(name, None)
        for container in pod["containers"]:
            # Names, and where settings come from: the chart gives all of them as variables.
            for name in ("image", "imagePullPolicy", "envFrom"):
                container.pop(name, None)
            container["args"] = container["args"][:1]
    assert ours == theirs


def test_ports_of_tcp_and_udp_services_are_published():
    """By the values of ingress-nginx's chart: a ConfigMap each, and ports of the pods and of the Service."""
    values = {
        "tcp": {"5432": "data/postgres:5432"},
        "udp": {"53": "kube-system/dns:53"},
        "portNamePrefix": "s",
        "controller": {"networkPolicy": {"enabled": True}, "service": {"nodePorts": {"tcp": {"5432": 30432}}}},
    }
    objects = chart(values)
    settings = environment(objects)
    assert settings["EDGE_TCP_SERVICES_CONFIGMAP"] == "edge-ingress/edge-ingress-tcp"
    assert settings["EDGE_UDP_SERVICES_CONFIGMAP"] == "edge-ingress/edge-ingress-udp"
    data = {one["metadata"]["name"]: one["data"] for one in objects if one["kind"] == "ConfigMap"}
    assert data["edge-ingress-tcp"] == {"5432": "data/postgres:5432"}
    assert data["edge-ingress-udp"] == {"53": "kube-system/dns:53"}
    service = of_kind(objects, "Service", "edge-ingress-controller")
    ports = {port["name"]: port for port in service["spec"]["ports"]}
    assert ports["s-5432-tcp"] == {
        "name": "s-5432-tcp", "port": 5432, "targetPort": "s-5432-tcp", "protocol": "TCP", "nodePort": 30432
    }  # fmt: skip
    assert ports["s-53-udp"]["protocol"] == "UDP"
    workload = of_kind(objects, "Deployment")
    proxy = next(one for one in workload["spec"]["template"]["spec"]["containers"] if one["name"] == "proxy")
    assert {"name": "s-53-udp", "containerPort": 53, "protocol": "UDP"} in proxy["ports"]
    policy = of_kind(objects, "NetworkPolicy")
    assert {"port": 5432, "protocol": "TCP"} in policy["spec"]["ingress"][0]["ports"]


def test_a_port_below_1024_has_the_sysctl_that_it_needs():
    """Unless the pod has the node's network, whose it is then."""
    low = {"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}
    for values, needed in (
        ({"udp": {"53": "kube-system/dns:53"}}, True),
        ({"tcp": {"853": "kube-system/dns:853"}}, True),
        ({"tcp": {"5432": "data/postgres:5432"}}, False),
        ({"udp": {"53": "kube-system/dns:53"}, "controller": {"hostNetwork": True}}, False),
    ):
        pod = of_kind(chart(values), "Deployment")["spec"]["template"]["spec"]
        assert (low in pod["securityContext"].get("sysctls", [])) == needed, values


def test_without_such_services_there_is_nothing_of_them():
    objects = chart()
    assert not any(name.endswith("_SERVICES_CONFIGMAP") for name in environment(objects))
    assert not any("-tcp" in one["metadata"]["name"] for one in objects)


def test_the_page_is_for_a_port_forward_unless_there_is_a_token():
    text = notes()
    assert "port-forward deployment/edge-ingress-controller 10254" in text
    assert "-- edge top" in text
    assert "get secret" not in text
    [control, proxy] = of_kind(chart(), "Deployment")["spec"]["template"]["spec"]["containers"]
    assert not [one for one in control["env"] if one["name"].startswith("EDGE_ADMIN")]
    values = {"controller": {"page": {"token": {"secretName": "page", "key": "tokens"}}}}
    objects = chart(values)
    check(objects)
    pod = of_kind(objects, "Deployment")["spec"]["template"]["spec"]
    [control, proxy] = pod["containers"]
    assert {"name": "EDGE_ADMIN_TOKEN_FILE", "value": "/run/page/tokens"} in control["env"]
    assert {"name": "page", "mountPath": "/run/page", "readOnly": True} in control["volumeMounts"]
    assert "page" not in {one["name"] for one in proxy["volumeMounts"]}
    [volume] = [one for one in pod["volumes"] if one["name"] == "page"]
    assert volume["secret"]["secretName"] == "page"
    assert "get secret page --output jsonpath='{.data.tokens}'" in notes(values)
