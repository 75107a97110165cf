"""The base of the writers of status, of Ingresses and of the Gateway API.

Rules of this file:
- Each write names the resourceVersion that it is based on.
- When the addresses of Edge change, every status that shows them is checked again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from edge.control.answers.writer import RATE, Writer
from edge.control.api.transport import MERGE_PATCH

if TYPE_CHECKING:
    from edge.control.answers.addresses import Origin
    from edge.control.api.lease import Election
    from edge.control.api.transport import Transport
    from edge.control.kinds.objects import ObjectId
    from edge.control.kinds.resources import Kind
    from edge.control.translate.service_addresses import Addresses

J = TypeVar("J")


class StatusWriter(Writer[J]):
    """Writes status, with the addresses of ORIGIN."""

    def __init__(self, transport: Transport, election: Election, origin: Origin, *, rate: float = RATE) -> None:
        super().__init__(transport, election, rate=rate)
        self._origin = origin
        self._addresses: Addresses | None = None
        origin.listeners.append(self._moved)

    def start(self) -> None:
        """Begin in a thread of its own."""
        self._moved()
        super().start()

    def _moved(self) -> None:
        addresses = self._origin.addresses()
        with self._changed:
            if addresses is not None and addresses != self._addresses:
                self._addresses = addresses
                self._consider_all()

    def _write_status(self, kind: Kind, name: ObjectId, version: str, status: dict[str, Any]) -> bytes | None:
        """Merge STATUS into that of NAME, which was seen in this VERSION; as `_request`.

        Raises:
            KubernetesError: it is not done, or not known to be.
        """
        body = {"metadata": {"resourceVersion": version}, "status": status}
        path = f"{kind.path_of((name.namespace, name.name))}/status"
        return self._request("PATCH", path, body, content_type=MERGE_PATCH)
