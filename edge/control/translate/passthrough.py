"""TLS of an Ingress's hosts that is passed on by its server name (ssl-passthrough).

Rules of this file:
- As in ingress-nginx only the path `/` of a host counts, because paths within TLS cannot be seen; everything else in
  the Ingress applies only to plain HTTP.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from edge.control.kinds.problems import Problem, warning
from edge.control.translate.annotations.ssl_passthrough import NAME
from edge.control.translate.annotations.values import field
from edge.control.translate.parts import StreamPart
from edge.table.policies import HashBy
from edge.table.records import Transport
from edge.table.streams import server_stream_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.control.translate.parts import HostPart
    from edge.table.records import Backend, Owner
    from edge.table.streams import StreamRoute

FLAG = "enable-ssl-passthrough"
BY_ADDRESS = "$remote_addr"
"""The upstream-hash-by that a connection has a value for."""


def streams(
    owner: Owner, hosts: Mapping[str, HostPart], stream: StreamRoute | None, problems: list[Problem]
) -> dict[str, StreamPart]:
    """The streams of HOSTS, each like STREAM (None: the process does not allow any); PROBLEMS gets what is wrong."""
    found: dict[str, StreamPart] = {}
    if stream is None:
        message = f"needs --{FLAG}, which is not set; TLS is ended here"
        problems.append(warning("PassthroughDisabled", field(NAME), message))
        return found
    for host, part in hosts.items():
        backend = _root(part)
        if not host:
            problems.append(
                warning("NoServerName", field(NAME), "a rule without a host has no server name; ignored there")
            )
        elif backend is None:
            message = f"{host} has no path / with a Service; TLS of that host is ended here"
            problems.append(warning("NoRootPath", field(NAME), message))
        else:
            by_client = any(isinstance(one, HashBy) and one.key == BY_ADDRESS for one in backend.policies)
            plain = replace(backend, policies=(), transport=Transport(), secure_transport=None)
            made = replace(stream, owner=owner, backends=(plain,), by_client=by_client or stream.by_client)
            found[server_stream_key(host)] = StreamPart(made, field(NAME))
    return found


def _root(part: HostPart) -> Backend | None:
    for one in part.routes:
        if one.route.path == "/" and not one.implied and one.route.backends and one.route.backends[0].key:
            return one.route.backends[0]
    return None
