"""Self-signed certificates. A separate process makes them, because the package `cryptography` takes 10 MiB that the
control plane would not free.
"""

from __future__ import annotations

import datetime
import subprocess
import sys
from typing import Final

PATIENCE: Final = 60.0
"""Seconds for which that process may run."""
_KEY: Final = b"-----BEGIN PRIVATE KEY-----"


def make(names: tuple[str, str, str], start: datetime.datetime, end: datetime.datetime) -> tuple[bytes, bytes]:
    """A certificate and its key (ECDSA, P-256), both PEM; NAMES: organization, common name, DNS name."""
    command = [sys.executable, "-P", "-m", __name__, *names, start.isoformat(), end.isoformat()]
    made = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True, timeout=PATIENCE)
    certificate, begin, rest = made.stdout.partition(_KEY)
    return certificate, begin + rest


def _made(names: tuple[str, str, str], start: datetime.datetime, end: datetime.datetime) -> bytes:
    """What `make` returns, in one piece."""
    from cryptography import x509  # noqa: PLC0415 - this process alone has it in memory
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        Encoding,
        NoEncryption,
        PrivateFormat,
    )
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID  # noqa: PLC0415

    organization, common_name, dns_name = names
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(dns_name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate.public_bytes(Encoding.PEM) + pem


if __name__ == "__main__":
    _organization, _common_name, _dns_name, *_times = sys.argv[1:]
    _start, _end = map(datetime.datetime.fromisoformat, _times)
    sys.stdout.buffer.write(_made((_organization, _common_name, _dns_name), _start, _end))
