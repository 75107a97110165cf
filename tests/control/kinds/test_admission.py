"""What an API server would do with objects before it keeps them."""

from __future__ import annotations

from typing import Any

import pytest

from edge.control.kinds.admission import Refused, admit
from edge.control.kinds.core import ConfigMap, Secret
from edge.control.kinds.ingress import IngressClass
from edge.control.kinds.objects import ObjectError
from edge.control.kinds.registry import KINDS
from edge.control.kinds.services import EndpointSlice, Service
from tests.support import objects


def refusals(mapping: dict[str, Any]) -> list[tuple[str, str]]:
    """Field and reason of everything that MAPPING is refused for."""
    with pytest.raises(Refused) as caught:
        admit(mapping, mapping["kind"])
    assert all(isinstance(error, ObjectError) for error in caught.value.errors)
    return [(error.field, error.reason) for error in caught.value.errors]


def is_taken(mapping: dict[str, Any]) -> bool:
    return isinstance(admit(mapping, mapping["kind"]), KINDS[mapping["kind"]])


def with_path(**path: Any) -> dict[str, Any]:
    """An Ingress whose one path has these fields instead of what it had; None: not at all."""
    mapping = objects.ingress()
    paths = mapping["spec"]["rules"][0]["http"]["paths"]
    paths[0] = {key: value for key, value in {**paths[0], **path}.items() if value is not None}
    return mapping


def with_spec(mapping: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {**mapping, "spec": {**mapping["spec"], **spec}}


ANNOTATION = 'metadata.annotations["x"]'
PATH = "spec.rules[0].http.paths[0]"
SLICE = objects.endpoints("web", "10.0.0.1")

# --- defaults -------------------------------------------------------------------------------------------------------


def test_an_object_without_namespace_is_in_the_default_one_unless_its_kind_has_none() -> None:
    mapping = objects.ingress()
    del mapping["metadata"]["namespace"]
    assert admit(mapping, "Ingress").metadata.namespace == "default"
    ingress_class = objects.ingress_class()
    ingress_class["metadata"]["namespace"] = "demo"
    assert admit(ingress_class, "IngressClass").metadata.namespace == ""


def test_ports_are_tcp_and_services_of_type_clusterip() -> None:
    service = admit(with_spec(objects.service(), type=None, ports=[{"port": 80}]), "Service")
    assert isinstance(service, Service)
    assert service.spec.type == "ClusterIP"
    assert [port.protocol for port in service.spec.ports or ()] == ["TCP"]
    one = admit({**SLICE, "ports": [{"port": 80}]}, "EndpointSlice")
    assert isinstance(one, EndpointSlice)
    assert [port.protocol for port in one.ports or ()] == ["TCP"]


def test_string_data_of_a_secret_becomes_data_and_wins() -> None:
    mapping = {**objects.secret(kind="", a="one", b="two"), "stringData": {"b": "three", "c": "four"}}
    secret = admit(mapping, "Secret")
    assert isinstance(secret, Secret)
    assert secret.type == "Opaque"
    assert secret.data == {"a": b"one", "b": b"three", "c": b"four"}
    assert "stringData" in mapping, "what is given is left as it was"


def test_kubectls_copy_of_the_object_is_not_kept() -> None:
    name = "kubectl.kubernetes.io/last-applied-configuration"
    assert admit(objects.ingress(annotations={name: "{}"}), "Ingress").annotations == {}


# --- metadata -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metadata", "field", "reason"),
    [
        (None, "metadata", "required"),
        ([], "metadata", "must be a mapping"),
        ({}, "metadata.name", "required"),
        ({"generateName": "x-"}, "metadata.name", "required"),
        ({"name": 5}, "metadata.name", "must be text, and this is the number 5; put it in quotes"),
        ({"name": "Upper"}, "metadata.name", '"Upper" must consist of lower-case'),
        ({"name": "a" * 254}, "metadata.name", "must have no more than 253 characters"),
        ({"name": "a", "namespace": "a.b"}, "metadata.namespace", '"a.b" must consist of lower-case'),
        ({"name": "a", "labels": {"-x": "y"}}, 'metadata.labels["-x"]', '"-x" must consist of'),
        ({"name": "a", "labels": {"x": "y" * 64}}, 'metadata.labels["x"]', "must have no more than 63 characters"),
        ({"name": "a", "labels": {"x": None}}, 'metadata.labels["x"]', "must be text, and this is null"),
        ({"name": "a", "annotations": {"x": True}}, ANNOTATION, "must be text, and this is the boolean true; put it"),
        ({"name": "a", "annotations": {"x": 1.5}}, ANNOTATION, "must be text, and this is the number 1.5; put it in"),
        ({"name": "a", "annotations": {"x": {}}}, ANNOTATION, "must be text, and this is a mapping"),
        ({"name": "a", "annotations": {"/x": "y"}}, 'metadata.annotations["/x"]', '"" before the "/" must be'),
        ({"name": "a", "annotations": {"a/b/c": "y"}}, 'metadata.annotations["a/b/c"]', '"a/b" before the "/" must be'),
        ({"name": "a", "annotations": {"x": "y" * 262144}}, "metadata.annotations", "must have no more than 262144"),
    ],
)  # fmt: skip
def test_metadata_must_be_such_that_an_api_server_takes_it(metadata: Any, field: str, reason: str) -> None:
    ((found_field, found_reason),) = refusals({**objects.ingress(), "metadata": metadata})
    assert found_field == field
    assert found_reason.startswith(reason)


def test_names_with_dots_are_for_all_but_services() -> None:
    assert is_taken(objects.ingress("a.b"))
    assert [field for field, _ in refusals(objects.service("a.b"))] == ["metadata.name"]


# --- Ingress --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    ["web.example", "a", "*.web.example", "xn--bcher-kva.example", "1.example", "", "Web.Example", "web.example."],
)
def test_hosts_are_names_wildcards_or_nothing(host: str) -> None:
    assert is_taken(objects.ingress(host=host))


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("10.0.0.1", "must be a DNS name, not an IP address"),
        ("010.000.000.001", "must be a DNS name, not an IP address"),
        ("fe80::1", "must be a DNS name, not an IP address"),
        ("web.example..", "must consist of lower-case"),
        (".", "must consist of lower-case"),
        ("web.example:80", "must consist of lower-case"),
        ("-web.example", "must consist of lower-case"),
        ("web_1.example", "must consist of lower-case"),
        ("a..b", "must consist of lower-case"),
        ("bücher.example", "must consist of lower-case"),
        ("*", 'must be "*." followed by'),
        ("*.", 'must be "*." followed by'),
        ("*.*.example", 'must be "*." followed by'),
        ("a.*.example", 'must be "*." followed by'),
        ("w*.example", 'must be "*." followed by'),
    ],
)
def test_other_hosts_are_refused(host: str, reason: str) -> None:
    ((field, found),) = refusals(objects.ingress(host=host))
    assert field == "spec.rules[0].host"
    assert reason in found


@pytest.mark.parametrize(
    ("path_type", "path"),
    [
        ("Exact", "/"),
        ("Exact", "/a/b/"),
        ("Prefix", "/a.b/~c"),
        ("Prefix", "/..a/b.."),
        ("Prefix", "/%20"),
        ("ImplementationSpecific", "/a//b/../c"),
        ("ImplementationSpecific", "/a(/|$)(.*)"),
        ("ImplementationSpecific", ""),
        ("ImplementationSpecific", None),
    ],
)
def test_paths_are_absolute(path_type: str, path: str | None) -> None:
    assert is_taken(with_path(pathType=path_type, path=path))


@pytest.mark.parametrize(
    ("path_type", "path", "field", "reason"),
    [
        (None, "/", f"{PATH}.pathType", "required; one of Exact, ImplementationSpecific, Prefix"),
        ("exact", "/", f"{PATH}.pathType", '"exact" is not supported; one of Exact'),
        ("Prefix", None, f"{PATH}.path", '"" must begin with "/"'),
        ("Exact", "a", f"{PATH}.path", '"a" must begin with "/"'),
        ("ImplementationSpecific", "a", f"{PATH}.path", '"a" must begin with "/"'),
        ("Prefix", "/a//b", f"{PATH}.path", 'must not contain "//"'),
        ("Prefix", "/a/./b", f"{PATH}.path", 'must not contain "/./"'),
        ("Exact", "/a/../b", f"{PATH}.path", 'must not contain "/../"'),
        ("Exact", "/a%2fb", f"{PATH}.path", 'must not contain "%2f"'),
        ("Prefix", "/a%2Fb", f"{PATH}.path", 'must not contain "%2F"'),
        ("Prefix", "/a/..", f"{PATH}.path", 'must not end with "/.."'),
        ("Prefix", "/a/.", f"{PATH}.path", 'must not end with "/."'),
    ],
)
def test_other_paths_are_refused(path_type: str | None, path: str | None, field: str, reason: str) -> None:
    ((found_field, found_reason),) = refusals(with_path(pathType=path_type, path=path))
    assert found_field == field
    assert reason in found_reason


@pytest.mark.parametrize(
    ("backend", "field", "reason"),
    [
        ({}, "", "a service or a resource is required"),
        ({"service": {"name": "a"}, "resource": {"kind": "A", "name": "b"}}, "", "must not have both"),
        ({"service": {"name": "", "port": {"number": 1}}}, ".service.name", "required"),
        ({"service": {"name": "a.b", "port": {"number": 1}}}, ".service.name", '"a.b" must consist of'),
        ({"service": {"name": "a"}}, ".service.port", "a name or a number is required"),
        ({"service": {"name": "a", "port": {"name": "http", "number": 1}}}, ".service.port", "must not have both"),
        ({"service": {"name": "a", "port": {"number": 65536}}}, ".service.port.number", "65536 must be between"),
        ({"service": {"name": "a", "port": {"number": -1}}}, ".service.port.number", "-1 must be between"),
        ({"service": {"name": "a", "port": {"name": "a--b"}}}, ".service.port.name", '"a--b" must consist of'),
        ({"service": {"name": "a", "port": {"name": "80"}}}, ".service.port.name", '"80" must consist of'),
        ({"service": {"name": "a", "port": {"name": "a" * 16}}}, ".service.port.name", "must have no more than 15"),
        ({"resource": {"name": "b"}}, ".resource.kind", "required"),
        ({"resource": {"kind": "A", "name": "a/b"}}, ".resource.name", '"a/b" must not be'),
        ({"resource": {"kind": "A", "name": "b", "apiGroup": "X"}}, ".resource.apiGroup", '"X" must consist of'),
    ],
)  # fmt: skip
def test_a_backend_is_one_service_with_one_port_or_one_resource(
    backend: dict[str, Any], field: str, reason: str
) -> None:
    ((found_field, found_reason),) = refusals(with_path(backend=backend))
    assert found_field == f"{PATH}.backend{field}"
    assert found_reason.startswith(reason)
    default = with_spec(objects.ingress(), rules=None, defaultBackend=backend)
    assert [found for found, _ in refusals(default)] == [f"spec.defaultBackend{field}"]


def test_an_ingress_has_rules_or_a_default_backend() -> None:
    assert refusals(with_spec(objects.ingress(), rules=[])) == [("spec", "either defaultBackend or rules is required")]
    assert refusals(with_spec(objects.ingress(), rules=[{"host": "a", "http": {"paths": []}}])) == [
        ("spec.rules[0].http.paths", "required")
    ]
    assert is_taken(with_spec(objects.ingress(), rules=[{"host": "a"}]))
    backend = {"service": {"name": "a", "port": {"name": "http"}}}
    assert is_taken(with_spec(objects.ingress(), rules=None, defaultBackend=backend))


def test_tls_names_hosts_and_a_secret() -> None:
    assert is_taken(with_spec(objects.ingress(), tls=[{"hosts": ["a", "*.b"], "secretName": "x"}, {}]))
    wrong = [{"hosts": ["*"], "secretName": "X"}, {"hosts": ["a", "B", "b_"]}]
    assert [field for field, _ in refusals(with_spec(objects.ingress(), tls=wrong))] == [
        "spec.tls[0].hosts[0]",
        "spec.tls[0].secretName",
        "spec.tls[1].hosts[2]",
    ]


def test_class_and_class_annotation_must_not_contradict_each_other() -> None:
    annotation = "kubernetes.io/ingress.class"
    assert is_taken(objects.ingress(annotations={annotation: "edge"}))
    assert [field for field, _ in refusals(objects.ingress(annotations={annotation: "other"}))] == [
        f'metadata.annotations["{annotation}"]'
    ]
    assert [field for field, _ in refusals(objects.ingress(ingress_class="Not A Name"))] == ["spec.ingressClassName"]


def test_everything_that_is_wrong_is_told_at_once() -> None:
    mapping = with_path(pathType=None, backend={})
    mapping["metadata"]["name"] = "A"
    assert [field for field, _ in refusals(mapping)] == ["metadata.name", f"{PATH}.pathType", f"{PATH}.backend"]


def test_a_field_of_the_wrong_type_is_told_by_its_path() -> None:
    assert refusals(with_path(path=5)) == [(f"{PATH}.path", "expected str | null, got int")]


# --- other kinds ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("controller", ["edge.ingress/controller", "a/b/c", "a.b/c~d"])
def test_a_controller_is_a_domain_and_a_path(controller: str) -> None:
    taken = admit(objects.ingress_class(controller=controller), "IngressClass")
    assert isinstance(taken, IngressClass)
    assert taken.spec.controller == controller


@pytest.mark.parametrize("controller", ["", "edge", "edge/", "/x", "A/b", "a/b c", "a/" + "b" * 250])
def test_other_controllers_are_refused(controller: str) -> None:
    assert [field for field, _ in refusals(objects.ingress_class(controller=controller))] == ["spec.controller"]


@pytest.mark.parametrize(
    "spec",
    [
        {"ports": [{"port": 80, "targetPort": "http"}]},
        {"ports": [{"name": "a", "port": 80}, {"name": "b", "port": 80, "protocol": "UDP"}]},
        {"ports": None, "clusterIP": "None"},
        {"ports": None, "type": "ExternalName", "externalName": "a.example."},
    ],
)
def test_services_that_an_api_server_takes(spec: dict[str, Any]) -> None:
    assert is_taken(with_spec(objects.service(), **spec))


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"ports": []}, "spec.ports"),
        ({"type": "External"}, "spec.type"),
        ({"type": "ExternalName"}, "spec.externalName"),
        ({"type": "ExternalName", "externalName": "a_b"}, "spec.externalName"),
        ({"clusterIP": "none"}, "spec.clusterIP"),
        ({"ports": [{"port": 0}]}, "spec.ports[0].port"),
        ({"ports": [{"port": 80, "protocol": "HTTP"}]}, "spec.ports[0].protocol"),
        ({"ports": [{"port": 80, "targetPort": 70000}]}, "spec.ports[0].targetPort"),
        ({"ports": [{"port": 80, "targetPort": "8080"}]}, "spec.ports[0].targetPort"),
        ({"ports": [{"port": 80, "name": "A"}]}, "spec.ports[0].name"),
        ({"ports": [{"port": 80, "name": "a"}, {"port": 81}]}, "spec.ports[1].name"),
        ({"ports": [{"port": 80, "name": "a"}, {"port": 81, "name": "a"}]}, "spec.ports[1].name"),
        ({"ports": [{"port": 80, "name": "a"}, {"port": 80, "name": "b"}]}, "spec.ports[1]"),
        ({"ports": [{"name": "a"}]}, "spec.ports[0]"),
    ],
)
def test_services_that_it_refuses(spec: dict[str, Any], field: str) -> None:
    assert [found for found, _ in refusals(with_spec(objects.service(), **spec))] == [field]


@pytest.mark.parametrize(
    "fields",
    [
        {"ports": [{"name": "", "port": 80}]},
        {"ports": [{"name": None}]},
        {"ports": None, "endpoints": None},
        {"endpoints": [{"addresses": ["127.0.0.1"]}, {"addresses": ["169.254.1.1"]}]},
        {"addressType": "IPv6", "endpoints": [{"addresses": ["::1", "2001:db8::1"]}]},
        {"addressType": "FQDN", "endpoints": [{"addresses": ["a.example"]}]},
    ],
)
def test_endpointslices_that_are_taken_with_addresses_of_this_machine_beyond_the_api_server(
    fields: dict[str, Any],
) -> None:
    assert is_taken({**SLICE, **fields})


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"addressType": None}, "addressType"),
        ({"addressType": "IP"}, "addressType"),
        ({"endpoints": [{"addresses": []}]}, "endpoints[0].addresses"),
        ({"endpoints": [{"addresses": ["10.0.0.1"] * 101}]}, "endpoints[0].addresses"),
        ({"endpoints": [{"addresses": ["10.0.0.1"]}] * 1001}, "endpoints"),
        ({"endpoints": [{"addresses": ["10.0.0.1", "a.example"]}]}, "endpoints[0].addresses[1]"),
        ({"endpoints": [{"addresses": ["::1"]}]}, "endpoints[0].addresses[0]"),
        ({"endpoints": [{"addresses": ["0.0.0.0"]}]}, "endpoints[0].addresses[0]"),
        ({"addressType": "IPv6"}, "endpoints[0].addresses[0]"),
        ({"ports": [{"port": 0}]}, "ports[0].port"),
        ({"ports": [{"port": 80, "protocol": "tcp"}]}, "ports[0].protocol"),
        ({"ports": [{"port": 80}, {"port": 81}]}, "ports[1].name"),
        ({"ports": [{"name": "A", "port": 80}]}, "ports[0].name"),
    ],
)
def test_endpointslices_that_are_refused(fields: dict[str, Any], field: str) -> None:
    assert [found for found, _ in refusals({**SLICE, **fields})] == [field]


def test_a_tls_secret_has_both_keys() -> None:
    assert is_taken(objects.secret(tls_crt="x", tls_key="y"))
    assert refusals(objects.secret(tls_crt="x")) == [
        ('data["tls.key"]', "required in a Secret of type kubernetes.io/tls")
    ]


@pytest.mark.parametrize(
    ("data", "field", "reason"),
    [
        ({"a": "no base64!"}, 'data["a"]', "is not base64; plain text goes to stringData"),
        ({"a": "YWJ"}, 'data["a"]', "is not base64"),
        ({"a": 5}, 'data["a"]', "must be text, and this is the number 5"),
        ({"a b": "YWJj"}, 'data["a b"]', '"a b" must consist of'),
        ({"..a": "YWJj"}, 'data["..a"]', '"..a" must consist of'),
        ({"a": "YWJj" * 400_000}, "data", "must have no more than 1048576 bytes"),
    ],
)
def test_data_of_a_secret_is_base64_under_plain_keys(data: dict[str, Any], field: str, reason: str) -> None:
    ((found_field, found_reason),) = refusals({**objects.secret(kind="Opaque"), "data": data})
    assert found_field == field
    assert found_reason.startswith(reason)


def test_data_of_a_configmap_is_text_under_plain_keys() -> None:
    mapping = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}
    taken = admit({**mapping, "data": {"a.b": "c"}}, "ConfigMap")
    assert isinstance(taken, ConfigMap)
    assert taken.data == {"a.b": "c"}
    assert [field for field, _ in refusals({**mapping, "data": {"a/b": "c"}})] == ['data["a/b"]']
