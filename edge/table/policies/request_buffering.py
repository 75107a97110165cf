"""How much of a request's body is read before an endpoint is asked."""

from __future__ import annotations

from typing import Final

from edge.table.policies.policy import Policy

ANY: Final = 2**63 - 1
"""In place of a number of bytes: the whole body, also if its length is not known."""


class RequestBuffering(Policy, frozen=True, tag=True):
    """Request bodies are read as a whole before an endpoint is asked, so that they can be sent again.

    The default is ingress-nginx's: all bodies. It holds for routes without this policy.
    """

    most: int = ANY
    """Bytes; a larger body is streamed to the endpoint, and so is one of unknown length. 0: all bodies are streamed."""
    memory: int = 32768
    """Bytes of a body that are kept in memory; the rest goes to a temporary file."""

    def summary(self) -> str:
        """As `Policy`."""
        if self.most == 0:
            return "request bodies go to the endpoint as they come"
        which = "request bodies" if self.most == ANY else f"request bodies up to {self.most} bytes"
        return f"{which} are read first, {self.memory} bytes of each in memory"
