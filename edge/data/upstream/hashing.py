"""Consistent hashing: one key goes to one endpoint, and few keys move when endpoints come and go.

Rules of this file:
- A ring is a function of the endpoints alone, not of their order: all workers and all pods choose alike.
- Each endpoint has `POINTS` points on the ring, as ketama has. A key belongs to the first point at or after its hash.
- Hashes are those of MD5, for their spread: nothing here is a secret.
- The points of an endpoint depend on its name only.
"""

from __future__ import annotations

from bisect import bisect_left
from hashlib import md5
from struct import Struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

POINTS: Final = 160
"""Points of an endpoint; shares of endpoints then differ by about a twelfth."""
_FOUR: Final = Struct("<4I")
_POINTS: dict[str, tuple[int, ...]] = {}
_KEPT: Final = 20_000


def place(key: bytes) -> int:
    """The position of KEY on a ring, 0 to 2**32 - 1."""
    return int.from_bytes(md5(key, usedforsecurity=False).digest()[:4], "little")


def digest(name: str) -> str:
    """A name for the endpoint NAME that does not show its address, for the cookie of an affinity: 32 hex digits."""
    return md5(name.encode(), usedforsecurity=False).hexdigest()


def _points(name: str) -> tuple[int, ...]:
    points = _POINTS.get(name)
    if points is None:
        if len(_POINTS) >= _KEPT:
            _POINTS.clear()
        turns = range(POINTS // 4)
        digests = (md5(f"{name}-{turn}".encode(), usedforsecurity=False).digest() for turn in turns)
        points = _POINTS[name] = tuple(point for four in digests for point in _FOUR.unpack(four))
    return points


class Ring:
    """A ring of the endpoints NAMES, each `address:port`; a name that is given twice counts once."""

    __slots__ = ("_names", "_owners", "_places", "_positions")

    def __init__(self, names: Iterable[str]) -> None:
        self._names = sorted(set(names))
        self._positions = {name: position for position, name in enumerate(self._names)}
        points = sorted((point, position) for position, name in enumerate(self._names) for point in _points(name))
        self._places = [point for point, _ in points]
        self._owners = [position for _, position in points]

    def __len__(self) -> int:
        return len(self._names)

    def find(self, key: bytes) -> str | None:
        """The endpoint of KEY; None: there is no endpoint."""
        if not self._names:
            return None
        return self._names[self._owners[bisect_left(self._places, place(key)) % len(self._owners)]]

    def order(self, key: bytes) -> Iterator[str]:
        """The endpoints in KEY's order, each once: the next is used if those before it cannot take the request."""
        seen: set[int] = set()
        begin = bisect_left(self._places, place(key)) if self._places else 0
        for step in range(len(self._owners)):
            owner = self._owners[(begin + step) % len(self._owners)]
            if owner not in seen:
                seen.add(owner)
                yield self._names[owner]
                if len(seen) == len(self._names):
                    return


class Subsets:
    """Endpoints in groups of about SIZE: a key goes to a group, and a request to any endpoint of the group.

    The groups are dealt from the endpoints in the order of their names, and all have the same size: if the number of
    endpoints is not a multiple of SIZE, the last group is filled up with endpoints of the first ones.
    """

    __slots__ = ("_groups", "_ring")

    def __init__(self, names: Iterable[str], size: int) -> None:
        """SIZE is at least 1.

        Raises:
            ValueError: SIZE is less.
        """
        if size < 1:
            raise ValueError("a subset has at least one endpoint")
        ordered = sorted(set(names))
        size = min(size, len(ordered)) or 1
        self._groups: dict[str, list[str]] = {}
        for begin in range(0, len(ordered), size):
            group = ordered[begin : begin + size]
            group += ordered[: size - len(group)]
            self._groups[f"subset-{begin // size}"] = group
        self._ring = Ring(self._groups)

    def find(self, key: bytes) -> list[str]:
        """The endpoints of KEY's group; empty: there is no endpoint."""
        group = self._ring.find(key)
        return self._groups[group] if group is not None else []


class Persistent:
    """Endpoints by their digest: the cookie of an affinity names its endpoint for as long as that exists.

    Nothing is remembered about a client, so all workers and pods agree about a cookie.
    """

    __slots__ = ("_names",)

    def __init__(self, names: Iterable[str]) -> None:
        self._names = {digest(name): name for name in names}

    def find(self, value: str) -> str | None:
        """The endpoint that VALUE names; None: it has gone, or the client made the value up."""
        return self._names.get(value)


class Balanced:
    """Endpoints by a ring: the cookie of an affinity is a key by chance, and some clients move when endpoints come."""

    __slots__ = ("_ring",)

    def __init__(self, names: Iterable[str]) -> None:
        self._ring = Ring(names)

    def find(self, value: str) -> str | None:
        """The endpoint that VALUE belongs to; None: there is no endpoint."""
        return self._ring.find(value.encode("utf-8", "surrogateescape"))

    def value_for(self, wanted: Callable[[str], bool], candidates: Iterable[str]) -> str | None:
        """The first of CANDIDATES, values by chance, whose endpoint is WANTED; None: none of them has one."""
        for value in candidates:
            name = self.find(value)
            if name is not None and wanted(name):
                return value
        return None
