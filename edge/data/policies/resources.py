"""What the steps of policies share within a worker.

Rules of this file: each resource is made when the first policy needs it, so that unused ones cost nothing.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from edge.data.http.credentials import Credentials
from edge.table.limits import Limits, LimitsError, has_limits
from edge.table.shared_cache import SharedCache

if TYPE_CHECKING:
    from pathlib import Path


class Resources:
    """The resources of one worker.

    - `https_port`: where clients reach it by https.
    """

    def __init__(self, directory: Path, slot: int, https_port: int) -> None:
        """DIRECTORY is that of the table; SLOT is the worker's number, which no other live worker has."""
        self.https_port = https_port
        self._directory = directory
        self._slot = slot
        self._limits: Limits | None = None
        self._credentials: Credentials | None = None
        self._cache: SharedCache | None = None
        if has_limits(directory):  # what an earlier worker of the slot has counted must not count for ever
            with suppress(LimitsError):
                self._limits = Limits(directory, slot)

    @property
    def limits(self) -> Limits:
        """The limits of the pod.

        Raises:
            LimitsError: they cannot be kept.
        """
        if self._limits is None:
            self._limits = Limits(self._directory, self._slot)
        return self._limits

    @property
    def credentials(self) -> Credentials:
        """The checks of passwords."""
        if self._credentials is None:
            self._credentials = Credentials()
        return self._credentials

    @property
    def cache(self) -> SharedCache:
        """What workers keep together for a while.

        Raises:
            CacheError: nothing can be kept.
        """
        if self._cache is None:
            self._cache = SharedCache(self._directory)
        return self._cache
