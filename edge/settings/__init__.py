"""Every setting of Edge, defined once: command line, environment, documentation and code all come from here.

A setting is a field of a section with its help text, its placeholder and the commands that take it. Its flag is the
field's name with dashes, its environment variable the same in capitals after `EDGE_`; the flag wins. Where
ingress-nginx has a flag for the same thing, its name is used.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.settings.answers import Answers
from edge.settings.bodies import Bodies
from edge.settings.field import LARGEST_HEAD
from edge.settings.headers import Headers
from edge.settings.limits import Limits
from edge.settings.listening import Listening
from edge.settings.logs import Logs
from edge.settings.metrics import Metrics
from edge.settings.objects import Objects
from edge.settings.processes import Processes
from edge.settings.streams import Streams
from edge.settings.tracing import Tracing
from edge.settings.webhook import Webhook

__all__ = ["LARGEST_HEAD", "SECTIONS", "Settings"]

SECTIONS = {
    "What to serve": Objects,
    "Listening": Listening,
    "TCP and UDP services": Streams,
    "Admission webhook": Webhook,
    "Processes": Processes,
    "Logs": Logs,
    "Metrics": Metrics,
    "Tracing": Tracing,
    "Redirects and headers": Headers,
    "Bodies": Bodies,
    "Limits of the wire": Limits,
    "Answering back to the cluster": Answers,
}
"""Title of each section, for `--help` and the documentation, to its class, in the order in which they are shown."""


@dataclass(frozen=True, kw_only=True)
class Settings(
    Objects, Listening, Streams, Webhook, Processes, Logs, Metrics, Tracing, Headers, Bodies, Limits, Answers
):
    """The settings of one process tree of Edge."""

    def with_(self, **changes: Any) -> Settings:
        """A copy with CHANGES."""
        return dataclasses.replace(self, **changes)

    @property
    def tunnel_grace(self) -> float:
        """`websocket_shutdown_grace` as it is in force."""
        return self.websocket_shutdown_grace or self.shutdown_grace

    @property
    def table_directory(self) -> Path:
        """`shm_dir` as a path."""
        return Path(self.shm_dir)
