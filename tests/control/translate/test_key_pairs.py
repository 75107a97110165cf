"""Which certificates are taken, what is read in them, and why others are refused: OpenSSL is the judge."""

from __future__ import annotations

import datetime
import ssl
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from edge.control.translate import judge, leaf, pem
from edge.control.translate import key_pairs as certificates
from edge.control.translate.key_pairs import CertificateError, Material, parse
from edge.data.accepting.context import make_context
from edge.system import openssl
from tests.support.certificates import Pair, authority, issue, self_signed
from tests.support.crafted import (
    AUTHORITY_INFO,
    ECDSA_WITH_SHA1,
    P256,
    attribute,
    by_hand,
    common_name,
    dns,
    extension,
    names,
    private,
    tlv,
)


def taken(pair: Pair) -> Material:
    """What PAIR amounts to; a worker can load it."""
    material = parse(pair.certificate, pair.key, namespace="demo", name="tls")
    make_context(material.certificate, None)
    return material


def refusal(certificate: bytes, key: bytes) -> str:
    with pytest.raises(CertificateError) as caught:
        parse(certificate, key)
    return str(caught.value)


# --- what is good, however odd ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("tag", [12, 19, 20, 22, 26, 28, 30, 18, 4, 2, 1, 5])
@pytest.mark.parametrize("value", [b"Caf\xe9", b"\xff\xfe\xfd", b"", b"\0\0\xd8\0", b"a\0b"])
def test_names_of_any_type_and_content_cost_nothing(tag: int, value: bytes) -> None:
    name = attribute("55040a", tag, value)
    pair = by_hand(names(dns(b"good.test")), subject=name + common_name(value, tag), issuer=name)
    try:
        reference = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        load(reference, pair)
    except ssl.SSLError:
        assert "OpenSSL refuses certificate 1" in refusal(*pair)
        return
    assert taken(pair).names == {"good.test"}
    assert certificates.describe(pair.certificate).issuer_organization.isprintable()


def load(context: ssl.SSLContext, pair: Pair) -> None:
    openssl.load(context, pair.certificate, pair.key)


def test_a_latin_1_organisation_as_teletex_string_is_read() -> None:
    pair = by_hand(names(dns(b"good.test")), issuer=attribute("55040a", 20, b"Caf\xe9") + common_name(b"\xc3\xa9"))
    assert taken(pair).certificate.issuer == "é"
    assert certificates.describe(pair.certificate).issuer_organization == "Café"


@pytest.mark.parametrize(
    "odd",
    [
        extension(AUTHORITY_INFO, b"\x30\x03\x01"),
        extension(AUTHORITY_INFO, b"nonsense"),
        extension(bytes.fromhex("2b0601040183868d1f01"), b"whatever"),
        extension(bytes.fromhex("551d20"), b""),
    ],
)
def test_an_extension_that_is_malformed_or_unknown_costs_nothing(odd: bytes) -> None:
    assert taken(by_hand(odd, names(dns(b"good.test")))).names == {"good.test"}
    assert taken(by_hand(names(dns(b"good.test")), odd, odd)).names == {"good.test"}


def test_a_malformed_name_beside_good_ones_is_left_out() -> None:
    entries = dns(b"\xff\xfe"), dns(b"nul\0.test"), dns(b""), tlv(0x87, b"\1"), dns(b"Good.Test.")
    assert taken(by_hand(names(*entries, dns(b"*.good.test")))).names == {"good.test", "*.good.test"}


@pytest.mark.parametrize(
    ("extensions", "expected"),
    [
        ((), {"cn.test"}),
        ((names(tlv(0x87, b"\x7f\0\0\1")),), {"cn.test"}),
        ((names(),), {"cn.test"}),
        ((names(tlv(0x81, b"a@b.test"), tlv(0x86, b"http://uri.test")),), {"cn.test"}),
        ((names(dns(b"san.test")),), {"san.test"}),
        ((names(tlv(0x87, b"\x7f\0\0\1"), dns(b"san.test")),), {"san.test"}),
        ((names(dns(b"\xff")),), set()),
    ],
)
def test_the_common_name_counts_as_long_as_there_is_no_dns_name(
    extensions: tuple[bytes, ...], expected: set[str]
) -> None:
    assert taken(by_hand(*extensions)).names == expected


def test_a_certificate_made_by_the_library_says_the_same_to_both() -> None:
    for pair in (issue("a.test", "*.b.test", "192.0.2.1"), issue(common_name="c.test", rsa_key=True)):
        reference = x509.load_pem_x509_certificate(pair.certificate)
        found = certificates.describe(pair.certificate)
        assert found.serial == str(reference.serial_number)
        assert found.not_after == reference.not_valid_after_utc.timestamp()
        assert found.not_before == reference.not_valid_before_utc.timestamp()
        (said,) = reference.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        assert found.common_name == said.value
        assert found.issuer == "Test Authority"
    assert (found.algorithm, found.rsa_bits) == ("RSA", 2048)


@pytest.mark.parametrize(
    ("dates", "text"),
    [
        ((b"990101000000Z", b"491231235959Z"), ""),
        ((b"990101000000Z", b"500101000000Z"), "expired on 1950-01-01"),
        ((b"9901010000Z", b"4001010000+0100"), ""),
        ((b"990101000000Z", b"991399999999Z"), "cannot be read"),
        ((b"x", b"\xff"), "cannot be read"),
    ],
)
def test_dates_that_cannot_be_read_are_reported_and_the_certificate_is_used(
    dates: tuple[bytes, bytes], text: str
) -> None:
    material = taken(by_hand(dates=(tlv(23, dates[0]), tlv(23, dates[1]))))
    assert text in certificates.validity_fault(material, time.time())
    assert bool(text) == bool(certificates.validity_fault(material, time.time()))


def test_dates_at_the_ends_of_time_can_be_shown() -> None:
    for last in (b"99991231235959Z", b"99991231235959-1200", b"00010101000000+1200", b"00000101000000Z"):
        material = taken(by_hand(dates=(tlv(24, b"20200101000000Z"), tlv(24, last))))
        certificates.validity_fault(material, time.time())


def test_a_serial_number_of_any_length_costs_nothing() -> None:
    assert taken(by_hand(serial=b"\x7f" * 5000)).certificate.serial == ""
    assert taken(by_hand(serial=b"\xff")).certificate.serial == "-1"


def test_pem_is_taken_in_every_form_that_openssl_takes() -> None:
    pair = issue("a.test")
    lines = pair.certificate.replace(b"\n", b"\r\n")
    old = pair.certificate.replace(b"CERTIFICATE", b"X509 CERTIFICATE")
    trusted = pair.certificate.replace(b"CERTIFICATE", b"TRUSTED CERTIFICATE")
    for chain in (lines, old, trusted, b"Subject: a\n" + pair.certificate + b"trailing text"):
        material = taken(Pair(chain, pair.key))
        assert (material.names, material.certificate.chain) == ({"a.test"}, pair.certificate)
    key = load_pem_private_key(pair.key, None)
    old_key = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    parameters = pem.Block("EC PARAMETERS", bytes.fromhex("06082a8648ce3d030107")).text()
    assert taken(Pair(pair.certificate, parameters + old_key)).certificate.key == old_key


def test_a_key_within_the_chain_is_not_published_as_part_of_it() -> None:
    pair = issue("a.test")
    material = taken(Pair(self_signed("b.test").key + pair.certificate, pair.key + pair.certificate))
    assert (material.certificate.chain, material.certificate.key) == (pair.certificate, pair.key)


def signed(
    subject: str, key: object, signer: object, *, digest: hashes.HashAlgorithm | None, issuer: str = "ca"
) -> bytes:
    """A certificate for KEY, signed with SIGNER."""
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
    builder = builder.issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)])).serial_number(7)
    builder = builder.not_valid_before(start).not_valid_after(start.replace(year=2090))
    builder = builder.public_key(key.public_key())  # type: ignore[attr-defined]
    return builder.sign(signer, digest).public_bytes(Encoding.PEM)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (rsa.generate_private_key(65537, 2048), "RSA"),
        (ec.generate_private_key(ec.SECP521R1()), "ECDSA"),
        (ec.generate_private_key(ec.SECP224R1()), "ECDSA"),
        (ed25519.Ed25519PrivateKey.generate(), "Ed25519"),
        (ed448.Ed448PrivateKey.generate(), "Ed448"),
    ],
)
def test_every_kind_of_key_that_a_client_may_accept_is_taken(key: object, algorithm: str) -> None:
    chain = signed("a.test", key, P256, digest=hashes.SHA256())
    assert taken(Pair(chain, private(key))).names == {"a.test"}
    assert certificates.describe(chain).algorithm == algorithm


# --- what OpenSSL refuses ---------------------------------------------------------------------------------------------

SMALL = rsa.generate_private_key(65537, 1024)
LEAF = signed("a.test", P256, P256, digest=hashes.SHA256())


@pytest.mark.parametrize(
    ("chain", "key", "reason"),
    [
        (signed("a.test", SMALL, P256, digest=hashes.SHA256()), SMALL, "tls.key is an RSA key of 1024 bits, and 2048"),
        (
            signed("a.test", ec.generate_private_key(ec.SECP192R1()), P256, digest=hashes.SHA256()),
            P256,
            "certificate 1 of the chain: its key is too short",
        ),
        (
            LEAF + signed("ca", SMALL, P256, digest=hashes.SHA256(), issuer="root"),
            P256,
            "tls.crt: OpenSSL refuses certificate 2 of the chain: its key is too short (CA_KEY_TOO_SMALL)",
        ),
        (
            LEAF + authority().certificate + signed("x", SMALL, P256, digest=hashes.SHA256(), issuer="root"),
            P256,
            "certificate 3 of the chain",
        ),
        (LEAF + b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", P256, "certificate 2 of the chain"),
        (pem.Block("CERTIFICATE", b"\x30\0").text(), P256, "certificate 1 of the chain: it cannot be read"),
        (LEAF.replace(b"END", b"ENDE"), P256, "tls.crt cannot be read: a PEM block has no end"),
        (LEAF[:200], P256, "tls.crt cannot be read: a PEM block has no end"),
        (LEAF.replace(b"M", b"!", 1), P256, "tls.crt cannot be read: a PEM block is not base64"),
        (b"\0\xff", P256, "tls.crt is no PEM certificate chain"),
        (LEAF, SMALL, "tls.key does not belong to the certificate in tls.crt"),
        (LEAF, ec.generate_private_key(ec.SECP256R1()), "tls.key does not belong to the certificate in tls.crt"),
    ],
)
def test_what_openssl_refuses_is_refused_with_its_reason(chain: bytes, key: object, reason: str) -> None:
    assert reason in refusal(chain, private(key))


def test_a_signature_that_is_too_weak_is_refused_in_the_leaf_and_behind_it() -> None:
    weak = by_hand(algorithm=ECDSA_WITH_SHA1).certificate
    reason = "it is signed with a hash that is too weak (CA_MD_TOO_WEAK)"
    assert refusal(weak, private(P256)) == f"tls.crt: OpenSSL refuses certificate 1 of the chain: {reason}"
    assert refusal(LEAF + weak, private(P256)) == f"tls.crt: OpenSSL refuses certificate 2 of the chain: {reason}"


@pytest.mark.parametrize(
    "malformed",
    [extension(bytes.fromhex("551d13"), b"\xff"), extension(leaf.SUBJECT_ALT_NAME, b"nonsense"), names()],
)
def test_an_extension_that_openssl_itself_cannot_do_without_is_named_as_the_reason(malformed: bytes) -> None:
    pair = by_hand(malformed, malformed)
    assert "certificate 1 of the chain: one of its extensions is malformed" in refusal(*pair)


@pytest.mark.parametrize("key", [b"", b"x", LEAF, b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_a_key_that_is_none_is_refused(key: bytes) -> None:
    assert refusal(LEAF, key).startswith("tls.key")


def test_a_key_with_a_passphrase_is_refused() -> None:
    for form in (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL):
        locked = P256.private_bytes(Encoding.PEM, form, BestAvailableEncryption(b"secret"))
        assert refusal(LEAF, locked) == "tls.key is no unencrypted PEM private key"


def test_a_key_for_which_there_is_no_cipher_is_refused() -> None:
    key = dsa.generate_private_key(2048)
    chain = signed("a.test", key, P256, digest=hashes.SHA256())
    assert "DSA key" in refusal(chain, private(key))


# --- what it costs ----------------------------------------------------------------------------------------------------


def test_a_pair_is_judged_once_however_often_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[bytes] = []
    real = judge.openssl.load
    monkeypatch.setattr(judge.openssl, "load", lambda *given: (loads.append(given[1]), real(*given))[1])
    ca = issue("ca", issuer=authority())
    for _ in range(3):
        for host in ("a.test", "b.test"):
            pair = PAIRS.setdefault(host, issue(host))
            parse(pair.certificate + ca.certificate, pair.key)
    assert len(loads) == 3  # the two leaves, and the certificate behind them


PAIRS: dict[str, Pair] = {}
