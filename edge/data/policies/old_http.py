"""Asks endpoints by HTTP/1.0."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.data.exchange.exchange import Exchange
    from edge.data.policies.phases import Phases
    from edge.table.policies import OldHttp


def add(policy: OldHttp, phases: Phases) -> None:  # noqa: ARG001 - that it is there says all
    """An edit of the request. Content of unknown length is read first (`edge.data.handling.handler`)."""
    phases.edits.append(edit)


def edit(exchange: Exchange) -> None:
    """The head is written as one of HTTP/1.0."""
    exchange.outgoing.old = True
