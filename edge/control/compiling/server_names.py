"""The records of the TLS part: certificates, and the server names that they are shown for.

Rules of this file:
- The certificate of a host is chosen in this order: objects that name the host beside the certificate (`spec.tls` of an
  Ingress, a listener of a Gateway) before Ingresses whose certificate merely covers it; objects with a rule for it
  before those without; then as in any conflict. If a certificate is not usable, or not valid for the host, the next one
  is used.
- At the addresses of a Gateway each listener shows a certificate of its own, for all of its names.
- A listed host without such a certificate gets the default one.
- A further name of a host without a certificate of its own gets that of the host, if it is valid for the name.
- An entry without hosts, in an Ingress without hosts, applies to every name of its certificate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from edge.control.compiling.certificate_names import CertificateNames
from edge.control.compiling.secrets import INSTEAD, Secrets
from edge.control.containment import REASON, contain
from edge.control.kinds.objects import ObjectId
from edge.control.kinds.problems import Problem, error, warning
from edge.table.records import (
    DEFAULT_CERTIFICATE,
    ServerName,
    certificate_key,
    host_of,
    is_scoped,
    server_name_key,
    wildcard_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from edge.control.compiling.secrets import Reading
    from edge.control.compiling.store import Store
    from edge.control.kinds.objects import Key
    from edge.control.translate.parts import Order, SecretUse
    from edge.table.record import Record
    from edge.table.records import Certificate

Rank = tuple[bool, bool, "Order", int]
"""The smallest one wins."""
NO_OWNER: Final = ObjectId("", "", "")
"""In place of an object where the default certificate is shown because no object has a better one."""


class Certificates:
    """Which certificate is shown for which host."""

    def __init__(self, store: Store, *, by_need: bool, default: Key | None, generated: Certificate | None) -> None:
        """DEFAULT: Secret with the default certificate; GENERATED: the one in its place. BY_NEED: see `Secrets`."""
        self.secrets = Secrets(store, by_need=by_need)
        self._default = default
        self._generated = generated
        self._default_told = False
        self._default_named = False
        self._uses: dict[str, dict[ObjectId, list[tuple[Rank, SecretUse]]]] = {}
        """By host; under the empty one those that apply to every name of their certificate."""
        self._named = CertificateNames(self.secrets)
        self._shown: dict[str, tuple[ObjectId, str]] = {}
        """The object whose certificate is shown for a host, and the key of its record."""
        self._broken: dict[str, Problem] = {}
        """Hosts for which that could not be determined."""
        self._dirty: set[str] = set()
        self._followed: dict[str, str] = {}
        """The host whose certificate a further name is shown, by name."""
        self._followers: dict[str, set[str]] = {}
        self._had_any = False
        if default is not None:
            self.secrets.use(default, NO_OWNER, (DEFAULT_CERTIFICATE,))

    def generated(self, certificate: Certificate) -> None:
        """From now on show CERTIFICATE where there is no default certificate."""
        self._generated = certificate
        self._default_told = False

    def has_tls(self, host: str) -> bool:
        """Whether a certificate, possibly the default one, is configured for HOST."""
        if not host:
            return "" in self._uses
        return host in self._shown or wildcard_of(host) in self._shown

    def replace(self, owner: ObjectId, order: Order, old: Sequence[SecretUse], new: Sequence[SecretUse]) -> None:
        """OWNER asks for the certificates in NEW instead of those in OLD."""
        for use in old:
            self._dirty.add(use.host)
            users = self._uses.get(use.host, {})
            if users.pop(owner, None) is not None and not users:
                del self._uses[use.host]
        for number, use in enumerate(new):
            self._dirty.add(use.host)
            rank = (use.implied or not use.host, not use.has_rule, order, number)
            self._uses.setdefault(use.host, {}).setdefault(owner, []).append((rank, use))
        hosts: dict[Key, tuple[str, ...]] = {(use.namespace, use.secret): () for use in old if use.secret}
        for use in new:
            if use.secret:
                at = (use.namespace, use.secret)
                hosts[at] = (*hosts.get(at, ()), use.host)
        for at, names in hosts.items():
            if "" in names or "" in self.secrets.users(at).get(owner, ()):
                self._named.changed(at)
            self.secrets.use(at, owner, names)

    def follow(self, name: str, host: str) -> None:
        """From now on NAME is a further name of HOST; empty: of none."""
        name = name.removeprefix("*") if name.startswith("**.") else name  # certificates cover one label
        before = self._followed.pop(name, "")
        if before:
            followers = self._followers[before]
            followers.discard(name)
            if not followers:
                del self._followers[before]
        if host:
            self._followed[name] = host
            self._followers.setdefault(host, set()).add(name)
        self._dirty.add(name)

    def compile(self, now: float) -> tuple[dict[str, Record | None], set[ObjectId], set[str]]:
        """What may differ at NOW (Unix seconds): records, owners whose problems have changed, and hosts that have got
        or lost TLS.
        """
        records: dict[str, Record | None] = {}
        owners: set[ObjectId] = set()
        for secret, before in self.secrets.compile(now).items():
            self._secret_changed(secret, before, records, owners)
        if not self._default_told:
            self._default_told = True
            material = self.secrets.reading(self._default).material if self._default is not None else None
            records[DEFAULT_CERTIFICATE] = material.certificate if material is not None else self._generated
        self._name_default(records)
        self._dirty |= self._named.settle()
        followers = {
            name for host in self._dirty for name in (host, *self._followers.get(host, ()))
        } & self._followed.keys()
        changed = {host for host in self._dirty - followers if host and self._show(host, records, owners)}
        changed |= {name for name in followers if self._show(name, records, owners)}
        self._dirty.clear()
        if self._had_any != self.has_tls(""):
            self._had_any = not self._had_any
            changed.add("")
        owners.discard(NO_OWNER)
        return records, owners, changed

    def problems(self, owner: ObjectId, uses: Iterable[SecretUse]) -> Iterator[Problem]:
        """What is wrong with the certificates that OWNER asks for by USES."""
        reported: set[str] = set()
        for use in uses:
            if not use.secret:
                continue
            reading = self.secrets.reading((use.namespace, use.secret))
            if use.host in self._broken:
                yield replace(self._broken[use.host], field=use.secret_field)
            field = use.secret_field
            if field not in reported:
                reported.add(field)
                for fault in reading.faults:
                    yield replace(fault, field=field)
            if reading.material is not None and use.host in self._shown and not use.implied:
                covered = is_scoped(use.host) or reading.material.covers(use.host)
                yield from self._not_shown(owner, use, covered=covered)

    def default_problems(self) -> list[Problem]:
        """What is wrong with the default certificate."""
        if self._default is None:
            return []
        faults = self.secrets.reading(self._default).faults
        return [replace(fault, field="--default-ssl-certificate") for fault in faults]

    def _not_shown(self, owner: ObjectId, use: SecretUse, *, covered: bool) -> Iterator[Problem]:
        secret = f"{use.namespace}/{use.secret}"
        winner, key = self._shown[use.host]
        if not covered:
            instead = INSTEAD if winner == NO_OWNER else f"that of {winner} is shown"
            message = f'the certificate in Secret {secret} is not valid for host "{use.host}"; {instead}'
            yield warning("HostNotCovered", use.host_field, message)
        elif winner != owner and key != certificate_key(use.namespace, use.secret):
            message = f'host "{use.host}" shows the certificate of {winner} instead of {secret}'
            yield warning("CertificateConflict", use.secret_field, message)

    def _secret_changed(
        self, secret: Key, before: Reading, records: dict[str, Record | None], owners: set[ObjectId]
    ) -> None:
        after = self.secrets.reading(secret)
        users = self.secrets.users(secret)
        new = after.material.certificate if after.material is not None else None
        named = [owner for owner in users if owner != NO_OWNER]
        if secret == self._default:
            records[DEFAULT_CERTIFICATE] = new or self._generated
        if named or secret != self._default:
            records[certificate_key(*secret)] = new
        if (after.material is None) != (before.material is None) or (
            after.material is not None and before.material is not None and after.material.names != before.material.names
        ):
            for owner in named:
                self._dirty.update(users[owner])
            self._named.changed(secret)
            owners.update(named)
        elif after.faults != before.faults:
            owners.update(named)

    def _name_default(self, records: dict[str, Record | None]) -> None:
        """The Secret of the default certificate has a record of its own only while an object names it, too."""
        if self._default is not None:
            named = len(self.secrets.users(self._default)) > 1
            if named != self._default_named:
                material = self.secrets.reading(self._default).material
                records[certificate_key(*self._default)] = material.certificate if named and material else None
            self._default_named = named

    def _show(self, host: str, records: dict[str, Record | None], owners: set[ObjectId]) -> bool:
        """Choose the certificate of HOST; returns whether it has got or lost TLS."""
        before = self._shown.get(host)
        shown = self._contained(host, before, owners)
        if shown == before:
            return False
        if shown is None:
            del self._shown[host]
        else:
            self._shown[host] = shown
        named = ServerName(host_of(host), shown[1], host.rpartition("|")[0]) if shown is not None else None
        records[server_name_key(host)] = named
        owners.update(self._uses.get(host, ()))
        return shown is None or before is None

    def _contained(
        self, host: str, before: tuple[ObjectId, str] | None, owners: set[ObjectId]
    ) -> tuple[ObjectId, str] | None:
        def failed(fault: str) -> tuple[ObjectId, str] | None:
            message = f'certificate of host "{host}": {fault}; what was shown last stays in force'
            self._broken[host] = error(REASON, "", message)
            return before

        was_broken = self._broken.pop(host, None)
        shown = contain(f'certificate of host "{host}"', lambda: self._choose(host), failed)
        if was_broken != self._broken.get(host):
            owners.update(self._uses.get(host, ()))
        return shown

    def _choose(self, host: str) -> tuple[ObjectId, str] | None:
        """The object whose certificate HOST shows, and the key of its record; None: it has no TLS."""
        ranked = [(rank, owner, use) for owner, uses in self._uses.get(host, {}).items() for rank, use in uses]
        listed = any(not use.implied for _, _, use in ranked)
        for named in self._named.secrets(host):
            for owner in self.secrets.users(named):
                uses = self._uses.get("", {}).get(owner, ())
                ranked += [(rank, owner, use) for rank, use in uses if (use.namespace, use.secret) == named]
        for _, owner, use in sorted(ranked, key=lambda candidate: candidate[0]):
            if not use.secret:
                return owner, DEFAULT_CERTIFICATE
            secret = (use.namespace, use.secret)
            material = self.secrets.reading(secret).material
            if material is not None and (is_scoped(host) or material.covers(host)):
                return owner, certificate_key(*secret)
        return (NO_OWNER, DEFAULT_CERTIFICATE) if listed else self._followed_certificate(host)

    def _followed_certificate(self, name: str) -> tuple[ObjectId, str] | None:
        """As `_choose` for a further NAME of a host that nothing else is shown for."""
        owner, key = self._shown.get(self._followed.get(name, ""), (NO_OWNER, ""))
        namespace, _, secret = key.removeprefix(DEFAULT_CERTIFICATE).partition("/")
        material = self.secrets.reading((namespace, secret)).material
        return (owner, key) if material is not None and material.covers(name) else None
