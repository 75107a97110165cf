"""How far a response is read ahead of its client."""

from __future__ import annotations

from edge.table.policies.policy import Policy


class ResponseBuffering(Policy, frozen=True, tag=True):
    """Responses are read ahead of a client that is slower than the endpoint, so that the endpoint finishes sooner.

    The defaults are ingress-nginx's. They hold for routes without this policy.
    """

    on: bool = False
    """Whether responses without X-Accel-Buffering are read ahead."""
    memory: int = 16384
    """Bytes that may wait for the client in memory."""
    file: int = 1 << 30
    """Bytes that may wait in a temporary file besides; 0: there is none."""

    def summary(self) -> str:
        """As `Policy`."""
        which = "responses" if self.on else "responses that ask for it"
        file = f" and {self.file} in a file" if self.file else ""
        return f"{which} are read ahead, {self.memory} bytes in memory{file}"
