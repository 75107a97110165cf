"""The self-signed certificate that is shown for hosts without one of their own; made at the first start.

The next control plane finds it in the table and keeps it, so that clients that accept it as an exception need not do so
again. A new one is made RENEW seconds before it expires.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Final

from edge.control.translate import self_signed
from edge.control.translate.key_pairs import parse

if TYPE_CHECKING:
    from edge.table.records import Certificate

COMMON_NAME: Final = "Kubernetes Ingress Controller Fake Certificate"
ORGANIZATION: Final = "Acme Co"
NAME: Final = "ingress.local"
"""The names are those of ingress-nginx's, by which monitors recognise a host without a certificate."""
LIFE: Final = datetime.timedelta(days=365)
RENEW: Final = 30 * 86400.0


def kept(published: Certificate | None, now: float) -> Certificate:
    """PUBLISHED, if it was made here and is valid for long enough, else a new one; NOW in Unix seconds."""
    if published is not None and is_generated(published) and published.not_after - now > RENEW:
        return published
    return generate(now)


def is_generated(certificate: Certificate) -> bool:
    """Whether CERTIFICATE was made here, and comes from no Secret."""
    return not certificate.namespace and certificate.common_name == COMMON_NAME


def generate(now: float) -> Certificate:
    """A new one, valid from a day before NOW on: clocks differ."""
    start = datetime.datetime.fromtimestamp(now, datetime.UTC)
    names = (ORGANIZATION, COMMON_NAME, NAME)
    return parse(*self_signed.make(names, start - datetime.timedelta(days=1), start + LIFE)).certificate
