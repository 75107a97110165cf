"""The certificate of a server of the control plane, from files that may be replaced at any time.

Rules of this file:
- The files are checked when a connection comes, and a new certificate is used from then on. While the files cannot be
  used, the last certificate stays in use.
- A mounted Secret changes by a symbolic link, so all files are read again when one of them has changed.
"""

from __future__ import annotations

import logging
import ssl
import threading
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from edge.control.api.errors import ConfigurationError

if TYPE_CHECKING:
    from edge.settings import Settings

logger = logging.getLogger(__name__)

Seen = tuple[tuple[int, int, int], ...]
"""Device, inode and time of change of each file."""


class Files(NamedTuple):
    """Paths of files; empty: there is none."""

    certificate: str
    key: str
    authorities: str


class Identity:
    """The TLS terms of one server."""

    def __init__(self, server: str, files: Files, *, insists: bool) -> None:
        """SERVER is named in the log. INSISTS: clients must present a certificate of the authorities.

        Nothing is read yet.
        """
        self._server = server
        self._files = files
        self._insists = insists
        self._lock = threading.Lock()
        self._seen: Seen = ()
        """Those of `_context`: files that cannot be used are read again for each connection."""
        self._context: ssl.SSLContext | None = None
        self._trouble = ""
        """The last warning, which is not repeated while it holds."""

    @classmethod
    def of_webhook(cls, settings: Settings) -> Identity:
        """That of the webhook.

        Raises:
            ConfigurationError: the files are not named.
        """
        files = Files(
            settings.validating_webhook_certificate,
            settings.validating_webhook_key,
            settings.validating_webhook_client_ca,
        )
        if not (files.certificate and files.key):
            raise ConfigurationError(
                "--validating-webhook: needs --validating-webhook-certificate and --validating-webhook-key"
            )
        return cls("webhook", files, insists=True)

    @classmethod
    def of_admin(cls, settings: Settings) -> Identity | None:
        """That of the admin server, whose probes need no certificate of a client; None: it speaks plain HTTP.

        Raises:
            ConfigurationError: some of the files are not named.
        """
        files = Files(settings.admin_certificate, settings.admin_key, settings.admin_client_ca)
        if not any(files):
            return None
        if not (files.certificate and files.key):
            raise ConfigurationError(
                "--admin-certificate and --admin-key: each needs the other; --admin-client-ca both"
            )
        return cls("admin server", files, insists=False)

    def context(self) -> ssl.SSLContext | None:
        """The TLS context for new connections; None: no files can be used yet."""
        with self._lock:
            try:
                seen = tuple(map(_look, filter(None, self._files)))
                if seen != self._seen:
                    self._context = self._made()
                    self._seen = seen
                self._trouble = ""
            except OSError as error:  # ssl.SSLError is one
                kept = "the last certificate stays in use" if self._context is not None else "no connection is taken"
                trouble = f"{self._server}: {self._files.certificate}: {error}; {kept}"
                if trouble != self._trouble:
                    logger.warning("%s", trouble)
                self._trouble = trouble
            return self._context

    def _made(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self._files.certificate, self._files.key)
        if self._files.authorities:
            context.verify_mode = ssl.CERT_REQUIRED if self._insists else ssl.CERT_OPTIONAL
            context.load_verify_locations(self._files.authorities)
        return context


def _look(path: str) -> tuple[int, int, int]:
    found = Path(path).stat()
    return found.st_dev, found.st_ino, found.st_mtime_ns
