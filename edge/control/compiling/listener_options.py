"""The TlsOptions records of listeners at addresses of a Gateway's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.table.records import tls_options_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.table.record import Record
    from edge.table.records import TlsOptions


class ListenerOptions:
    """All of them."""

    def __init__(self) -> None:
        self._current: dict[str, TlsOptions] = {}
        self._changed: dict[str, Record | None] = {}

    def replace(self, old: Mapping[str, TlsOptions], new: Mapping[str, TlsOptions]) -> None:
        """An object asks for NEW instead of OLD, each by scope and host name."""
        for key in old.keys() - new.keys():
            if self._current.get(key) is old[key]:  # else the listener has moved to another object
                del self._current[key]
                self._changed[tls_options_key(key)] = None
        for key, options in new.items():
            self._current[key] = options
            if old.get(key) != options:
                self._changed[tls_options_key(key)] = options

    def compile(self) -> dict[str, Record | None]:
        """The records that are different."""
        changed, self._changed = self._changed, {}
        return changed
