"""ConfigMaps of TCP and UDP services, as ingress-nginx has them: each entry is a port and the Service behind it.

Rules of this file:
- The form of a value is `NAMESPACE/SERVICE:PORT[:PROXY][:PROXY]`: the first PROXY has clients begin with a PROXY
  protocol header, the second sends one to endpoints, of version 1; `PROXY2` there means version 2.
- An entry that cannot be read is reported and left out; the others are in force.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from edge.control.kinds.core import ConfigMap
from edge.control.kinds.objects import ObjectId
from edge.control.kinds.problems import Problem, error
from edge.control.kinds.services import TCP, UDP
from edge.control.translate.parts import BY_UDP, ServiceUse, StreamPart, Translation
from edge.control.translate.stream_settings import BALANCES, by_settings
from edge.table.records import Backend, Listening, Owner, Wire, service_key
from edge.table.streams import ProxyHeader, stream_key

if TYPE_CHECKING:
    from edge.settings import Settings
    from edge.table.streams import StreamRoute

FLAGS: Final = {Wire.TCP: "--tcp-services-configmap", Wire.UDP: "--udp-services-configmap"}
PROTOCOLS: Final = {Wire.TCP: TCP, Wire.UDP: UDP}
FORM: Final = "NAMESPACE/SERVICE:PORT[:PROXY][:PROXY]"
IGNORED: Final = "the entry is ignored"
CLOSES: Final = {Wire.TCP: "connections are closed", Wire.UDP: "datagrams are dropped"}
MOST_PORT: Final = 65535
_HEADERS: Final = {"": ProxyHeader.NONE, "PROXY": ProxyHeader.V1, "PROXY2": ProxyHeader.V2}
_VALUE: Final = re.compile(
    r"(?P<namespace>[a-z0-9]([a-z0-9-]*[a-z0-9])?)/(?P<name>[a-z0-9]([a-z0-9.-]*[a-z0-9])?):(?P<port>[a-z0-9-]+)"
    r"(:(?P<takes>PROXY)?)?(:(?P<sends>PROXY2?)?)?"
)


class EntryError(ValueError):
    """An entry cannot be read; the message says why."""


def owners(settings: Settings) -> dict[ObjectId, tuple[Wire, ...]]:
    """The ConfigMaps that SETTINGS name, each with what it has services for."""
    found: dict[ObjectId, tuple[Wire, ...]] = {}
    for wire, named in ((Wire.TCP, settings.tcp_services_configmap), (Wire.UDP, settings.udp_services_configmap)):
        namespace, _, name = named.partition("/")
        if name:
            owner = ObjectId("ConfigMap", namespace, name)
            found[owner] = (*found.get(owner, ()), wire)
    return found


def translate(owner: ObjectId, wires: tuple[Wire, ...], found: object, settings: Settings) -> Translation:
    """The translation of the ConfigMap OWNER; FOUND: the object, or text: why there is none; None: it is not known
    yet."""
    order = ("", owner.namespace, owner.name)
    if not isinstance(found, ConfigMap):
        flags = " and ".join(FLAGS[wire] for wire in wires)
        problems = (error("MissingConfigMap", "", f"{found}; {flags} names it, and no port is open"),) if found else ()
        return Translation(order, {}, None, (), (), problems, references=(owner,))
    reading = _Reading(owner, settings)
    for wire in wires:
        for port, value in sorted((found.data or {}).items()):
            reading.take(wire, port, value)
    return Translation(
        order,
        {},
        None,
        tuple(reading.uses),
        (),
        tuple(reading.problems),
        references=(owner,),
        sockets=tuple(reading.sockets),
        streams=reading.streams,
    )


class _Reading:
    """What has been read of one ConfigMap."""

    def __init__(self, owner: ObjectId, settings: Settings) -> None:
        self._owner = owner
        self._settings = settings
        self.uses: list[ServiceUse] = []
        self.problems: list[Problem] = []
        self.sockets: list[Listening] = []
        self.streams: dict[str, StreamPart] = {}

    def take(self, wire: Wire, port: str, value: str) -> None:
        """Read the entry PORT with VALUE."""
        field = field_of(port)
        try:
            number, parts = _number(port), _parts(wire, value)
        except EntryError as fault:
            self.problems.append(error("InvalidEntry", field, f"{fault}; {IGNORED}"))
            return
        scope = f"{PROTOCOLS[wire].lower()}:{number}"
        backend = self._backend(wire, parts["namespace"], parts["name"], parts["port"], field)
        stream = self._stream(backend, takes=bool(parts["takes"]), sends=_HEADERS[parts["sends"] or ""])
        self.streams[stream_key(scope)] = StreamPart(stream, field)
        self.sockets += [Listening(address, number, scope, wire=wire) for address in self._settings.bind_address]

    def _backend(self, wire: Wire, namespace: str, name: str, port: str, field: str) -> Backend:
        key = service_key(namespace, name, port) + (BY_UDP if wire is Wire.UDP else "")
        balance = BALANCES.get(self._settings.stream_load_balance)
        use = ServiceUse(key, namespace, name, port, field, balance, instead=CLOSES[wire], protocol=PROTOCOLS[wire])
        self.uses.append(use)
        return Backend(namespace, name, port, key)

    def _stream(self, backend: Backend, *, takes: bool, sends: ProxyHeader) -> StreamRoute:
        return replace(
            by_settings(self._settings),
            owner=Owner(self._owner.kind, self._owner.namespace, self._owner.name),
            backends=(backend,),
            proxied=takes,
            send_proxy=sends,
        )


def _parts(wire: Wire, value: str) -> re.Match[str]:
    parts = _VALUE.fullmatch(value.strip())
    if parts is None:
        raise EntryError(f'"{value}" is not {FORM}')
    if wire is Wire.UDP and (parts["takes"] or parts["sends"]):
        raise EntryError("there is no PROXY protocol for datagrams; leave PROXY out")
    return parts


def field_of(port: str | int) -> str:
    """Where a ConfigMap has the entry of PORT."""
    return f"data.{port}"


def _number(port: str) -> int:
    plain = port.isascii() and port.isdigit() and port[0] != "0" and len(port) <= len(str(MOST_PORT))
    if not plain or int(port) > MOST_PORT:
        raise EntryError(f'"{port}" is not a port: a number from 1 to {MOST_PORT}')
    return int(port)
