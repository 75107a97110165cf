"""Counts and logs failures of endpoints."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from edge.table.counters import WorkerWord

if TYPE_CHECKING:
    from edge.data.upstream.target import Target
    from edge.table.counters import WorkerCounters

log = logging.getLogger("edge.data")


def note_failure(counters: WorkerCounters, target: Target, error: Exception) -> None:
    """A connection to TARGET failed with ERROR: it may be ejected."""
    counters.add(WorkerWord.UPSTREAM_CONNECT_FAILURES, 1)
    if target.failed():
        report(counters, target, error)


def report(counters: WorkerCounters, target: Target, error: Exception) -> None:
    """TARGET has just been ejected because of ERROR."""
    counters.add(WorkerWord.EJECTIONS, 1)
    times = target.failures
    if times & (times - 1) == 0:  # if it is the only endpoint, it is still used, and would fill the log
        log.warning("endpoint %s is left out for a while (%d): %s", target.name, times, error)
