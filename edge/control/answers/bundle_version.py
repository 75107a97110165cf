"""The version of the Gateway API's CustomResourceDefinitions in the cluster, for the condition SupportedVersion.

Rules of this file:
- One definition stands for all: they are installed together, and each has the version of its bundle as an annotation.
- It is read when a GatewayClass of ours is there for the first time, and followed from then on. Where it must not be
  read, or has no version, there is no such condition.

Source: Gateway API v1.6, GatewayClassConditionStatusSupportedVersion; guides, "Bundle version".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from edge.control.api.reflector import Reflector
from edge.control.kinds import resources
from edge.control.kinds.objects import Metadata, Struct

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.control.api.list_watch import Timing
    from edge.control.api.transport import Transport
    from edge.control.kinds.objects import Key

DEFINITION: Final = "gatewayclasses.gateway.networking.k8s.io"
ANNOTATION: Final = "gateway.networking.k8s.io/bundle-version"
SUPPORTED: Final = "1.6"
"""The version that Edge is tested with."""
TYPE: Final = "SupportedVersion"
REFUSALS: Final = 1
"""Refusals after which the condition is left out."""


class _Definition(Struct, frozen=True):
    metadata: Metadata


_decode = msgspec.json.Decoder(_Definition).decode


class BundleVersion:
    """What the cluster has."""

    def __init__(self, transport: Transport, *, timing: Timing | None = None) -> None:
        self.listeners: list[Callable[[], None]] = []
        """Called when there is something new; must not wait."""
        self.known = False
        """Whether the version has been read, or cannot be."""
        self._version = ""
        self._started = False
        collection = resources.CUSTOM_RESOURCE_DEFINITION.collection(name=DEFINITION, metadata_only=True)
        self._reflector: Reflector[str] = Reflector(transport, collection, self, timing=timing)

    def start(self) -> None:
        """Follow the definition; further calls do nothing."""
        if not self._started:
            self._started = True
            self._reflector.start()

    def stop(self) -> None:
        """End soon."""
        self._reflector.stop()

    def shown(self, status: dict[str, Any]) -> dict[str, Any]:
        """STATUS of a GatewayClass, with the condition."""
        if not self._version:
            return status
        conditions = status["conditions"]
        supported = re.match(rf"v?{re.escape(SUPPORTED)}(\.|$)", self._version) is not None
        message = "" if supported else f"Edge is tested with v{SUPPORTED}; other versions are served as far as it goes"
        condition = {
            "type": TYPE,
            "status": "True" if supported else "False",
            "observedGeneration": conditions[0]["observedGeneration"],
            "reason": TYPE if supported else "UnsupportedVersion",
            "message": f"the cluster has {self._version}" + (f"; {message}" if message else ""),
        }
        return {**status, "conditions": [*conditions, condition]}

    # --- called by the reflector ------------------------------------------------------------------------------------

    def decode(self, key: Key, raw: msgspec.Raw) -> str:  # noqa: ARG002 - the sink's signature
        """The version; empty: the definition has none."""
        try:
            return (_decode(raw).metadata.annotations or {}).get(ANNOTATION, "")
        except msgspec.DecodeError:
            return ""

    def put(self, key: Key, value: str) -> None:  # noqa: ARG002
        """The definition is there."""
        self._version = value
        self._notify()

    def drop(self, key: Key) -> None:  # noqa: ARG002
        """It is gone."""
        self._version = ""
        self._notify()

    def synced(self) -> None:
        """The first list is complete."""
        self.known = True
        self._notify()

    def refused(self, times: int) -> None:
        """Go on without."""
        if times >= REFUSALS:
            self.known = True
            self._notify()

    def _notify(self) -> None:
        if self.known:
            for listener in self.listeners:
                listener()
