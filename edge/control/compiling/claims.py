"""Which Ingresses are ours, and which of them to check again when an IngressClass changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.control.kinds.problems import Problem, error
from edge.control.translate import classes
from edge.control.translate.classes import Claim

if TYPE_CHECKING:
    from edge.control.compiling.store import Store
    from edge.control.kinds.ingress import Ingress
    from edge.control.kinds.objects import Key
    from edge.settings import Settings


class Claims:
    """The claims on all Ingresses."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._by_class: dict[str, set[Key]] = {}
        self._named: dict[Key, str] = {}
        self._unknown: set[Key] = set()
        self._catching_all: set[Key] = set()
        """Those of our class that `--disable-catch-all` leaves out."""
        self._had_classes = False
        self._default_was_ours = False

    def is_ours(self, key: Key, ingress: Ingress | None) -> bool:
        """Whether INGRESS, the current object KEY, is to be served."""
        named = ingress.spec.ingress_class_name or "" if ingress is not None else None
        if self._named.get(key) != named:
            self._rename(key, named)
        self._unknown.discard(key)
        self._catching_all.discard(key)
        if ingress is None:
            return False
        claim = classes.claim(ingress, self._store.classes(), self._settings)
        if claim is Claim.UNKNOWN and self._is_worth_telling(named or ""):
            self._unknown.add(key)
        if claim is Claim.OURS and self._settings.disable_catch_all and ingress.spec.default_backend is not None:
            self._catching_all.add(key)
            return False
        return claim is Claim.OURS

    def affected(self, changed: set[Key]) -> set[Key]:
        """The Ingresses that may belong to another controller now, or to us, because the IngressClasses CHANGED."""
        known = self._store.classes()
        default_is_ours = classes.default_is_ours(known, self._settings)
        keys = set(self._unknown)  # their message lists the classes
        if bool(known) != self._had_classes:  # a missing class counts as an error only if there are any
            keys.update(self._named)
        for _, name in changed:
            keys |= self._by_class.get(name, set())
        if default_is_ours != self._default_was_ours:
            keys |= self._by_class.get("", set())
        self._had_classes, self._default_was_ours = bool(known), default_is_ours
        return keys

    def problems(self, key: Key) -> list[Problem]:
        """What is wrong with the class of the Ingress KEY."""
        if key in self._catching_all:
            message = "not allowed with --disable-catch-all; the Ingress is not served"
            return [error("CatchAllDisabled", "spec.defaultBackend", message)]
        if key not in self._unknown:
            return []
        name = self._named[key]
        known = ", ".join(sorted(self._store.classes()))
        hint = f"there are: {known}" if known else f'"{self._settings.ingress_class}" is the one that is served'
        message = f'IngressClass "{name}" does not exist ({hint}); the Ingress is not served'
        return [error("UnknownClass", "spec.ingressClassName", message)]

    def _is_worth_telling(self, name: str) -> bool:
        # In a cluster without any IngressClass, or without the permission to see them, other controllers may well
        # serve classes by name.
        settings = self._settings
        return bool(settings.manifests or self._store.classes()) or name == settings.ingress_class

    def _rename(self, key: Key, named: str | None) -> None:
        old = self._named.pop(key, None)
        if old is not None:
            keys = self._by_class[old]
            keys.discard(key)
            if not keys:
                del self._by_class[old]
        if named is not None:
            self._named[key] = named
            self._by_class.setdefault(named, set()).add(key)
