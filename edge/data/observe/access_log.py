"""The access log: one line a request to standard output, in ingress-nginx's default format or as JSON.

Rules of this file:
- Lines are gathered and written when there are enough of them, or after a moment, by a descriptor that never waits: a
  slow reader of the log does not stop the event loop. Lines that it does not read in time are dropped and counted.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from edge.data.observe._lines import Lines
from edge.table.counters import WorkerWord
from edge.table.records import Backend, Owner, upstream_name

if TYPE_CHECKING:
    from edge.table.counters import WorkerCounters


class AccessLog:
    """Writes lines to where the descriptor FD leads."""

    def __init__(self, counters: WorkerCounters, *, as_json: bool, fd: int = 1) -> None:
        self.lines = Lines(as_json=as_json)
        """The buffer to which an exchange adds its line; see `Lines.add`."""
        self._counters = counters
        self._fd = reopened(fd)
        self._as_json = as_json
        self.no_route = self.name_of(Owner(), Backend())
        """`name_of` no route."""

    def name_of(self, owner: Owner, backend: Backend, main: Backend | None = None) -> bytes:
        """The part of a line that names a route of OWNER and its BACKEND, in the form that `Lines.add` takes.

        MAIN: the backend beside which BACKEND is a canary.
        """
        if not self._as_json:
            first, canary = (_name(backend), "") if main is None else (_name(main), _name(backend))
            return f"{first}] [{canary}".encode()
        members = {
            "namespace": backend.namespace,
            "ingress": owner.name,
            "service": backend.service,
            "service_port": backend.port,
        }
        return b"," + json.dumps(members, separators=(",", ":")).encode()[1:-1]

    def flush(self) -> None:
        """Write what can be written now."""
        lines = self.lines
        with suppress(OSError):  # nobody reads the log
            lines.write(self._fd)
        if lines.dropped:
            self._counters.add(WorkerWord.ACCESS_LOG_DROPPED, lines.dropped)
            lines.dropped = 0


def _name(backend: Backend) -> str:
    named = upstream_name(backend.namespace, backend.service, backend.port)
    return named if backend.namespace else ""


def reopened(fd: int) -> int:
    """A descriptor of its own, that never waits, for the file or pipe behind FD.

    O_NONBLOCK on FD itself would hold for every process that has it too, our parent's shell for instance. What cannot
    be opened again (a socket, another user's terminal) is used as it is, and only when it says that it is ready.
    """
    try:
        return os.open(f"/proc/self/fd/{fd}", os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError:
        return os.dup(fd)
