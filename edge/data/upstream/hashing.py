"""Consistent hashing: one key goes to one endpoint, and few keys move when endpoints come and go.

Rules of this file:
- A ring is a function of the names on it alone, not of their order or history: all workers and all pods choose alike.
- It is that of ingress-nginx: CRC-32, `POINTS` points for each name, and a key belongs to the first point at or after
  its hash. So clients keep their endpoints when they are moved here from there.
- A change costs what comes and goes, and one pass over the points.
"""

from __future__ import annotations

from bisect import bisect_left
from hashlib import md5
from typing import TYPE_CHECKING, Final, Generic, TypeVar
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

POINTS: Final = 160
"""Points of a name; shares then differ by about a twelfth."""
_BITS: Final = 64
_MASK: Final = (1 << _BITS) - 1

T = TypeVar("T")


def place(key: bytes) -> int:
    """The position of KEY on a ring, 0 to 2**32 - 1."""
    return crc32(key)


class Ring(Generic[T]):
    """Members of some kind, by their names: endpoints by `address:port`."""

    __slots__ = ("_members", "_points")

    def __init__(self) -> None:
        self._members: dict[int, T] = {}
        self._points: list[int] = []
        """Sorted: the position of a point, and behind it, in the lower bits, whose it is."""

    def __len__(self) -> int:
        return len(self._members)

    def update(self, members: Mapping[str, T]) -> None:
        """From now on MEMBERS are on the ring, by name."""
        new = {_number(name): (name, member) for name, member in members.items()}
        gone = self._members.keys() - new.keys()
        points = [point for point in self._points if point & _MASK not in gone] if gone else self._points
        for number in new.keys() - self._members.keys():
            points.extend(position << _BITS | number for position in _positions(new[number][0]))
        points.sort()
        self._points = points
        self._members = {number: member for number, (_, member) in new.items()}

    def find(self, key: bytes) -> T | None:
        """The member of KEY; None: there is none."""
        return next(self.order(key), None)

    def order(self, key: bytes) -> Iterator[T]:
        """The members in KEY's order, each once: the next is used if those before it cannot take the request."""
        points, seen = self._points, set[int]()
        begin = bisect_left(points, place(key) << _BITS)
        for step in range(len(points)):
            owner = points[(begin + step) % len(points)] & _MASK
            if owner not in seen:
                seen.add(owner)
                yield self._members[owner]
                if len(seen) == len(self._members):
                    return


def digest(upstream: str, name: str) -> bytes:
    """What stands for the endpoint NAME of UPSTREAM in a cookie; it does not show the address. As in ingress-nginx."""
    return md5(f"{upstream}{name}".encode(), usedforsecurity=False).hexdigest().encode()


def _number(name: str) -> int:
    """Stands for NAME behind a point, and decides between two names with the same point."""
    return int.from_bytes(md5(name.encode(), usedforsecurity=False).digest()[: _BITS // 8])


def _positions(name: str) -> Iterator[int]:
    base, position = crc32(name.encode()), 0
    for _ in range(POINTS):
        position = crc32(position.to_bytes(4, "little"), base)
        yield position
