"""The Host records: the parts that all objects have for a host, merged.

Rules of this file:
- Only hosts of which a part has changed are compiled again.
- Which hosts have TLS is not known here; it is asked for when a host is compiled.
- Requests that no path of a host takes get the policies of its oldest Ingress, as in ingress-nginx.
- A further name of a host (`further_names`) is a record of its own with the same routes, which may differ in whether it
  has TLS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from edge.control.compiling import further_names, host_options
from edge.control.compiling.further_names import FurtherNames
from edge.control.compiling.merging import Conflicts, describe, merge
from edge.control.compiling.trial import concerned, taken
from edge.control.containment import REASON, contain
from edge.control.kinds.problems import error
from edge.control.translate import app_protocols
from edge.control.translate.annotations.further_names import redirect
from edge.control.translate.parts import HostPart
from edge.table.policies import BodyLimit, ErrorPages
from edge.table.records import (
    HOST_PATTERNS,
    Host,
    HostPatterns,
    Owner,
    PathKind,
    Route,
    Transport,
    host_of,
    tls_options_key,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from edge.control.compiling.further_names import Claim
    from edge.control.kinds.objects import ObjectId
    from edge.control.kinds.problems import Problem
    from edge.control.translate.parts import HostOptions, Order, RoutePart, Translation
    from edge.table.record import Record
    from edge.table.records import Backend, Tls


class Hosts:
    """All hosts."""

    def __init__(self, app_protocol: Callable[[str], str] = lambda _: "") -> None:
        """APP_PROTOCOL gives that of a Service port by its key."""
        self._app_protocol = app_protocol
        self.cross_namespace = False
        """Whether a canary may have a main Ingress of another namespace."""
        self._parts: dict[str, dict[ObjectId, tuple[Order, HostPart]]] = {}
        self._under: dict[str, set[str]] = {}
        """Hosts by the domain of the wildcard that covers them."""
        self._conflicts: dict[str, Conflicts] = {}
        self._shared: Route | None = None
        """The route for requests that no Ingress takes."""
        self._sharing: set[str] = set()
        """Hosts whose record names its backends, or would."""
        self._dirty: set[str] = set()
        self._further = FurtherNames()
        self._patterns: dict[str, str] = {}
        """Further names that are regular expressions, and their hosts."""
        self._acting: set[str] = set()
        """Hosts with options that act on requests, also on those that no path takes."""
        self._with_options: set[str] = set()
        """Hosts with a `TlsOptions` record."""
        self._tls: dict[str, Record | None] = {}

    def replace(self, owner: ObjectId, old: Translation | None, new: Translation | None) -> None:
        """OWNER asks for what is in NEW instead of what was in OLD."""
        for name in _parts(old):
            self._dirty.add(name)
            parts = self._parts[name]
            del parts[owner]
            if not parts:
                self._remove(name)
        if new is not None:
            for name, part in _parts(new).items():
                self._dirty.add(name)
                if name not in self._parts:
                    self._add(name)
                self._parts[name][owner] = (new.order, part)

    def touch(self, translation: Translation) -> None:
        """The protocol of backends of TRANSLATION has changed."""
        self._dirty.update(_parts(translation))

    def tls_changed(self, name: str) -> None:
        """Whether there is a certificate for NAME, maybe a wildcard, is not as it was."""
        if name in self._parts or name in self._further:
            self._dirty.add(name)
        if name.startswith("*."):
            self._dirty |= self._under.get(name[2:], set())

    def default_changed(self, route: Route | None) -> None:
        """From now on ROUTE takes requests that no path of a host takes; None: they are answered 404."""
        if route != self._shared:
            self._shared = route
            self._dirty |= self._acting | self._sharing

    def take_tls(self) -> dict[str, Record | None]:
        """The records of the TLS part that may be different since the last call."""
        taken, self._tls = self._tls, {}
        return taken

    def settle(self) -> dict[str, str]:
        """Find the owners of the further names; returns those that may have another host now, and which (empty: none).

        To be called after `replace` and before `compile`.
        """
        touched: set[str] = set()
        for name in self._dirty:
            parts = self._ordered(name)
            wanted = further_names.claims(name, parts) if any(part.names for _, _, part in parts) else {}
            if wanted or self._further:
                touched |= self._further.replace(name, wanted)
                if name in self._further:
                    touched.add(name)
        for name in touched:
            self._note(name)
        self._dirty |= touched
        return {name: claim.host if (claim := self._winner(name)) is not None else "" for name in touched}

    def compile(self, has_tls: Callable[[str], bool]) -> tuple[dict[str, Record | None], set[ObjectId]]:
        """The records of the hosts that may be different, and the Ingresses that won or lost something there."""
        records: dict[str, Record | None] = {}
        owners: set[ObjectId] = set()
        for name in self._dirty:
            before = self._conflicts.pop(name, {})
            changed, conflicts = self._contained(name, has_tls)
            records.update(changed)
            if conflicts:
                self._conflicts[name] = conflicts
            owners.update(owner for owner in (*before, *conflicts) if before.get(owner) != conflicts.get(owner))
        records.update(self._listed_patterns())
        self._dirty.clear()
        return records, owners

    def _contained(self, name: str, has_tls: Callable[[str], bool]) -> tuple[dict[str, Record | None], Conflicts]:
        """The record NAME, if it is to be another, and what is lost there."""

        def failed(fault: str) -> tuple[dict[str, Record | None], Conflicts]:
            problem = error(REASON, "", f"{describe(name)}: {fault}; its last good version, if any, stays in force")
            return {}, {owner: [problem] for owner in self._parts.get(name, ())}

        return contain(describe(name), lambda: self._compiled(name, has_tls), failed)

    def _compiled(self, name: str, has_tls: Callable[[str], bool]) -> tuple[dict[str, Record | None], Conflicts]:
        conflicts: Conflicts = {}
        self._sharing.discard(name)
        winner = self._winner(name)
        if name in self._further:
            others = [claim for claim in self._further.claims(name) if claim is not winner]
            for owner, problem in further_names.lost(name, others, winner):
                conflicts.setdefault(owner, []).append(problem)
        if winner is not None:
            return {name: self._further_record(name, winner, tls=has_tls(name))}, conflicts
        if name not in self._parts:
            self._options(name, host_options.NOTHING)
            return {name: None}, conflicts
        parts = self._ordered(name)
        for owner, problem in (*further_names.overruled(parts, name), *host_options.overruled(parts, name)):
            conflicts.setdefault(owner, []).append(problem)
        record = self._record(name, name, conflicts, tls=has_tls(name))
        if record is not None and any(part.wider for _, _, part in parts):
            record = _in_scope(record, name, [part for _, _, part in parts])
        return {name: record}, conflicts

    def _ordered(self, name: str) -> list[tuple[ObjectId, Order, HostPart]]:
        """What objects say about the host NAME, in the order in which they win."""
        parts = self._parts.get(name, {})
        ordered = sorted(parts.items(), key=_order) if len(parts) > 1 else parts.items()
        return [(owner, order, part) for owner, (order, part) in ordered]

    def _winner(self, name: str) -> Claim | None:
        """Who has NAME as a further name of a host."""
        if name not in self._further or name in self._parts:
            return None
        return self._further.claims(name)[0]

    def _further_record(self, name: str, claim: Claim, *, tls: bool) -> Host | None:
        if claim.is_alias:
            return self._record(name, claim.host, {}, tls=tls)
        self._options(name, host_options.NOTHING)
        owner = Owner(claim.owner.kind, claim.owner.namespace, claim.owner.name)
        policies = (redirect(claim.host, claim.status), BodyLimit("", 0))  # it is not read
        return Host(name, (Route(PathKind.PREFIX, "/", owner, policies=policies),), None, tls)

    def _listed_patterns(self) -> dict[str, Record | None]:
        """The record of the names that are regular expressions, if it is to be another."""
        before = dict(self._patterns)
        for name in self._dirty:
            if name.startswith("~"):
                winner = self._winner(name)
                self._patterns.pop(name, None)
                if winner is not None:
                    self._patterns[name] = winner.host
        if self._patterns == before:
            return {}
        names = sorted(self._patterns, key=lambda name: (self._patterns[name], name))  # as in ingress-nginx
        return {HOST_PATTERNS: HostPatterns(tuple(names)) if names else None}

    def problems(self, owner: ObjectId, translation: Translation) -> Iterator[Problem]:
        """What OWNER, which asks for TRANSLATION, does not get."""
        if self._conflicts:
            for name, part in _parts(translation).items():
                for lost in (name, *further_names.names_of(name, part)):
                    yield from self._conflicts.get(lost, {}).get(owner, ())

    def tried(self, owner: ObjectId, translation: Translation) -> Iterator[Problem]:
        """What OWNER would not get if it asked for TRANSLATION; nothing is changed."""
        for name, part in _parts(translation).items():
            others = {who: said for who, said in self._parts.get(name, {}).items() if who != owner}
            reported = list(taken(describe(name), part, others))
            yield from reported
            near = concerned(part, others)
            said = sorted([*near, (owner, translation.order, part)], key=lambda one: one[1])
            conflicts: Conflicts = {}
            merge(name, said, conflicts, cross_namespace=self.cross_namespace)
            for who, problem in (*further_names.overruled(said, name), *host_options.overruled(said, name)):
                conflicts.setdefault(who, []).append(problem)
            fields = {problem.field.removesuffix(".path") for problem in reported}
            for problem in conflicts.get(owner, ()):
                if problem.field not in fields:  # the conflict is reported already
                    yield problem

    def _add(self, name: str) -> None:
        self._parts[name] = {}
        self._note(name)

    def _remove(self, name: str) -> None:
        del self._parts[name]
        self._note(name)

    def _note(self, name: str) -> None:
        """Keep NAME in `_under` while there is a record of that name."""
        domain = name.partition(".")[2]
        covered = self._under.setdefault(domain, set())
        (covered.add if name in self._parts or name in self._further else covered.discard)(name)
        if not covered:
            del self._under[domain]

    def _record(self, name: str, host: str, conflicts: Conflicts, *, tls: bool) -> Host | None:
        """The record NAME with what objects say about HOST; CONFLICTS gets what is left out."""
        parts = self._ordered(host)
        merged = merge(host, parts, conflicts, cross_namespace=self.cross_namespace)
        options = host_options.merged(parts) if merged is not None else host_options.NOTHING
        has_options = self._options(name, options)
        if merged is None:
            return None
        routes = [self._finished(part, tls=tls) for part in merged.routes]
        default = self._finished(merged.default, tls=tls) if merged.default is not None else None
        self._sharing.discard(name)
        if any(isinstance(policy, ErrorPages) for route in routes for policy in route.policies):
            self._sharing.add(name)
        if default is not None and merged.default is not None and merged.default.implied:
            default = self._shared_default(name, default)
        if host_options.acts(options):
            routes = [host_options.applied(route, options) for route in routes]
            default = host_options.applied(default or self._shared or host_options.UNMATCHED, options)
        return Host(name, tuple(routes), default, tls, has_options)

    def _options(self, name: str, options: HostOptions) -> bool:
        """Keep the OPTIONS of the host NAME for handshakes; returns whether there are any."""
        (self._acting.add if host_options.acts(options) else self._acting.discard)(name)
        record = host_options.tls_options(options)
        if record is not None or name in self._with_options:
            self._tls[tls_options_key(name)] = record
        (self._with_options.add if record is not None else self._with_options.discard)(name)
        return record is not None

    def _shared_default(self, name: str, default: Route) -> Route | None:
        """DEFAULT with the backend for requests that no Ingress takes; None: without policies it makes no
        difference."""
        if not default.policies:
            return None
        self._sharing.add(name)
        return replace(default, backends=self._shared.backends) if self._shared is not None else default

    def _finished(self, part: RoutePart, *, tls: bool) -> Route:
        policies = part.route.policies + part.with_tls if tls else part.route.policies
        if self._shared is not None:
            key = self._shared.backends[0].key
            policies = tuple(replace(one, shared=key) if isinstance(one, ErrorPages) else one for one in policies)
        backends = part.route.backends
        if part.port_tls is not None:
            backends = tuple(self._spoken(one, part.port_tls) for one in backends)
        if policies == part.route.policies and backends == part.route.backends:
            return part.route
        return replace(part.route, policies=policies, backends=backends)

    def _spoken(self, backend: Backend, tls: Tls) -> Backend:
        """BACKEND with the protocol of its Service port, unless annotations (of a canary) set one."""
        if backend.transport != Transport() or backend.secure_transport is not None:
            return backend
        return app_protocols.spoken(backend, self._app_protocol(backend.key), tls)


def _parts(translation: Translation | None) -> Mapping[str, HostPart]:
    if translation is None:
        return {}
    if translation.default is not None:  # of an Ingress without rules: it serves hosts that no other object does
        return {"": HostPart((), translation.default)}
    return translation.hosts


def _in_scope(record: Host, key: str, parts: list[HostPart]) -> Host:
    """RECORD, under KEY, with the fields that objects of the Gateway API, which have PARTS of it, set."""
    return replace(
        record,
        name=host_of(key),
        scope=key.rpartition("|")[0],
        listener=parts[0].listener,
        wider=all(part.wider for part in parts),
        tls=record.tls or any(part.tls for part in parts),
    )


def _order(item: tuple[ObjectId, tuple[Order, HostPart]]) -> Order:
    return item[1][0]
