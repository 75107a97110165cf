"""What the compiler says of an Ingress that is not in the cluster yet."""

from __future__ import annotations

from typing import Any

import pytest

from edge.control.compiling.trial import is_refused
from edge.control.kinds.ingress import Ingress
from edge.settings import Settings
from tests.support import objects
from tests.support.world import Manifest, World, taken

NGINX = "nginx.ingress.kubernetes.io/"
OLD = "2026-01-01T00:00:00Z"
NEW = "2026-02-01T00:00:00Z"


def ingress(name: str = "new", path: str = "/", path_type: str = "Prefix", **notes: str) -> Manifest:
    annotations = {NGINX + key.replace("_", "-"): value for key, value in notes.items()}
    made = objects.ingress(name, creationTimestamp=NEW, annotations=annotations)
    made["spec"]["rules"][0]["http"]["paths"][0] |= {"path": path, "pathType": path_type}
    return made


def world(*manifests: Manifest, **settings: Any) -> World:
    served = objects.ingress(creationTimestamp=OLD, host="web.example")
    everything = (objects.service(), objects.endpoints("web", "10.0.0.1"), served, *manifests)
    return World(Settings(**settings)).apply(*everything)


def refusals(made: World, manifest: Manifest) -> list[str]:
    ingress = taken(manifest)
    assert isinstance(ingress, Ingress)
    return [str(problem) for problem in made.compiler.judge(ingress) or () if is_refused(problem)]


def warnings(made: World, manifest: Manifest) -> list[str]:
    ingress = taken(manifest)
    assert isinstance(ingress, Ingress)
    return [problem.reason for problem in made.compiler.judge(ingress) or () if not is_refused(problem)]


PATH = "spec.rules[0].http.paths[0].path"


# --- paths of others -------------------------------------------------------------------------------------------------


def test_a_path_that_another_ingress_has_is_refused_and_the_other_is_named() -> None:
    expected = [f'{PATH}: host "web.example" and path "/" are taken by Ingress demo/web']
    assert refusals(world(), ingress()) == expected
    assert refusals(world(), ingress() | {"metadata": ingress()["metadata"] | {"namespace": "other"}}) == expected


def test_it_does_not_matter_which_of_the_two_is_older() -> None:
    """Else an edit of an old Ingress could take the path of a newer one away."""
    older = objects.ingress("older", creationTimestamp="2025-01-01T00:00:00Z")
    assert refusals(world(), older) == [f'{PATH}: host "web.example" and path "/" are taken by Ingress demo/web']


@pytest.mark.parametrize(("path", "kind"), [("/", "Exact"), ("/x", "Prefix"), ("/", "ImplementationSpecific")])
def test_another_path_or_type_is_another_place(path: str, kind: str) -> None:
    assert refusals(world(), ingress(path=path, path_type=kind)) == []


def test_an_ingress_is_not_in_its_own_way() -> None:
    assert refusals(world(), objects.ingress(creationTimestamp=OLD)) == []


def test_a_canary_goes_beside_its_main_ingress_but_not_beside_another_canary() -> None:
    canary = ingress("canary", canary="true", canary_weight="10")
    assert refusals(world(), canary) == []
    second = ingress("second", canary="true", canary_weight="10")
    expected = f'{PATH}: host "web.example" and path "/" are taken by canary Ingress demo/canary'
    assert refusals(world(canary), second) == [expected]


def test_what_was_deleted_is_in_nobodys_way() -> None:
    made = world()
    made.delete("Ingress", "web")
    assert refusals(made, ingress()) == []


# --- what is not allowed ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "kind", "allowed"),
    [
        ("/a-b_c.d/E9", "Prefix", True),
        ("/a(/|$)(.*)", "Prefix", False),
        ("/a(/|$)(.*)", "Exact", False),
        ("/a(/|$)(.*)", "ImplementationSpecific", True),
    ],
)
def test_paths_of_exact_and_prefix_are_plain(path: str, kind: str, *, allowed: bool) -> None:
    assert bool(refusals(world(), ingress(path=path, path_type=kind))) is not allowed
    assert refusals(world(strict_validate_path_type=False), ingress(path=path, path_type=kind)) == []


@pytest.mark.parametrize(
    "path", ["/x alias /etc/;", "/a;root /x;", "/etc/passwd", "/var/run/secrets/x", "/etc/nginx", "/x_by_lua"]
)
def test_text_that_looks_like_nginxs_configuration_is_refused(path: str) -> None:
    dangerous = ingress(path=path, path_type="ImplementationSpecific")
    assert "looks like configuration of nginx" in refusals(world(), dangerous)[0]
    assert refusals(world(deep_inspect=False), dangerous) == []


def test_hosts_are_inspected_too() -> None:
    made = ingress(path="/x")
    made["spec"]["tls"] = [{"hosts": ["a_by_lua"], "secretName": "x"}]
    assert refusals(world(), made)[0].startswith("spec.tls[0].hosts: ")


def test_patterns_are_not_taken_for_configuration() -> None:
    for path in ("/rooted/(.*)", "/aliases", "/root/x"):
        assert refusals(world(), ingress(path=path, path_type="ImplementationSpecific")) == []


def test_a_default_backend_is_refused_with_disable_catch_all() -> None:
    made = ingress(path="/x")
    made["spec"]["defaultBackend"] = made["spec"]["rules"][0]["http"]["paths"][0]["backend"]
    assert refusals(world(), made) == []
    expected = ["spec.defaultBackend: not allowed with --disable-catch-all"]
    assert refusals(world(disable_catch_all=True), made) == expected


def test_a_word_that_is_forbidden_in_values_is_refused_and_not_served_either() -> None:
    made = ingress(path="/x", rewrite_target="/load_module")
    settings: dict[str, Any] = {"annotation_value_word_blocklist": ("load_module", "lua_package")}
    assert refusals(world(), made) == []
    (refusal,) = refusals(world(**settings), made)
    assert refusal.startswith(f'metadata.annotations["{NGINX}rewrite-target"]: has the word "load_module"')
    served = world(made, **settings)
    assert served.reasons("new") == ["AnnotationRefused"]
    assert not any(route.owner.name == "new" for route in served.host("web.example").routes)


@pytest.mark.parametrize(
    ("level", "annotation", "value"),
    [
        ("Low", "permanent_redirect", "https://a.example"),
        ("Medium", "auth_url", "http://a.example/"),
        ("High", "configuration_snippet", "return 200;"),
    ],
)
def test_an_annotation_above_the_risk_level_is_refused(level: str, annotation: str, value: str) -> None:
    made = ingress(path="/x", **{annotation: value})
    (refusal,) = refusals(world(annotations_risk_level=level, allow_snippet_annotations=True), made)
    assert f"annotations-risk-level allows {level} at most" in refusal
    assert refusals(world(annotations_risk_level="Critical", allow_snippet_annotations=True), made) == []


def test_a_snippet_that_is_not_allowed_or_not_known_is_refused() -> None:
    made = ingress(path="/x", configuration_snippet="return 200;")
    assert "annotations-risk-level allows High at most" in refusals(world(), made)[0]
    risky = {"annotations_risk_level": "Critical"}
    assert "snippets are not allowed" in refusals(world(**risky), made)[0]
    unknown = ingress(path="/x", configuration_snippet="content_by_lua_file x;")
    assert refusals(world(allow_snippet_annotations=True, **risky), unknown)


def test_what_is_refused_is_not_served_and_gets_no_status() -> None:
    made = ingress("new", path="/x", configuration_snippet="return 200;")
    served = world(made)
    assert {owner.name for owner in served.served} == {"web"}
    served.apply(ingress("new", path="/x"))
    assert {owner.name for owner in served.served} == {"web", "new"}
    served.apply(made)
    assert {owner.name for owner in served.served} == {"web"}


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        ("proxy_read_timeout", "soon"),
        ("auth_url", "ftp://x"),
        ("whitelist_source_range", "300.0.0.0/8"),
        ("permanent_redirect", "javascript:alert(1)"),
    ],
)
def test_a_value_that_cannot_be_read_is_refused(annotation: str, value: str) -> None:
    (refusal,) = refusals(world(), ingress(path="/x", **{annotation: value}))
    assert refusal.startswith(f'metadata.annotations["{NGINX}{annotation.replace("_", "-")}"]: ')


def test_a_pattern_that_cannot_be_used_is_refused() -> None:
    made = ingress(path="/x(", path_type="ImplementationSpecific", use_regex="true")
    (refusal,) = refusals(world(), made)
    assert "cannot be used as a regular expression" in refusal


def test_the_usual_prefix_is_refused_where_there_is_another() -> None:
    made = ingress(path="/x", use_regex="true")
    (refusal,) = refusals(world(annotations_prefix="example.com"), made)
    assert refusal == f'metadata.annotations["{NGINX}use-regex"]: annotations begin with "example.com/" here'


# --- what is told all the same ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("annotation", "reason"),
    [("enable_modsecurity", "UnsupportedAnnotation"), ("no_such_thing", "UnknownAnnotation")],
)
def test_annotations_without_effect_are_warned_of(annotation: str, reason: str) -> None:
    assert warnings(world(), ingress(path="/x", **{annotation: "true"})) == [reason]


def test_what_is_missing_may_come_and_is_warned_of() -> None:
    made = ingress(path="/x")
    made["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"] = "missing"
    assert warnings(world(), made) == ["MissingService"]
    assert refusals(world(), made) == []
    made = ingress(path="/x", auth_type="basic", auth_secret="missing")
    assert warnings(world(), made) == ["MissingSecret"]


@pytest.mark.parametrize(
    ("notes", "answer"),
    [
        ({}, "requests are answered 503"),
        ({"default_backend": "web"}, "requests go to the Service that default-backend names"),
    ],
)
def test_the_report_says_who_answers_without_an_endpoint(notes: dict[str, str], answer: str) -> None:
    for name in ("missing", "idle"):
        made = ingress(path="/x", **notes)
        made["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"] = name
        found = world(objects.service("idle")).compiler.judge(taken(made)) or ()  # type: ignore[arg-type]
        assert [problem.message.rpartition("; ")[2] for problem in found] == [answer]


@pytest.mark.parametrize(("uid", "allowed"), [("4a1c2f0e-0000-4000-8000-00000000abcd", True), ("1; root /;", False)])
def test_a_uid_is_a_uuid(uid: str, *, allowed: bool) -> None:
    made = ingress(path="/x")
    made["metadata"]["uid"] = uid
    assert (refusals(world(), made) == []) is allowed


def test_a_service_without_endpoints_is_warned_of() -> None:
    made = ingress(path="/x")
    made["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"] = "idle"
    assert warnings(world(objects.service("idle")), made) == ["NoEndpoints"]


def test_a_path_that_is_named_twice_is_warned_of() -> None:
    made = ingress(path="/x")
    paths = made["spec"]["rules"][0]["http"]["paths"]
    paths.append(paths[0])
    assert warnings(world(), made) == ["PathConflict"]


# --- whose it is -----------------------------------------------------------------------------------------------------


def test_an_ingress_of_another_class_is_nobody_elses_business() -> None:
    made = ingress(proxy_read_timeout="soon")
    made["spec"]["ingressClassName"] = "nginx"
    ingress_of_another = taken(made)
    assert isinstance(ingress_of_another, Ingress)
    assert world().compiler.judge(ingress_of_another) is None


def test_judging_changes_nothing() -> None:
    """Neither the table nor what is asked of the source; the next round has nothing to do."""
    made = world()
    before = made.compiler.needs_version
    refusals(made, ingress(path="/x", auth_type="basic", auth_secret="missing", auth_url="http://a.example/"))
    delta = made.compiler.compile()
    assert (delta.routes, delta.endpoints, delta.tls, delta.problems) == ({}, {}, {}, {})
    assert made.compiler.needs_version == before


def test_on_a_crowded_host_the_same_is_found() -> None:
    """Where not all Ingresses of the host are put together again."""
    crowd = [ingress(f"crowd{number}", path=f"/{number}") for number in range(150)]
    made = world(*crowd)
    assert refusals(made, ingress(path="/149")) == [
        f'{PATH}: host "web.example" and path "/149" are taken by Ingress demo/crowd149'
    ]
    shadowed = ingress(path="/149/", path_type="ImplementationSpecific")
    assert warnings(made, shadowed) == ["ShadowedPath"]
    assert (
        refusals(world(*crowd, ingress("regex", path="/r", use_regex="true")), ingress(path="/x", path_type="Exact"))
        == []
    )
