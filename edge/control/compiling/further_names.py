"""Names of hosts beside their own: aliases, and names that are redirected to a host (from-to-www-redirect).

Rules of this file:
- Of the Ingresses of a host the oldest that has aliases decides which they are, as in ingress-nginx.
- If an object names a host, further names that are the same are ignored. Of several hosts that ask
  for one name a redirect goes first, then the one whose Ingress is the oldest.
- Nothing is compiled here; `hosts` makes the records.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from edge.control.kinds.problems import Problem, warning
from edge.control.translate.annotations.values import field

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from edge.control.kinds.objects import ObjectId
    from edge.control.translate.parts import HostPart, Order

ALIAS: Final = field("server-alias")
WWW: Final = field("from-to-www-redirect")


class Claim(NamedTuple):
    """An Ingress asks for a further name of a host; the smallest claim on a name wins."""

    is_alias: bool
    """Else the name is redirected to the host."""
    order: Order
    host: str
    owner: ObjectId
    status: int = 0
    """Of the redirect."""

    @property
    def field(self) -> str:
        """Where it is asked for."""
        return ALIAS if self.is_alias else WWW


class FurtherNames:
    """The claims on all names."""

    def __init__(self) -> None:
        self._by_name: dict[str, dict[str, Claim]] = {}
        """The claims on a name, by host."""
        self._by_host: dict[str, tuple[str, ...]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def __bool__(self) -> bool:
        return bool(self._by_name)

    def replace(self, host: str, claims: Mapping[str, Claim]) -> set[str]:
        """Set the CLAIMS of HOST, by name; returns the names that are or were claimed."""
        before = self._by_host.pop(host, ())
        for name in before:
            of_name = self._by_name[name]
            del of_name[host]
            if not of_name:
                del self._by_name[name]
        for name, claim in claims.items():
            self._by_name.setdefault(name, {})[host] = claim
        if claims:
            self._by_host[host] = tuple(claims)
        return {*before, *claims}

    def claims(self, name: str) -> list[Claim]:
        """The claims on NAME, the winning one first."""
        return sorted(self._by_name.get(name, {}).values())


def claims(host: str, parts: Iterable[tuple[ObjectId, Order, HostPart]]) -> dict[str, Claim]:
    """The claims of HOST by name; PARTS come in the order in which they win."""
    found: dict[str, Claim] = {}
    aliased = redirected = False
    for owner, order, part in parts:
        names = part.names
        if names is None:
            continue
        other = other_name(host)
        if names.www and other and not redirected:
            redirected = True
            found[other] = Claim(False, order, host, owner, names.status)
        if names.aliases and not aliased:
            aliased = True
            for name in names.aliases:
                if name != host:
                    found.setdefault(name, Claim(True, order, host, owner))
    return found


def names_of(host: str, part: HostPart) -> Iterator[str]:
    """The names that PART asks for beside HOST."""
    if part.names is not None:
        yield from part.names.aliases
        if part.names.www:
            yield other_name(host)


def other_name(host: str) -> str:
    """HOST with `www.`, or without where it has it; empty: there is no such name."""
    if not host or host.startswith("*"):
        return ""
    return host.removeprefix("www.") if host.startswith("www.") else f"www.{host}"


def overruled(parts: Iterable[tuple[ObjectId, Order, HostPart]], host: str) -> Iterator[tuple[ObjectId, Problem]]:
    """What is reported of the PARTS of HOST whose aliases do not count."""
    winner = None
    for owner, _, part in parts:
        if part.names is None:
            continue
        if part.names.www and not other_name(host):
            what = f'"{host}"' if host else "any host"
            yield (
                owner,
                warning("NameTaken", WWW, f"{what} has no name with www. or without; the annotation is ignored"),
            )
        if part.names.aliases and winner is not None:
            message = f'the aliases of host "{host}" are those of {winner}, which is older; these are ignored'
            yield owner, warning("NameTaken", ALIAS, message)
        elif part.names.aliases:
            winner = owner


def lost(name: str, losers: Iterable[Claim], winner: Claim | None) -> Iterator[tuple[ObjectId, Problem]]:
    """The problems of LOSERS, which do not get NAME; WINNER: the claim that does, None: an object names that host
    itself."""
    taken = f"is taken by {winner.owner}" if winner is not None else "is a host of its own"
    for claim in losers:
        does = "it is no alias of" if claim.is_alias else "it is not redirected to"
        yield claim.owner, warning("NameTaken", claim.field, f'"{name}" {taken}; {does} host "{claim.host}"')
