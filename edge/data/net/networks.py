"""Finds the network of an address among thousands.

Rules of this file:
- Networks are converted to ranges that do not overlap; look-ups are in `_networks.pyx`.
- IPv4 and IPv6 are kept apart: `::/0` holds no IPv4 address. How networks are written is `edge.table.networks`.
- A text that is not an address is in no network. So an allow list refuses it, and a deny list does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.data.net._networks import Ranges
from edge.table.networks import parse

if TYPE_CHECKING:
    from collections.abc import Iterable


class Networks(Ranges):
    """The networks of TEXTS, each an address or CIDR; they are numbered in this order."""

    def __init__(self, texts: Iterable[str]) -> None:
        """Read all TEXTS; of equal networks the first counts.

        Raises:
            NetworkError: one of them is not a network.
        """
        networks = [(*parse(text), number) for number, text in enumerate(texts)]
        super().__init__(
            _ranges(sorted(network[1:] for network in networks if network[0] == 4), 32),
            _ranges(sorted(network[1:] for network in networks if network[0] == 6), 128),
        )
        self._length = len(networks)

    def __len__(self) -> int:
        return self._length


def _ranges(networks: list[tuple[int, int, int]], bits: int) -> list[tuple[int, int]]:
    """[(first address, number)] of the most specific of NETWORKS from each address on, -1 for none.

    NETWORKS are sorted (first, prefix, number). Networks lie within each other or apart, so those that hold the address
    that has been reached are a stack.
    """
    found: dict[int, int] = {}  # of several networks with one first address the last is the most specific
    around: list[tuple[int, int, tuple[int, int]]] = []
    beyond = 1 << bits
    for first, prefix, number in [*networks, (beyond, 0, -1)]:
        while around and around[-1][0] < first:
            end = around.pop()[0]
            if end + 1 < beyond:
                found[end + 1] = around[-1][1] if around else -1
        if first < beyond and not (around and around[-1][2] == (first, prefix)):
            found[first] = number
            around.append((first + (1 << (bits - prefix)) - 1, number, (first, prefix)))
    return list(found.items())
