"""Secret, ConfigMap and Namespace, as typed structs; the rules are those of `edge.control.kinds.objects`.

Source: Kubernetes API reference, core/v1.
"""

from __future__ import annotations

from typing import Final

from edge.control.kinds.objects import Named, Struct

TLS_TYPE: Final = "kubernetes.io/tls"
"""Of a Secret with a certificate."""
TLS_CHAIN: Final = "tls.crt"
TLS_KEY: Final = "tls.key"
"""Keys of the data of such a Secret."""


class Secret(Named, frozen=True):
    """Confidential data."""

    kind = "Secret"
    api_version = "v1"
    type: str | None = None
    data: dict[str, bytes] | None = None
    """Already decoded from base64."""


class ConfigMap(Named, frozen=True):
    """Settings."""

    kind = "ConfigMap"
    api_version = "v1"
    data: dict[str, str] | None = None


class NamespaceStatus(Struct, frozen=True):
    """State of a namespace."""

    phase: str | None = None


class Namespace(Named, frozen=True):
    """A namespace."""

    kind = "Namespace"
    api_version = "v1"
    status: NamespaceStatus | None = None
