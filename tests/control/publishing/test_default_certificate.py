"""The generated certificate, and when it is renewed."""

from __future__ import annotations

import ssl
import time
from pathlib import Path

from cryptography import x509

from edge.control.publishing.default_certificate import COMMON_NAME, LIFE, RENEW, generate, is_generated, kept
from edge.table.records import Certificate

NOW = 1_800_000_000.0


def test_it_is_signed_by_itself_and_good_for_a_year() -> None:
    made = generate(NOW)
    parsed = x509.load_pem_x509_certificate(made.chain)
    parsed.verify_directly_issued_by(parsed)
    assert made.common_name == made.issuer == COMMON_NAME
    assert made.not_after == NOW + LIFE.total_seconds()
    assert (made.namespace, made.name) == ("", "")


def test_a_server_can_use_it(tmp_path: Path) -> None:
    made = generate(time.time())
    (tmp_path / "pem").write_bytes(made.chain + made.key)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tmp_path / "pem")


def test_the_published_one_goes_on_until_it_is_about_to_run_out() -> None:
    made = generate(NOW)
    assert kept(made, NOW) is made
    assert kept(made, made.not_after - RENEW - 1) is made
    renewed = kept(made, made.not_after - RENEW + 1)
    assert renewed.not_after > made.not_after


def test_without_a_published_one_it_is_made() -> None:
    assert is_generated(kept(None, NOW))


def test_that_of_a_secret_is_not_taken_for_ours() -> None:
    made = generate(NOW)
    foreign = Certificate("demo", "tls", made.chain, made.key, made.not_after, common_name=COMMON_NAME)
    assert kept(foreign, NOW) is not foreign
