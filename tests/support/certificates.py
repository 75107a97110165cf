"""Certificates for tests: an authority that is made once a run, and leaves signed by it."""

from __future__ import annotations

import datetime
import functools
import ipaddress
import ssl
from typing import TYPE_CHECKING, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from pathlib import Path


class Pair(NamedTuple):
    """A certificate chain and its key, PEM."""

    certificate: bytes
    key: bytes

    @property
    def serial(self) -> int:
        """Serial number of the leaf."""
        return x509.load_pem_x509_certificate(self.certificate).serial_number

    def write(self, folder: Path, name: str = "tls") -> tuple[Path, Path]:
        """Write NAME.crt and NAME.key into FOLDER."""
        certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
        certificate.write_bytes(self.certificate)
        key.write_bytes(self.key)
        return certificate, key


@functools.cache
def authority(name: str = "Test Authority", *, path_length: int | None = 0) -> Pair:
    """A self-signed certificate that may sign others."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(name)
    builder = _builder(subject, subject, key.public_key(), days=30)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
    return _pair(builder.sign(key, hashes.SHA256()), key)


@functools.cache
def intermediate(name: str, issuer: Pair) -> Pair:
    """A certificate that ISSUER has signed, and that may sign others."""
    signer = x509.load_pem_x509_certificate(issuer.certificate)
    signing_key = load_pem_private_key(issuer.key, None)
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(_name(name), signer.subject, key.public_key(), days=30)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return _pair(builder.sign(signing_key, hashes.SHA256()), key)  # type: ignore[arg-type]


def revocations(issuer: Pair, *revoked: Pair) -> bytes:
    """The list of the REVOKED certificates of ISSUER, PEM."""
    signer = x509.load_pem_x509_certificate(issuer.certificate)
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateRevocationListBuilder().issuer_name(signer.subject)
    builder = builder.last_update(now - datetime.timedelta(hours=1)).next_update(now + datetime.timedelta(days=1))
    for one in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(one.serial).revocation_date(now).build()
        builder = builder.add_revoked_certificate(entry)
    key = load_pem_private_key(issuer.key, None)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)  # type: ignore[arg-type]


def issue(
    *hosts: str,
    days: float = 7,
    issuer: Pair | None = None,
    rsa_key: bool | int = False,
    client: bool = False,
    common_name: str = "",
    subject: x509.Name | None = None,
) -> Pair:
    """A certificate for HOSTS (names, addresses or URIs) that ends in DAYS, signed by ISSUER (default: `authority()`).

    RSA_KEY: not an elliptic curve; a number: of so many bits.
    """
    issuer = issuer or authority()
    signer = x509.load_pem_x509_certificate(issuer.certificate)
    signing_key = load_pem_private_key(issuer.key, None)
    bits = 2048 if rsa_key is True else int(rsa_key)
    key = rsa.generate_private_key(65537, bits) if bits else ec.generate_private_key(ec.SECP256R1())
    if subject is None:
        subject = _name(common_name or (hosts[0] if hosts else "client"))
    builder = _builder(subject, signer.subject, key.public_key(), days=days)
    if hosts:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([_general_name(host) for host in hosts]), critical=False
        )
    usage = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
    builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    return _pair(builder.sign(signing_key, hashes.SHA256()), key)  # type: ignore[arg-type]


class Chain(NamedTuple):
    """A leaf with its intermediate certificates behind it, and the authority above all."""

    leaf: Pair
    root: Pair


def chain(*hosts: str, intermediates: int) -> Chain:
    """A certificate for HOSTS with so many INTERMEDIATES between it and its authority."""
    root = issuer = _signer("Root", None)
    between = b""
    for number in range(intermediates):
        issuer = _signer(f"Intermediate {number}", issuer)
        between = issuer.certificate + between
    leaf = issue(*hosts, issuer=issuer)
    return Chain(Pair(leaf.certificate + between, leaf.key), root)


def _signer(name: str, issuer: Pair | None) -> Pair:
    """A certificate that may sign others, signed by ISSUER or by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    above = x509.load_pem_x509_certificate(issuer.certificate).subject if issuer is not None else _name(name)
    builder = _builder(_name(name), above, key.public_key(), days=30)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    signing = load_pem_private_key(issuer.key, None) if issuer is not None else key
    return _pair(builder.sign(signing, hashes.SHA256()), key)  # type: ignore[arg-type]


def self_signed(*hosts: str, days: float = 7) -> Pair:
    """A certificate for HOSTS that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(_name(hosts[0]), _name(hosts[0]), key.public_key(), days=days)
    builder = builder.add_extension(
        x509.SubjectAlternativeName([_general_name(host) for host in hosts]), critical=False
    )
    return _pair(builder.sign(key, hashes.SHA256()), key)


def trusting(*authorities: Pair) -> ssl.SSLContext:
    """A client's context that trusts AUTHORITIES (default: `authority()`) alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for one in authorities or (authority(),):
        context.load_verify_locations(cadata=one.certificate.decode())
    return context


def trusting_all() -> ssl.SSLContext:
    """A client's context that takes any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def serial_of(der: bytes | None) -> int:
    """Serial number of the certificate that a peer showed."""
    assert der is not None
    return x509.load_der_x509_certificate(der).serial_number


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.UniformResourceIdentifier(host) if "://" in host else x509.DNSName(host)


def _builder(subject: x509.Name, issuer: x509.Name, public_key: object, *, days: float) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).serial_number(x509.random_serial_number())
    )
    # Valid from long ago, so that DAYS may be negative: an expired one.
    builder = builder.not_valid_before(now - datetime.timedelta(days=60)).not_valid_after(
        now + datetime.timedelta(days=days)
    )
    return builder.public_key(public_key)  # type: ignore[arg-type]


def _pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> Pair:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Pair(certificate.public_bytes(Encoding.PEM), pem)
