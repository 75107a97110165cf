"""Translates a TLSRoute, a TCPRoute or a UDPRoute: streams of listeners and of TLS server names.

Rules of this file:
- The sockets of TCP and UDP listeners belong to the routes that attach to them: a port is open if there is a route.
- TLS has the sockets of its listener, because the server name decides between streams and hosts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from edge.control.kinds.gateway_routes import UDPRoute
from edge.control.translate.gateway import outcomes
from edge.control.translate.gateway.attaching import Attachment
from edge.control.translate.gateway.backends import CONNECTIONS, DATAGRAMS, BackendReader
from edge.control.translate.gateway.hostnames import record_name
from edge.control.translate.gateway.standing import scope_of
from edge.control.translate.parts import StreamPart, Translation
from edge.control.translate.stream_settings import by_settings
from edge.table.records import Listening, Owner, Wire, scoped
from edge.table.streams import server_stream_key, stream_key

if TYPE_CHECKING:
    from edge.control.kinds.gateway_routes import AnyStreamRoute
    from edge.control.translate.gateway.view import View
    from edge.settings import Settings

WIRES: Final = {"TCP": Wire.TCP, "UDP": Wire.UDP}


def translate(route: AnyStreamRoute, view: View, settings: Settings) -> Translation | None:
    """What ROUTE asks for; None: it concerns no Gateway that is ours."""
    attachment = Attachment(route, view)
    if not attachment.parents and not attachment.problems:
        return None
    reader = BackendReader(route.id, view, DATAGRAMS if isinstance(route, UDPRoute) else CONNECTIONS)
    field = "spec.rules[0].backendRefs"
    (rule,) = route.spec.rules
    backends = tuple(reader.read(one, f"{field}[{number}]") for number, one in enumerate(rule.backend_refs))
    owner = Owner(route.kind, route.metadata.namespace, route.metadata.name)
    made = replace(by_settings(settings), owner=owner, backends=backends)
    streams: dict[str, StreamPart] = {}
    sockets: dict[Listening, None] = {}
    for one in attachment.meetings:
        listener = one.standing.listener
        if listener.protocol in WIRES:
            scope = scope_of(one.gateway.id, listener)
            streams[stream_key(scope)] = StreamPart(made, field)
            port = one.assignment.port_of(listener)
            for address in one.assignment.addresses or settings.bind_address:
                sockets[Listening(address, port, scope, wire=WIRES[listener.protocol])] = None
        else:
            terminate = listener.tls is None or listener.tls.mode == "Terminate"
            key = server_stream_key(scoped(one.scope, record_name(one.host)))
            streams[key] = StreamPart(replace(made, terminate=terminate), "spec.hostnames")
    metadata = route.metadata
    return Translation(
        (metadata.creation_timestamp or "", metadata.namespace, metadata.name),
        {},
        None,
        tuple(reader.uses) if streams else (),
        (),
        (*attachment.problems, *reader.problems),
        facts=outcomes.facts(attachment, reader),
        sockets=tuple(sockets),
        streams=streams,
    )
