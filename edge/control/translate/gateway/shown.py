"""Adds the client certificates of the Gateways of a route to the transports of its backends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from edge.control.translate.gateway.client_pair import client_pair
from edge.table.records import TlsMaterial, material_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from edge.control.kinds.gateway import Gateway
    from edge.control.translate.gateway.client_pair import ClientPair
    from edge.control.translate.gateway.view import View
    from edge.table.records import Backend, Route


class Shown:
    """The certificates of Gateways beside the MATERIALS that backends have already.

    - `materials`: all that transports need now, by key.
    """

    def __init__(self, materials: Mapping[str, TlsMaterial], view: View) -> None:
        self._view = view
        self.materials = dict(materials)

    def by(self, gateway: Gateway, route: Route) -> Route:
        """ROUTE as it is served by GATEWAY."""
        pair = self._pair(gateway, _all(route))
        if pair is None:
            return route
        backends = tuple(self._with(one, pair) for one in route.backends)
        mirrors = tuple(replace(one, backend=self._with(one.backend, pair)) for one in route.mirrors)
        return replace(route, backends=backends, mirrors=mirrors)

    def to(self, backends: tuple[Backend, ...], gateway: Gateway) -> tuple[Backend, ...]:
        """BACKENDS of a stream as GATEWAY serves it."""
        pair = self._pair(gateway, backends)
        return backends if pair is None else tuple(self._with(one, pair) for one in backends)

    def _pair(self, gateway: Gateway, backends: Sequence[Backend]) -> ClientPair | None:
        """What GATEWAY shows to BACKENDS; None: nothing."""
        if all(one.transport.tls is None for one in backends):
            return None
        pair = client_pair(gateway, self._view)
        return pair if pair is not None and pair.chain else None

    def _with(self, backend: Backend, pair: ClientPair) -> Backend:
        tls = backend.transport.tls
        if tls is None:
            return backend
        before = self.materials[tls.material].authorities if tls.material else b""
        key = material_key(before, pair.chain, pair.key)
        self.materials[key] = TlsMaterial(before, pair.chain, pair.key)
        return replace(backend, transport=replace(backend.transport, tls=replace(tls, material=key)))


def _all(route: Route) -> list[Backend]:
    return [*route.backends, *(one.backend for one in route.mirrors)]
