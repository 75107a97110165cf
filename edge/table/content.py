"""The whole table decoded: for tools and for `edge check`. Workers decode only what they serve.

The records may come from a live table, or from a compiler whose result is not published.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edge.table.codec import DecodeError, decode
from edge.table.parameters import PARAMETERS, TLS_PARAMETERS, Parameters
from edge.table.records import (
    DEFAULT_CERTIFICATE,
    GLOBALS,
    HOST_PATTERNS,
    LISTENERS,
    MATERIAL,
    SHARED_POLICIES,
    TICKETS,
    TLS_OPTIONS,
    Certificate,
    Globals,
    Host,
    Listeners,
    ServerName,
    ServicePort,
    SharedPolicies,
    scoped,
    server_name_key,
    wildcard_of,
)
from edge.table.segment import SegmentError
from edge.table.streams import SERVER_STREAMS, StreamRoute, is_stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from edge.table.reader import Part, TableReader
    from edge.table.record import Record


@dataclass
class Content:
    """The records of all parts."""

    hosts: dict[str, Host] = field(default_factory=dict)
    """By key; the host without name stands for any other."""
    shared: Globals = field(default_factory=Globals)
    policies: SharedPolicies = field(default_factory=SharedPolicies)
    listeners: Listeners = field(default_factory=Listeners)
    parameters: Parameters = field(default_factory=Parameters)
    streams: dict[str, StreamRoute] = field(default_factory=dict)
    """By key."""
    ports: dict[str, ServicePort] = field(default_factory=dict)
    """By key."""
    server_names: dict[str, ServerName] = field(default_factory=dict)
    """By key."""
    certificates: dict[str, Certificate] = field(default_factory=dict)
    """By key."""
    faults: list[str] = field(default_factory=list)
    """Parts that could not be read."""

    @classmethod
    def of(cls, *parts: Mapping[str, Record | None]) -> Content:
        """The content of PARTS, each with records by key."""
        content = cls()
        for part in parts:
            for key, record in part.items():
                if record is not None:
                    content.put(key, record)
        return content

    @classmethod
    def read(cls, table: TableReader) -> Content:
        """The content of the newest generation of TABLE."""
        content = cls()
        for part, kind in ((table.routes, Host), (table.endpoints, ServicePort), (table.tls, Certificate)):
            content._read(part, kind)
        return content

    def put(self, key: str, record: Record) -> None:
        """Add RECORD under KEY."""
        if isinstance(record, Host):
            self.hosts[key] = record
        elif isinstance(record, Globals):
            self.shared = record
        elif isinstance(record, SharedPolicies):
            self.policies = record
        elif isinstance(record, Parameters):
            self.parameters = record
        elif isinstance(record, Listeners):
            self.listeners = record
        elif isinstance(record, StreamRoute):
            self.streams[key] = record
        elif isinstance(record, ServicePort):
            self.ports[key] = record
        elif isinstance(record, ServerName):
            self.server_names[key] = record
        elif isinstance(record, Certificate):
            self.certificates[key] = record

    def certificate_for(self, host: Host) -> str:
        """Key of the certificate that is shown for the record HOST."""
        return certificate_shown(host, self.server_names.get)

    def hosts_of(self, certificate: str) -> list[str]:
        """The names that the certificate under this key is shown for; the default one is for all others, too."""
        return sorted(one.host for one in self.server_names.values() if one.certificate == certificate)

    def _read(self, part: Part, kind: type[Record]) -> None:
        special: dict[str, type[Record]] = {
            GLOBALS: Globals,
            LISTENERS: Listeners,
            SHARED_POLICIES: SharedPolicies,
            PARAMETERS: Parameters,
        }
        try:
            items: Iterable[tuple[str, bytes]] = sorted(part.items())
        except SegmentError as error:
            self.faults.append(str(error))
            return
        for key, raw in items:
            wanted = ServerName if key.startswith("h:") and kind is Certificate else special.get(key, kind)
            if kind is Host and is_stream(key):
                wanted = StreamRoute
            if kind is Certificate and (key == TICKETS or key.startswith((MATERIAL, TLS_OPTIONS, TLS_PARAMETERS))):
                continue  # secret, or nothing to show
            if key in (HOST_PATTERNS, SERVER_STREAMS) and kind is Host:
                continue  # the hosts themselves say it
            try:
                self.put(key, decode(raw, wanted))
            except DecodeError as error:
                self.faults.append(f"{key}: {error}")


def certificate_shown(host: Host, find: Callable[[str], ServerName | None]) -> str:
    """Key of the certificate that is shown for HOST: its own, its wildcard's, or the default one.

    FIND gives the record under a key.
    """
    names = (scoped(host.scope, host.listener),) if host.scope else (host.name, wildcard_of(host.name))
    for name in names:
        if found := find(server_name_key(name)):
            return found.certificate
    return DEFAULT_CERTIFICATE
