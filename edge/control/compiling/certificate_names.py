"""The hosts of entries that name none, and so mean every name of their certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from edge.control.compiling.secrets import Secrets
    from edge.control.kinds.objects import Key


class CertificateNames:
    """Which Secrets, of those named by such an entry, have a certificate for which host."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._names: dict[Key, frozenset[str]] = {}
        """By Secret."""
        self._by_name: dict[str, set[Key]] = {}
        self._stale: set[Key] = set()
        """Secrets whose entry in `_names` may be wrong."""

    def changed(self, secret: Key) -> None:
        """The certificate in SECRET, or the objects that name it, may have changed."""
        self._stale.add(secret)

    def secrets(self, host: str) -> AbstractSet[Key]:
        """The Secrets whose certificate has the name HOST."""
        return self._by_name.get(host, frozenset())

    def settle(self) -> set[str]:
        """Update what has changed; returns the hosts for which `secrets` may differ now."""
        hosts: set[str] = set()
        for secret in self._stale:
            material = self._secrets.reading(secret).material
            means_all = any("" in named for named in self._secrets.users(secret).values())
            names = material.names if material is not None and means_all else frozenset()
            for name in self._names.pop(secret, ()):
                hosts.add(name)
                secrets = self._by_name[name]
                secrets.discard(secret)
                if not secrets:
                    del self._by_name[name]
            for name in names:
                hosts.add(name)
                self._by_name.setdefault(name, set()).add(secret)
            if names:
                self._names[secret] = names
        self._stale.clear()
        return hosts
