"""The choice of the endpoint of an attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.data.upstream.target import Target


class Chooser:
    """Chooses among the endpoints of a Service port: a `Balancer`, or an object for one request."""

    def choose(self, tried: tuple[Target, ...]) -> Target | None:
        """The endpoint to ask, none of TRIED; None: there is none."""
        raise NotImplementedError

    def still(self, target: Target) -> Target | None:
        """TARGET, chosen earlier, if it still exists and is healthy, else as `choose`."""
        raise NotImplementedError
