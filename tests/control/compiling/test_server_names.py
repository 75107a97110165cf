"""TLS records: which certificate a host shows, and the problem if it is not the requested one."""

from __future__ import annotations

import functools
import time
from typing import Any

import pytest

from edge.control.kinds.changes import Invalid, Valid
from edge.control.kinds.objects import ObjectId
from edge.settings import Settings
from edge.table.records import DEFAULT_CERTIFICATE, Certificate, ServerName
from tests.support import objects
from tests.support.certificates import Pair, issue, self_signed
from tests.support.world import Manifest, World

GENERATED = Certificate("", "", b"chain", b"key", common_name="generated")


@functools.cache
def pair(*hosts: str, days: float = 7) -> Pair:
    return self_signed(*hosts, days=days)


def secret(name: str, *hosts: str, days: float = 7, **fields: Any) -> Manifest:
    made = pair(*hosts) if days == 7 else pair(*hosts, days=days)
    return objects.secret(name, tls_crt=made.certificate, tls_key=made.key, **fields)


def ingress(name: str, tls: list[Manifest], *hosts: str, created: str = "", **fields: Any) -> Manifest:
    made = objects.ingress(name, **({"creationTimestamp": created} if created else {}), **fields)
    rule = made["spec"]["rules"][0]["http"]
    made["spec"]["rules"] = [{"host": host, "http": rule} for host in hosts or ("web.example",)]
    made["spec"]["tls"] = tls
    return made


def world(*manifests: Manifest, settings: Settings | None = None, **compiler: Any) -> World:
    made = World(settings, generated=GENERATED, **compiler)
    return made.apply(objects.service(), objects.endpoints("web", "10.0.0.1"), *manifests)


def shown(made: World) -> dict[str, str]:
    """Key of the certificate by host."""
    return {record.host: record.certificate for record in made.tls.values() if isinstance(record, ServerName)}


def default(made: World) -> Certificate:
    record = made.tls[DEFAULT_CERTIFICATE]
    assert isinstance(record, Certificate)
    return record


def test_a_listed_host_shows_the_certificate_of_its_secret() -> None:
    made = world(objects.ingress(secret="tls"), secret("tls", "web.example"))
    assert shown(made) == {"web.example": "c:demo/tls"}
    record = made.tls["c:demo/tls"]
    assert isinstance(record, Certificate)
    assert (record.namespace, record.name, record.common_name) == ("demo", "tls", "web.example")
    assert record.chain == pair("web.example").certificate
    assert record.not_after > time.time()
    assert made.reasons() == []


def test_a_missing_secret_means_the_default_certificate_and_is_reported() -> None:
    made = world(objects.ingress(secret="tls"))
    assert shown(made) == {"web.example": DEFAULT_CERTIFICATE}
    assert made.host("web.example").tls
    (problem,) = made.problems_of()
    assert (problem.reason, problem.field) == ("MissingSecret", "spec.tls[0].secretName")
    made.apply(secret("tls", "web.example"))
    assert shown(made) == {"web.example": "c:demo/tls"}
    assert made.reasons() == []


def test_a_secret_that_goes_means_the_default_certificate() -> None:
    made = world(objects.ingress(secret="tls"), secret("tls", "web.example")).delete("Secret", "tls")
    assert shown(made) == {"web.example": DEFAULT_CERTIFICATE}
    assert "c:demo/tls" not in made.tls


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({}, "it has no tls.crt"),
        ({"tls_crt": pair("web.example").certificate}, "it has no tls.key"),
        ({"tls_crt": b"nonsense", "tls_key": pair("web.example").key}, "tls.crt is no PEM certificate chain"),
        (
            {"tls_crt": pair("web.example").certificate, "tls_key": b"nonsense"},
            "tls.key is no unencrypted PEM private key",
        ),
        ({"tls_crt": pair("web.example").certificate, "tls_key": pair("x").key}, "tls.key does not belong to"),
    ],
)
def test_a_bad_secret_means_the_default_certificate_and_is_reported(data: dict[str, bytes], text: str) -> None:
    made = world(objects.ingress(secret="tls"), objects.secret(**data))
    assert shown(made) == {"web.example": DEFAULT_CERTIFICATE}
    (problem,) = made.problems_of()
    assert problem.reason == "InvalidSecret"
    assert text in problem.message


def test_rotation_changes_the_certificate_and_nothing_else() -> None:
    made = world(objects.ingress(secret="tls"), secret("tls", "web.example"))
    names, routes = shown(made), dict(made.routes)
    fresh = self_signed("web.example")
    made.apply(objects.secret(tls_crt=fresh.certificate, tls_key=fresh.key))
    assert made.tls["c:demo/tls"].chain == fresh.certificate  # type: ignore[attr-defined]
    assert (shown(made), made.routes) == (names, routes)


def test_another_type_of_secret_is_used_and_reported() -> None:
    made = world(objects.ingress(secret="tls"), secret("tls", "web.example", kind="Opaque"))
    assert shown(made) == {"web.example": "c:demo/tls"}
    assert made.reasons() == ["SecretType"]


def test_an_expired_certificate_is_used_and_reported() -> None:
    made = world(objects.ingress(secret="tls"), secret("tls", "web.example", days=-1))
    assert shown(made) == {"web.example": "c:demo/tls"}
    (problem,) = made.problems_of()
    assert (problem.reason, problem.severity) == ("CertificateOutdated", "warning")
    assert "expired on" in problem.message


def test_a_certificate_for_another_host_is_not_shown_and_reported() -> None:
    made = world(objects.ingress(secret="tls"), secret("tls", "other.example"))
    assert shown(made) == {"web.example": DEFAULT_CERTIFICATE}
    (problem,) = made.problems_of()
    assert (problem.reason, problem.severity, problem.field) == ("HostNotCovered", "warning", "spec.tls[0].hosts")


def test_a_wildcard_certificate_is_good_for_one_label() -> None:
    made = world(
        ingress("web", [{"hosts": ["a.example", "b.a.example", "*.example"], "secretName": "tls"}], "a.example"),
        secret("tls", "*.example"),
    )
    assert shown(made) == {"a.example": "c:demo/tls", "*.example": "c:demo/tls", "b.a.example": DEFAULT_CERTIFICATE}
    assert made.reasons() == ["HostNotCovered"]


def test_an_entry_without_secret_means_the_default_certificate() -> None:
    made = world(ingress("web", [{"hosts": ["Web.Example"]}]))
    assert shown(made) == {"web.example": DEFAULT_CERTIFICATE}
    assert made.host("web.example").tls
    assert made.reasons() == []


def test_an_entry_without_hosts_means_those_of_the_rules() -> None:
    made = world(ingress("web", [{"secretName": "tls"}], "a.example", "b.example"), secret("tls", "a.example"))
    assert shown(made) == {"a.example": "c:demo/tls", "b.example": DEFAULT_CERTIFICATE}


def test_a_host_that_is_not_listed_shows_a_certificate_of_its_ingress_that_covers_it() -> None:
    made = world(
        ingress("web", [{"hosts": ["a.example"], "secretName": "tls"}], "a.example", "b.example", "c.other"),
        secret("tls", "a.example", "b.example"),
    )
    assert shown(made) == {"a.example": "c:demo/tls", "b.example": "c:demo/tls"}
    assert made.host("b.example").tls
    assert not made.host("c.other").tls
    assert made.reasons() == []


def test_without_any_host_the_names_of_the_certificate_count() -> None:
    made = world(ingress("web", [{"secretName": "tls"}], ""), secret("tls", "a.example", "*.b.example"))
    assert shown(made) == {"a.example": "c:demo/tls", "*.b.example": "c:demo/tls"}
    assert made.host("").tls
    made.apply(secret("tls", "c.example"))
    assert shown(made) == {"c.example": "c:demo/tls"}
    made.delete("Ingress", "web")
    assert shown(made) == {}


def test_the_certificate_of_a_listed_host_means_no_tls_for_any_host() -> None:
    made = world(
        ingress("web", [{"hosts": ["a.example"], "secretName": "tls"}], "a.example", ""), secret("tls", "a.example")
    )
    assert made.host("a.example").tls
    assert not made.host("").tls


def test_who_lists_a_host_goes_before_whose_certificate_has_its_name() -> None:
    made = world(
        ingress("any", [{"secretName": "any"}], "", created="2025-01-01T00:00:00Z"),
        secret("any", "web.example"),
        objects.ingress(secret="tls", creationTimestamp="2026-01-01T00:00:00Z"),
        secret("tls", "web.example"),
    )
    assert shown(made) == {"web.example": "c:demo/tls"}


def test_of_two_ingresses_the_older_shows_its_certificate_and_the_other_is_told() -> None:
    made = world(
        objects.ingress("young", secret="young", creationTimestamp="2026-02-01T00:00:00Z"),
        ingress("old", [{"hosts": ["web.example"], "secretName": "old"}], created="2026-01-01T00:00:00Z"),
        secret("young", "web.example"),
        secret("old", "web.example"),
    )
    assert shown(made) == {"web.example": "c:demo/old"}
    (problem,) = [one for one in made.problems_of("young") if one.reason == "CertificateConflict"]
    assert "shows the certificate of Ingress demo/old instead of demo/young" in problem.message
    made.delete("Secret", "old")
    assert shown(made) == {"web.example": "c:demo/young"}
    assert made.reasons("old") == ["MissingSecret"]
    assert "CertificateConflict" not in made.reasons("young")


def test_who_has_a_rule_for_a_host_goes_before_who_has_none() -> None:
    made = world(
        ingress(
            "old", [{"hosts": ["web.example"], "secretName": "old"}], "other.example", created="2025-01-01T00:00:00Z"
        ),
        secret("old", "web.example"),
        objects.ingress(secret="tls", creationTimestamp="2026-01-01T00:00:00Z"),
        secret("tls", "web.example"),
    )
    assert shown(made)["web.example"] == "c:demo/tls"


def test_what_is_not_asked_for_is_not_in_the_table() -> None:
    made = world(secret("tls", "web.example"))
    assert set(made.tls) == {DEFAULT_CERTIFICATE}
    assert made.compiler.wanted == frozenset()
    made.apply(objects.ingress(secret="tls"))
    assert made.compiler.wanted == {ObjectId("Secret", "demo", "tls")}
    made.delete("Ingress", "web")
    assert set(made.tls) == {DEFAULT_CERTIFICATE}
    assert made.compiler.wanted == frozenset()


def test_the_default_certificate_is_the_generated_one() -> None:
    assert default(world()) is GENERATED


def with_default(*manifests: Manifest) -> World:
    return world(*manifests, settings=Settings(default_ssl_certificate="demo/default"))


def test_or_that_of_a_secret_and_follows_it() -> None:
    made = with_default(secret("default", "web.example"))
    assert default(made).chain == pair("web.example").certificate
    assert set(made.tls) == {DEFAULT_CERTIFICATE}
    made.apply(secret("default", "other.example"))
    assert default(made).chain == pair("other.example").certificate
    made.delete("Secret", "default")
    assert default(made) is GENERATED


def test_a_default_certificate_that_is_missing_is_reported_on_its_secret() -> None:
    made = with_default()
    assert default(made) is GENERATED
    (problem,) = made.problems[ObjectId("Secret", "demo", "default")]
    assert (problem.reason, problem.field) == ("MissingSecret", "--default-ssl-certificate")
    made.apply(secret("default", "web.example"))
    assert not made.problems


def test_the_secret_of_the_default_certificate_may_be_named_by_an_ingress_too() -> None:
    made = with_default(secret("default", "web.example"))
    made.apply(objects.ingress(secret="default"))
    assert shown(made) == {"web.example": "c:demo/default"}
    assert made.tls["c:demo/default"] == default(made)
    made.delete("Ingress", "web")
    assert set(made.tls) == {DEFAULT_CERTIFICATE}


def test_a_new_generated_certificate_takes_the_place_of_the_old() -> None:
    made = world()
    fresh = Certificate("", "", b"fresh", b"key")
    made.compiler.show_generated(fresh)
    assert default(made.tell()) is fresh


def test_a_secret_that_has_not_been_looked_for_yet_is_not_called_missing() -> None:
    made = world(objects.ingress(secret="tls"), by_need=True)
    assert made.reasons() == []
    assert shown(made) == {"web.example": DEFAULT_CERTIFICATE}
    made.delete("Secret", "tls")  # a source deletes a Secret that it cannot find
    assert made.reasons() == ["MissingSecret"]


def test_a_secret_that_cannot_be_read_is_reported_with_the_reason() -> None:
    made = world(objects.ingress(secret="tls"))
    made.tell([Invalid("/api/x", "Secret", "demo", "tls", "the API server forbids to get it")])
    assert "InvalidSecret" in made.reasons()
    assert "forbids" in str(made.problems_of())


def test_the_last_good_version_of_a_secret_stays_in_force() -> None:
    made = world(objects.ingress(secret="tls"), secret("tls", "web.example"))
    made.tell([Invalid("tls.yaml", "Secret", "demo", "tls", "data.x: is not base64")])
    assert shown(made) == {"web.example": "c:demo/tls"}
    assert made.reasons() == []
    assert [one.reason for one in made.problems[ObjectId("Secret", "demo", "tls")]] == ["InvalidObject"]
    made.tell([Valid("tls.yaml")])
    assert not made.problems


def test_chains_are_kept_in_order_and_without_what_stands_between() -> None:
    leaf = issue("web.example")
    authority = self_signed("authority")
    text = b"subject=web\n" + leaf.certificate + b"\nissuer=ca\n" + authority.certificate
    made = world(objects.ingress(secret="tls"), objects.secret(tls_crt=text, tls_key=leaf.key))
    assert made.tls["c:demo/tls"].chain == leaf.certificate + authority.certificate  # type: ignore[attr-defined]


def test_rsa_keys_and_names_in_the_subject_alone_are_taken() -> None:
    made = issue("web.example", rsa_key=True)
    both = world(objects.ingress(secret="tls"), objects.secret(tls_crt=made.certificate, tls_key=made.key))
    assert shown(both) == {"web.example": "c:demo/tls"}
    named = issue(common_name="web.example")
    both.apply(objects.secret(tls_crt=named.certificate, tls_key=named.key))
    assert shown(both) == {"web.example": "c:demo/tls"}
    assert both.reasons() == []


def test_a_chain_that_openssl_refuses_gives_way_to_the_next_certificate_and_is_reported() -> None:
    leaf, weak, good = issue("web.example"), issue("ca", rsa_key=1024), issue("web.example")
    made = world(
        ingress("old", [{"hosts": ["web.example"], "secretName": "old"}], created="2026-01-01T00:00:00Z"),
        objects.ingress("young", secret="young", creationTimestamp="2026-02-01T00:00:00Z"),
        objects.secret("old", tls_crt=leaf.certificate + weak.certificate, tls_key=leaf.key),
        objects.secret("young", tls_crt=good.certificate, tls_key=good.key),
    )
    assert shown(made) == {"web.example": "c:demo/young"}
    assert "c:demo/old" not in made.tls
    (problem,) = [one for one in made.problems_of("old") if one.reason == "InvalidSecret"]
    assert problem.field == "spec.tls[0].secretName"
    assert "OpenSSL refuses certificate 2 of the chain: its key is too short" in problem.message


@pytest.mark.parametrize("listed", ["", "192.0.2.1"])
def test_the_common_name_counts_beside_an_address(listed: str) -> None:
    pair = issue(*filter(None, [listed]), common_name="web.example")
    made = world(objects.ingress(secret="tls"), objects.secret(tls_crt=pair.certificate, tls_key=pair.key))
    assert shown(made) == {"web.example": "c:demo/tls"}
    assert made.reasons() == []
