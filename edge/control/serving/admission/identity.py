"""The certificate that the webhook shows, out of files that may be replaced at any time.

Rules of this file:
- Files are looked at when a connection comes; a new one is in force for the next. While files cannot be used, what was
  in force stays so.
- A mounted Secret changes by a symbolic link, so both files are read anew when either is another.
"""

from __future__ import annotations

import logging
import ssl
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from edge.control.api.errors import ConfigurationError

if TYPE_CHECKING:
    from edge.settings import Settings

logger = logging.getLogger(__name__)

Seen = tuple[tuple[int, int, int], ...]
"""Device, inode and time of change of each file."""


class Identity:
    """The TLS terms of the webhook."""

    def __init__(self, settings: Settings) -> None:
        """Nothing is read yet.

        Raises:
            ConfigurationError: the files are not named.
        """
        if not (settings.validating_webhook_certificate and settings.validating_webhook_key):
            raise ConfigurationError(
                "--validating-webhook: needs --validating-webhook-certificate and --validating-webhook-key"
            )
        self._certificate = settings.validating_webhook_certificate
        self._key = settings.validating_webhook_key
        self._authorities = settings.validating_webhook_client_ca
        self._lock = threading.Lock()
        self._seen: Seen = ()
        self._context: ssl.SSLContext | None = None

    def context(self) -> ssl.SSLContext | None:
        """What connections are made by now; None: no files can be used yet."""
        with self._lock:
            try:
                seen = tuple(map(_look, filter(None, (self._certificate, self._key, self._authorities))))
                if seen != self._seen:
                    self._seen = seen
                    self._context = self._made()
            except OSError as error:  # ssl.SSLError is one
                kept = "what was in force stays so" if self._context is not None else "no connection is taken"
                logger.warning("webhook: %s: %s; %s", self._certificate, error, kept)
            return self._context

    def _made(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self._certificate, self._key)
        if self._authorities:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self._authorities)
        return context


def _look(path: str) -> tuple[int, int, int]:
    found = Path(path).stat()
    return found.st_dev, found.st_ino, found.st_mtime_ns
