"""Version and channel of the Gateway API's CustomResourceDefinitions in the cluster, for the status of GatewayClasses.

Rules of this file:
- One definition stands for all: they are installed together, and each has the version of its bundle and its channel as
  annotations.
- It is read when a GatewayClass of ours exists for the first time, and followed from then on. If reading it is
  forbidden, or it has no version, there is no condition SupportedVersion.
- With the standard channel the features that need fields of the experimental one are left out.

Source: Gateway API v1.6, GatewayClassConditionStatusSupportedVersion; guides, "Bundle version".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from edge.control.api.reflector import Reflector
from edge.control.kinds import resources
from edge.control.kinds.objects import Metadata, Struct
from edge.control.translate.gateway.features import EXPERIMENTAL

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.control.api.list_watch import Timing
    from edge.control.api.transport import Transport
    from edge.control.kinds.objects import Key

DEFINITION: Final = "gatewayclasses.gateway.networking.k8s.io"
VERSION: Final = "gateway.networking.k8s.io/bundle-version"
CHANNEL: Final = "gateway.networking.k8s.io/channel"
STANDARD: Final = "standard"
SUPPORTED: Final = "1.6"
"""The version that Edge is tested with."""
TYPE: Final = "SupportedVersion"
REFUSALS: Final = 1
"""Refusals after which the condition is left out."""
ABSENT: Final = 60.0
"""Seconds between two attempts where the API server has no such definition."""


class _Definition(Struct, frozen=True):
    metadata: Metadata


class Bundle(NamedTuple):
    """The annotations of a definition about its bundle; empty: absent."""

    version: str = ""
    channel: str = ""


NOTHING: Final = Bundle()
_decode = msgspec.json.Decoder(_Definition).decode


class BundleVersion:
    """The bundle that is installed in the cluster."""

    def __init__(self, transport: Transport, *, timing: Timing | None = None) -> None:
        self.listeners: list[Callable[[], None]] = []
        """Called when there is something new; must not wait."""
        self.known = False
        """Whether the definition has been read, or cannot be."""
        self._bundle = NOTHING
        self._started = False
        collection = resources.CUSTOM_RESOURCE_DEFINITION.collection(name=DEFINITION, metadata_only=True)
        self._reflector: Reflector[Bundle] = Reflector(transport, collection, self, timing=timing, absent_for=ABSENT)

    def start(self) -> None:
        """Follow the definition; further calls do nothing."""
        if not self._started:
            self._started = True
            self._reflector.start()

    def stop(self) -> None:
        """End soon."""
        self._reflector.stop()

    def shown(self, status: dict[str, Any]) -> dict[str, Any]:
        """STATUS of a GatewayClass, with the condition, and with the features of the channel alone."""
        version, channel = self._bundle
        if channel == STANDARD:
            features = [one for one in status["supportedFeatures"] if one["name"] not in EXPERIMENTAL]
            status = {**status, "supportedFeatures": features}
        if not version:
            return status
        conditions = status["conditions"]
        supported = re.match(rf"v?{re.escape(SUPPORTED)}(\.|$)", version) is not None
        message = "" if supported else f"Edge is tested with v{SUPPORTED}; other versions are served as far as it goes"
        condition = {
            "type": TYPE,
            "status": "True" if supported else "False",
            "observedGeneration": conditions[0]["observedGeneration"],
            "reason": TYPE if supported else "UnsupportedVersion",
            "message": f"the cluster has {version}" + (f"; {message}" if message else ""),
        }
        return {**status, "conditions": [*conditions, condition]}

    # --- called by the reflector ------------------------------------------------------------------------------------

    def decode(self, key: Key, raw: msgspec.Raw) -> Bundle:  # noqa: ARG002 - the sink's signature
        """What the definition RAW says."""
        try:
            annotations = _decode(raw).metadata.annotations or {}
        except msgspec.DecodeError:
            return NOTHING
        return Bundle(annotations.get(VERSION, ""), annotations.get(CHANNEL, ""))

    def put(self, key: Key, value: Bundle) -> None:  # noqa: ARG002
        """The definition is there."""
        self._bundle = value
        self._notify()

    def drop(self, key: Key) -> None:  # noqa: ARG002
        """It is gone."""
        self._bundle = NOTHING
        self._notify()

    def synced(self) -> None:
        """The first list is complete."""
        self.known = True
        self._notify()

    def refused(self, times: int) -> None:
        """Continue without the definition."""
        if times >= REFUSALS:
            self.known = True
            self._notify()

    def _notify(self) -> None:
        if self.known:
            for listener in self.listeners:
                listener()
