"""The Date and Server fields, made once a second instead of once a request."""

from __future__ import annotations

from email.utils import formatdate

SERVER = b"Server: edge\r\n"


class Clock:
    """Default fields of responses, indexed by what is missing: `Message.missing()`."""

    def __init__(self) -> None:
        self.server = SERVER
        """The line of the field Server; empty: there is none."""
        self.defaults: tuple[bytes, bytes, bytes, bytes] = (b"", b"", b"", b"")
        self.tick()

    def tick(self) -> None:
        """Set the fields to the present second (RFC 9110, section 6.6.1)."""
        date = b"Date: " + formatdate(usegmt=True).encode() + b"\r\n"
        self.defaults = (b"", date, self.server, date + self.server)
