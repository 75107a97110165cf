"""`/api/certificates`: the certificates, the hosts that show them, and warnings.

Rules of this file:
- A certificate is parsed when it is listed for the first time, not for a search, which looks at the records.
- The record of a certificate holds its key; nothing here reads that.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Final

from edge.control.serving.pacing import paced
from edge.control.serving.view import lists
from edge.control.serving.view.overview import SOON
from edge.control.translate import key_pairs
from edge.table import describing
from edge.table.content import certificate_shown
from edge.table.records import DEFAULT_CERTIFICATE, Certificate, Host, ServerName, wildcard_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from edge.control.publishing.state import State
    from edge.control.serving.view.lists import Question
    from edge.control.translate.leaf import Leaf
    from edge.table.record import Record

MOST_HOSTS: Final = 100
MOST_WARNINGS: Final = 20
_CACHED: Final = 2000


class Certificates:
    """Those in the table of STATE."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._lock = threading.Lock()
        self._versions = (-1, -1)
        self._rows: list[tuple[str, Certificate, list[str], str]] = []
        """Key, record, the hosts that show it, and what is searched; those that end first come first."""
        self._leaves: dict[bytes, Leaf] = {}

    def listed(self, question: Question) -> dict[str, Any]:
        """Those that QUESTION asks for."""
        lists.known(question, "search", "limit", "offset")
        words = lists.words(question)
        rows = self._current()
        found = [row for row in rows if all(word in row[3] for word in words)] if words else rows
        shown, about = lists.part(question, found)
        now = time.time()
        entries = [self._entry(key, record, hosts, now) for key, record, hosts, _ in shown]
        return {"all": len(rows), **about, "certificates": entries}

    def _current(self) -> list[tuple[str, Certificate, list[str], str]]:
        state = self._state
        with self._lock:
            versions = (state.version("routes"), state.version("tls"))
            if versions != self._versions:
                self._rows = list(_rows(state.records("routes").values(), state.records("tls")))
                self._rows.sort(key=lambda row: (row[1].not_after, row[0]))
                self._versions = versions
            return self._rows

    def _entry(self, key: str, record: Certificate, hosts: list[str], now: float) -> dict[str, Any]:
        leaf = self._leaf(record)
        return {
            "secret": {"namespace": record.namespace, "name": record.name} if record.name else None,
            "default": key == DEFAULT_CERTIFICATE,
            "names": sorted(leaf.names),
            "common_name": record.common_name,
            "issuer": record.issuer,
            "issuer_organization": leaf.issuer_organization,
            "serial": record.serial,
            "algorithm": leaf.algorithm,
            "not_before": leaf.not_before or None,
            "not_after": record.not_after or None,
            "state": _state(leaf.not_before, record.not_after, now),
            "hosts": hosts[:MOST_HOSTS],
            "hosts_total": len(hosts),
            "warnings": list(_warnings(leaf, record, hosts, now)),
        }

    def _leaf(self, record: Certificate) -> Leaf:
        leaf = self._leaves.get(record.chain)
        if leaf is None:
            if len(self._leaves) >= _CACHED:
                self._leaves.clear()
            leaf = self._leaves[record.chain] = key_pairs.describe(record.chain)
        return leaf


def _rows(routes: Iterable[Record], tls: dict[str, Record]) -> Iterator[tuple[str, Certificate, list[str], str]]:
    names = {key: one for key, one in tls.items() if isinstance(one, ServerName)}
    hosts: dict[str, set[str]] = {}
    for name in names.values():
        hosts.setdefault(name.certificate, set()).add(name.host)
    for host in paced(routes):
        if isinstance(host, Host) and host.tls and host.name and not host.scope:
            hosts.setdefault(certificate_shown(host, names.get), set()).add(host.name)
    for key, record in tls.items():
        if isinstance(record, Certificate):
            shown = sorted(hosts.get(key, ()))
            text = f"{record.namespace}/{record.name} {record.common_name} {record.issuer} {' '.join(shown)}"
            yield key, record, shown, text.lower()


def _state(not_before: float, not_after: float, now: float) -> str:
    if not not_after:
        return "unknown"
    if now > not_after:
        return "expired"
    if now < not_before:
        return "not yet valid"
    return "ending" if not_after < now + SOON else "valid"


def _warnings(leaf: Leaf, record: Certificate, hosts: list[str], now: float) -> Iterator[str]:
    if not record.not_after:
        yield "the dates between which it is valid cannot be read"
    elif now > record.not_after:
        yield f"it expired on {describing.date(record.not_after)}"
    elif now < leaf.not_before:
        yield f"it is not valid before {describing.date(leaf.not_before)}"
    unfit = [host for host in hosts if host and not (host in leaf.names or wildcard_of(host) in leaf.names)]
    for host in unfit[:MOST_WARNINGS]:
        yield f"it is not good for {host}, which shows it"
    if len(unfit) > MOST_WARNINGS:
        yield f"nor is it for {len(unfit) - MOST_WARNINGS} more hosts that show it"
