"""What a failure of an endpoint does beside its being noted: counters, and a line in the log now and then."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from edge.table.counters import WorkerWord

if TYPE_CHECKING:
    from edge.data.upstream.target import Target
    from edge.table.counters import WorkerCounters

log = logging.getLogger("edge.data")


def note_failure(counters: WorkerCounters, target: Target, error: Exception) -> None:
    """No connection to TARGET could be made, for ERROR: it may be left out for a while."""
    counters.add(WorkerWord.UPSTREAM_CONNECT_FAILURES, 1)
    if target.failed():
        report(counters, target, error)


def report(counters: WorkerCounters, target: Target, error: Exception) -> None:
    """TARGET has been left out just now, because of ERROR."""
    counters.add(WorkerWord.EJECTIONS, 1)
    times = target.failures
    if times & (times - 1) == 0:  # one that is asked all the same, for want of another, would fill the log
        log.warning("endpoint %s is left out for a while (%d): %s", target.name, times, error)
