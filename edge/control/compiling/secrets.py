"""The Secrets with certificates: which are in use, their content, and their problems.

Rules of this file:
- A Secret is parsed when it changes, however many Ingresses name it.
- A Secret that has not been read yet is neither missing nor bad: nothing is reported until it is read.
- Validity depends on the time: a certificate that expires is found by the next `compile`, at the time that `next_due`
  returns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from edge.control.agenda import Agenda
from edge.control.containment import REASON, contain
from edge.control.kinds.core import TLS_TYPE
from edge.control.kinds.objects import ObjectId
from edge.control.kinds.problems import Problem, error, warning
from edge.control.translate import key_pairs as certificates
from edge.control.translate.key_pairs import CertificateError, Material

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.control.compiling.store import Store
    from edge.control.kinds.objects import Key

INSTEAD: Final = "the default certificate is shown"


class Reading(msgspec.Struct, frozen=True, gc=False):
    """The result of reading a Secret."""

    material: Material | None = None
    faults: tuple[Problem, ...] = ()
    """What is wrong with it; without a field, which is that of the object that names the Secret."""


UNREAD: Final = Reading()


class Secrets:
    """All Secrets that are named for their certificate."""

    def __init__(self, store: Store, *, by_need: bool) -> None:
        """BY_NEED: whether the source reports only the Secrets that it was asked for, missing ones included."""
        self._store = store
        self._by_need = by_need
        self._users: dict[Key, dict[ObjectId, tuple[str, ...]]] = {}
        self._readings: dict[Key, Reading] = {}
        self._due: Agenda[Key] = Agenda()
        """When (Unix seconds) a certificate becomes valid, or ends."""
        self._dirty: set[Key] = set()
        self._released: set[Key] = set()
        self.version = 0
        """Grows with each change to `names`."""

    def use(self, secret: Key, owner: ObjectId, hosts: tuple[str, ...]) -> None:
        """OWNER names SECRET for these HOSTS; none: it no longer does."""
        users = self._users.setdefault(secret, {})
        if hosts:
            if not users:
                self._dirty.add(secret)
                self.version += 1
            users[owner] = hosts
            return
        users.pop(owner, None)
        if not users:
            del self._users[secret]
            self._dirty.add(secret)
            self.version += 1

    def changed(self, secret: Key) -> None:
        """The object SECRET has changed."""
        if secret in self._users:
            self._dirty.add(secret)

    def compile(self, now: float) -> dict[Key, Reading]:
        """The previous readings of the Secrets whose reading differs at NOW (Unix seconds)."""
        while (due := self._due.take(now)) is not None:
            self._dirty.add(due)
        before: dict[Key, Reading] = {}
        for secret in self._dirty:
            old = self._readings.pop(secret, UNREAD)
            new = UNREAD
            if secret in self._users:
                new = self._readings[secret] = self._contained(secret, old, now)
            else:
                self._released.add(secret)
                self._due.drop(secret)
            if new != old:
                before[secret] = old
        self._dirty.clear()
        return before

    @property
    def names(self) -> frozenset[Key]:
        """The Secrets in use."""
        return frozenset(self._users)

    def take_released(self) -> set[Key]:
        """The Secrets that have been in use, and are no longer, since the last call."""
        released, self._released = self._released, set()
        return released - self._users.keys()

    @property
    def next_due(self) -> float | None:
        """When a certificate runs out or becomes valid (Unix seconds)."""
        return self._due.next

    def users(self, secret: Key) -> Mapping[ObjectId, tuple[str, ...]]:
        """The objects that name SECRET, and for which hosts."""
        return self._users.get(secret, {})

    def reading(self, secret: Key) -> Reading:
        """The reading of SECRET."""
        return self._readings.get(secret, UNREAD)

    def _contained(self, key: Key, old: Reading, now: float) -> Reading:
        name = ObjectId("Secret", *key)

        def failed(fault: str) -> Reading:
            instead = INSTEAD if old.material is None else "its last good version stays in force"
            return Reading(old.material, (error(REASON, "", f"{name}: {fault}; {instead}"),))

        return contain(name, lambda: self._read(key, old, now), failed)

    def _read(self, key: Key, old: Reading, now: float) -> Reading:
        secret = self._store.secret(key)
        name = f"Secret {key[0]}/{key[1]}"
        if secret is None:
            if self._by_need and not self._store.is_reported("Secret", key):
                return old
            unreadable = self._store.faults(ObjectId("Secret", *key))
            if unreadable:
                return _bad("InvalidSecret", f"{name} cannot be read: {unreadable[0]}")
            return _bad("MissingSecret", f"{name} does not exist; {INSTEAD}")
        try:
            material = certificates.read(secret)
        except CertificateError as fault:
            return _bad("InvalidSecret", f"{name} cannot be used: {fault}; {INSTEAD}")
        faults = []
        if secret.type != TLS_TYPE:
            faults.append(warning("SecretType", "", f"{name} is of type {secret.type or 'Opaque'}, not {TLS_TYPE}"))
        outdated = certificates.validity_fault(material, now)
        if outdated:
            faults.append(warning("CertificateOutdated", "", f"{name}: {outdated}"))
        self._due.drop(key)
        for moment in (material.certificate.not_after, material.not_before):
            if moment > now:
                self._due.advance(key, moment + 1)
        return Reading(material, tuple(faults))


def _bad(reason: str, message: str) -> Reading:
    return Reading(None, (error(reason, "", message),))
