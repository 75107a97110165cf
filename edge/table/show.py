"""`edge routes`: the table of a running instance, read as its workers read it.

Rules of this file:
- The table is read through `TableReader`, so faults of the table are found here as well, and reported.
- Key material is never shown: for records that may have secrets the fields to show are listed here.

Exit status: 0; 1: there is no table, or not all of it can be read.
"""

from __future__ import annotations

import json
import sys
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final

from edge.table import describing, explaining
from edge.table.content import Content
from edge.table.policies.policy import Policy
from edge.table.reader import TableReader
from edge.table.record import Record
from edge.table.records import DEFAULT_CERTIFICATE, PathKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from edge.table.records import Certificate, Host, Route, ServicePort
    from edge.table.streams import StreamRoute

_ATTEMPTS: Final = 5
_CERTIFICATE: Final = ("namespace", "name", "common_name", "issuer", "serial")


def run(directory: Path, *, as_json: bool, explain: Sequence[str] = ()) -> int:
    """Print the table in DIRECTORY, or with EXPLAIN the route for this host and path; returns the exit status."""
    table = TableReader(directory)
    if not table.generation:
        print_error(_why_none(table), directory)
        return 1
    content = _read(table)
    if explain:
        sys.stdout.writelines(f"{line}\n" for line in explaining.lines(content, *explain))
    elif as_json:
        sys.stdout.write(json.dumps(document(table, content), indent=2, ensure_ascii=False) + "\n")
    else:
        for line in lines(table, content):
            sys.stdout.write(line + "\n")
    faults = [*([str(table.fault)] if table.fault is not None else []), *content.faults]
    for fault in faults:
        print_error(f"not all can be read: {fault}", directory)
    return 1 if faults else 0


def print_error(message: str, directory: Path) -> None:
    """Report MESSAGE about DIRECTORY on standard error."""
    sys.stderr.write(f"edge routes: {directory}: {message}\n")


def _why_none(table: TableReader) -> str:
    if table.fault is not None:
        return f"the table cannot be read: {table.fault}"
    return "no table has been published yet" if table.reopen() else "no table here; is Edge running?"


def _read(table: TableReader) -> Content:
    """The content of one generation, unless it changes too often."""
    content = Content.read(table)
    for _ in range(_ATTEMPTS):
        if not table.changed():
            break
        table.refresh()
        content = Content.read(table)
    return content


# --- text -----------------------------------------------------------------------------------------------------------


def lines(table: TableReader, content: Content) -> Iterator[str]:
    """The table as text."""
    yield f"Table {table.generation} of {table.directory}, published {describing.moment(table.published)}"
    yield ""
    yield f"Hosts: {len(content.hosts)}"
    for name in sorted(content.hosts, key=lambda name: (not name, name)):
        yield from _host_lines(content, content.hosts[name])
    if content.shared.default is not None:
        yield "  what no host takes"
        yield from describing.columns([_row(content.shared.default, default=True)], "    ")
    yield ""
    if content.streams:
        yield f"Streams: {len(content.streams)}"
        yield from describing.columns([_stream_row(key, one) for key, one in _sorted(content.streams)], "  ")
        yield ""
    yield f"Services: {len(content.ports)}"
    services = [
        (key, describing.BALANCES[one.balance], describing.endpoints(one)) for key, one in _sorted(content.ports)
    ]
    yield from describing.columns(services, "  ")
    yield ""
    yield f"Certificates: {len(content.certificates)}"
    certificates = [_certificate_row(content, key, one) for key, one in _sorted(content.certificates)]
    yield from describing.columns(certificates, "  ")


def _host_lines(content: Content, host: Host) -> Iterator[str]:
    tls = f" (TLS: {describing.certificate(content, host)})" if host.tls else ""
    yield f"  {describing.host_name(host)}{tls}"
    rows = [_row(one) for one in describing.routes(host)]
    if host.default is not None:
        rows.append(_row(host.default, default=True))
    yield from describing.columns(rows, "    ")


def _row(one: Route, *, default: bool = False) -> tuple[str, ...]:
    taken, done = describing.route(one, default=default)
    unowned = "--default-backend-service" if any(backend.key for backend in one.backends) else "no Ingress"
    owner = str(one.owner) if one.owner.kind else unowned
    return taken, f"-> {done}", "; ".join([owner, *describing.policies(one)])


def _stream_row(key: str, one: StreamRoute) -> tuple[str, ...]:
    return describing.stream_name(key, one), f"-> {describing.stream_backends(one)}", str(one.owner)


def _certificate_row(content: Content, key: str, one: Certificate) -> tuple[str, ...]:
    shown = ", ".join(content.hosts_of(key))
    if key == DEFAULT_CERTIFICATE:
        shown = "default" + (f", {shown}" if shown else "")
    return describing.secret(one), f"until {describing.date(one.not_after)}", one.common_name, shown


def _sorted(records: dict[str, Any]) -> list[tuple[str, Any]]:
    return sorted(records.items())


# --- JSON -----------------------------------------------------------------------------------------------------------


def document(table: TableReader, content: Content) -> dict[str, Any]:
    """The table as JSON has it."""
    default = content.shared.default
    return {
        "directory": str(table.directory),
        "generation": table.generation,
        "published": describing.moment(table.published),
        "hosts": [_host(content, one) for _, one in _sorted(content.hosts)],
        "default": _plain(default) if default is not None else None,
        "streams": [{"key": key, **_plain(one)} for key, one in _sorted(content.streams)],
        "services": [_service_port(key, one) for key, one in _sorted(content.ports)],
        "certificates": [_certificate(content, key, one) for key, one in _sorted(content.certificates)],
    }


def _host(content: Content, host: Host) -> dict[str, Any]:
    return {
        "name": host.name,
        "tls": host.tls,
        "scope": host.scope,
        "certificate": content.certificate_for(host) if host.tls else None,
        "routes": [_plain(one) for one in describing.routes(host)],
        "default": _plain(host.default) if host.default is not None else None,
    }


def _service_port(key: str, one: ServicePort) -> dict[str, Any]:
    return {"key": key, **_plain(one), "endpoints": [describing.endpoint(endpoint) for endpoint in one.endpoints]}


def _certificate(content: Content, key: str, one: Certificate) -> dict[str, Any]:
    return {
        "key": key,
        **{name: getattr(one, name) for name in _CERTIFICATE},
        "not_after": describing.moment(one.not_after),
        "hosts": content.hosts_of(key),
        "default": key == DEFAULT_CERTIFICATE,
    }


def _plain(record: Record) -> dict[str, Any]:
    """All fields of RECORD, which must hold no secret but those that a policy names as `secrets`."""
    if not isinstance(record, Policy):
        return {name: _value(getattr(record, name)) for name in record.__struct_fields__}
    shown: dict[str, Any] = {"policy": type(record).__name__}
    for name in record.__struct_fields__:
        value = getattr(record, name)
        shown[name] = [public for public, _ in value] if name in record.secrets else _value(value)
    return shown


def _value(value: Any) -> Any:
    if isinstance(value, Record):
        return _plain(value)
    if isinstance(value, tuple | list | frozenset):
        return [_value(one) for one in value]
    if isinstance(value, PathKind):
        return describing.PATHS[value]
    return value.name.lower() if isinstance(value, IntEnum) else value
