"""Exchanges that tests play: a client, a handler with a real plan, and endpoints that follow a script.

- `script`: what a client sends and an endpoint does. `scene`: what is between them.
- `memory`: the two halves in memory. `sockets`: those of HTTP/1.1. `h2` and
  `h2_endpoint`: those of HTTP/2. A further version adds
  its halves to `CLIENTS` and `POOLS` in `scene`, and the pairs that are to be played to `PAIRS`.
"""

from __future__ import annotations

from tests.support.play.scene import PAIRS, Played, Received, Scene, backend, route
from tests.support.play.script import HANGS_UP, NO_HTTP, RESETS, SILENT, Answer, Asked, Cut, Endpoint, Request

__all__ = [
    "HANGS_UP",
    "NO_HTTP",
    "PAIRS",
    "RESETS",
    "SILENT",
    "Answer",
    "Asked",
    "Cut",
    "Endpoint",
    "Played",
    "Received",
    "Request",
    "Scene",
    "backend",
    "route",
]
