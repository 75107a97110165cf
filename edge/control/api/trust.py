"""How certificates of the API server are verified: as kubectl and other Go programs do it.

Python 3.13 requires what RFC 5280 requires of public authorities (VERIFY_X509_STRICT), an Authority Key Identifier for
instance. Go does not, and there are clusters whose certificates have none.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.util.ssl_ import create_urllib3_context, resolve_cert_reqs

if TYPE_CHECKING:
    import urllib3


class _Connection(HTTPSConnection):
    """With a context of its own: files with certificates are read for each connection."""

    def connect(self) -> None:
        context = create_urllib3_context(cert_reqs=resolve_cert_reqs(self.cert_reqs))
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if not (self.ca_certs or self.ca_cert_dir or self.ca_cert_data):
            context.load_default_certs()
        self.ssl_context = context
        super().connect()


class _Pool(HTTPSConnectionPool):
    ConnectionCls = _Connection


def as_go_does(pools: urllib3.PoolManager) -> None:
    """Have connections of POOLS verify certificates this way."""
    pools.pool_classes_by_scheme = {**pools.pool_classes_by_scheme, "https": _Pool}
