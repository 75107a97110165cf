"""Certificates that are signed by their own key."""

from __future__ import annotations

import datetime
import subprocess
import sys

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from edge.control.translate import self_signed

START = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
NAMES = ("Example, Inc.", "an example", "example.test")


def test_a_certificate_has_the_names_and_times_that_were_asked_for_and_belongs_to_its_key() -> None:
    certificate, key = self_signed.make(NAMES, START, START + datetime.timedelta(days=2))
    made = x509.load_pem_x509_certificate(certificate)
    assert made.subject.rfc4514_string() == r"CN=an example,O=Example\, Inc."
    assert made.issuer == made.subject
    alternative = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert alternative.get_values_for_type(x509.DNSName) == ["example.test"]
    assert made.not_valid_before_utc == START
    assert made.not_valid_after_utc == START + datetime.timedelta(days=2)
    assert made.public_key() == load_pem_private_key(key, None).public_key()
    made.verify_directly_issued_by(made)


def test_the_process_that_asks_does_not_load_cryptography() -> None:
    code = (
        "import sys, edge.control.plane, edge.control.publishing.default_certificate as default\n"
        "default.generate(1_700_000_000.0)\n"
        "assert 'cryptography' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
