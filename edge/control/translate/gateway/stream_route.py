"""Translates a TLSRoute, a TCPRoute or a UDPRoute: streams of listeners and of TLS server names.

Rules of this file:
- The sockets of TCP and UDP listeners belong to the routes that attach to them: a port is open if there is a route.
- TLS has the sockets of its listener, because the server name decides between streams and hosts.
- BackendTLSPolicies hold where Edge ends the TLS of clients; what is passed through goes to endpoints as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from edge.control.kinds.gateway_routes import UDPRoute
from edge.control.translate.gateway import outcomes
from edge.control.translate.gateway.attaching import Attachment
from edge.control.translate.gateway.backends import CONNECTIONS, DATAGRAMS, ENDED, BackendReader
from edge.control.translate.gateway.hostnames import record_name
from edge.control.translate.gateway.listener_states import scope_of
from edge.control.translate.gateway.shown import Shown
from edge.control.translate.parts import StreamPart, Translation
from edge.control.translate.stream_settings import by_settings
from edge.table.records import Listening, Owner, Wire, scoped
from edge.table.streams import server_stream_key, stream_key

if TYPE_CHECKING:
    from edge.control.kinds.gateway import Listener
    from edge.control.kinds.gateway_routes import AnyStreamRoute
    from edge.control.translate.gateway.view import View
    from edge.settings import Settings
    from edge.table.records import Backend

WIRES: Final = {"TCP": Wire.TCP, "UDP": Wire.UDP}


def translate(route: AnyStreamRoute, view: View, settings: Settings) -> Translation | None:
    """What ROUTE asks for; None: it concerns no Gateway that is ours."""
    attachment = Attachment(route, view)
    if not attachment.parents and not attachment.problems:
        return None
    carried = DATAGRAMS if isinstance(route, UDPRoute) else CONNECTIONS
    field = "spec.rules[0].backendRefs"
    (rule,) = route.spec.rules
    readers: dict[bool, BackendReader] = {}
    backends: dict[bool, tuple[Backend, ...]] = {}
    for ends in sorted({_ends(one.state.listener) for one in attachment.meetings}) or [False]:
        reader = readers[ends] = BackendReader(route.id, view, ENDED if ends else carried)
        backends[ends] = tuple(reader.read(one, f"{field}[{number}]") for number, one in enumerate(rule.backend_refs))
    shown = Shown(reader.materials, view)  # the last one ends TLS if any does
    owner = Owner(route.kind, route.metadata.namespace, route.metadata.name)
    made = replace(by_settings(settings), owner=owner, backends=backends.get(False, ()))
    streams: dict[str, StreamPart] = {}
    sockets: dict[Listening, None] = {}
    for one in attachment.meetings:
        listener = one.state.listener
        if listener.protocol in WIRES:
            scope = scope_of(one.gateway.id, listener)
            streams[stream_key(scope)] = StreamPart(made, field)
            port = one.assignment.port_of(listener)
            for address in one.assignment.addresses or settings.bind_address:
                sockets[Listening(address, port, scope, wire=WIRES[listener.protocol])] = None
        else:
            ends = _ends(listener)
            key = server_stream_key(scoped(one.scope, record_name(one.host)))
            stream = replace(made, terminate=ends, backends=shown.to(backends[ends], one.gateway))
            streams[key] = StreamPart(stream, "spec.hostnames")
    uses = {use.key: use for one in readers.values() for use in one.uses}
    return Translation(
        route.order,
        {},
        None,
        tuple(uses.values()) if streams else (),
        (),
        (*attachment.problems, *reader.problems),
        facts=outcomes.facts(attachment, reader),
        materials=tuple(shown.materials.values()) if streams else (),
        sockets=tuple(sockets),
        streams=streams,
    )


def _ends(listener: Listener) -> bool:
    """Whether Edge ends the TLS of the connections of LISTENER."""
    return listener.protocol not in WIRES and (listener.tls is None or listener.tls.mode == "Terminate")
