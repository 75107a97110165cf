"""The transport to servers in URLs of users."""

from __future__ import annotations

import re
from typing import Final

from edge.table.records import Tls, Transport
from edge.table.remotes import remote_of

_ADDRESS: Final = re.compile(r"[0-9.]+|.*:.*")
"""What is not sent as a server name (RFC 6066, section 3)."""


def transport_of(key: str, *, secure: bool) -> Transport:
    """The transport to the server of KEY, SECURE: by TLS. Its certificate is not verified, as in ingress-nginx."""
    name, _ = remote_of(key)
    return Transport(tls=Tls("" if _ADDRESS.fullmatch(name) else name)) if secure else Transport()
