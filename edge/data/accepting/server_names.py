"""What the table has for a server name of a ClientHello: its certificate, its options, its stream.

Rules of this file:
- A server name or certificate whose record cannot be read is not absent: no other certificate is shown instead. If it
  is the host's own record, no client certificate is requested, and requests are refused for lack of one.
- For a server name with a stream TLS is passed on, or terminated without HTTP in it. If the table has no such name,
  none is looked up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from edge.data.routing.host_names import HostNames
from edge.table.reader import UnreadableError
from edge.table.records import (
    DEFAULT_CERTIFICATE,
    Host,
    ServerName,
    TlsOptions,
    hosts_over,
    scoped,
    server_name_key,
    tls_options_key,
    wildcard_of,
)
from edge.table.streams import SERVER_STREAMS, ServerStreams, StreamRoute, server_stream_key

if TYPE_CHECKING:
    from edge.table.reader import TableReader


class Keys(NamedTuple):
    """The keys of the records of a server name, which may be empty."""

    certificate: str
    options: str = ""
    stream: str = ""


class ServerNames:
    """Looks server names up in TABLE; nothing is remembered."""

    def __init__(self, table: TableReader) -> None:
        self._table = table
        self._hosts = HostNames(table)
        self._streaming: frozenset[str] = frozenset()
        """Scopes in which server names may have streams."""

    def refresh(self) -> None:
        """The routes of the table have changed."""
        streams = self._table.routes.get(SERVER_STREAMS, ServerStreams)
        self._streaming = frozenset(streams.scopes) if streams is not None else frozenset()

    def find(self, name: str) -> Keys:
        """The keys for NAME (empty: the client names none) at our own addresses."""
        return Keys(self.certificate(name), self.options(name), self.stream(name) if self._streaming else "")

    def stream(self, name: str) -> str:
        """Key of the stream of server NAME at our own addresses; empty: a host or a certificate is more specific."""
        table = self._table
        if "" not in self._streaming:
            return ""
        for candidate in hosts_over(name):
            key = server_stream_key(candidate)
            if table.routes.get(key, StreamRoute) is not None:
                return key
            if table.routes.get(candidate, Host) is not None:
                return ""
            if candidate and table.tls.get(server_name_key(candidate), ServerName) is not None:
                return ""
        return ""

    def options(self, name: str) -> str:
        """Key of the options of the host of server NAME; empty: it has none."""
        try:
            for candidate in self._hosts.records_for(name):
                host = self._table.routes.get(candidate, Host)
                if host is not None:
                    return tls_options_key(host.name) if host.tls_options else ""
        except UnreadableError:
            pass  # its routes are closed
        return ""

    def listener(self, scope: str, name: str) -> tuple[Keys, str] | None:
        """What the most specific listener of SCOPE that takes NAME does."""
        streaming = scope in self._streaming
        candidates = list(hosts_over(name))
        for number, candidate in enumerate(candidates):
            key = server_stream_key(scoped(scope, candidate))
            stream = self._table.routes.get(key, StreamRoute) if streaming else None
            if stream is not None:
                # The stream has the hosts of its route; the certificate is that of the listener.
                above = (self._server_name(scope, one) for one in candidates[number:])
                shown = next((one for one in above if one is not None), None)
                return Keys(shown.certificate if shown is not None else DEFAULT_CERTIFICATE, stream=key), candidate
            shown = self._server_name(scope, candidate)
            if shown is not None:
                return self._keys_of(scope, shown)
        return None

    def _server_name(self, scope: str, host: str) -> ServerName | None:
        return self._table.tls.get(server_name_key(scoped(scope, host)), ServerName)

    def _keys_of(self, scope: str, shown: ServerName) -> tuple[Keys, str] | None:
        """The keys of a listener for HTTP; None: it is one for streams, and none takes the name."""
        at = scoped(scope, shown.host)
        if self._table.routes.get(at, Host) is None:
            return None
        # If the options of the listener cannot be read, this raises: client certificates might be required.
        options = tls_options_key(at)
        return Keys(
            shown.certificate, options if self._table.tls.get(options, TlsOptions) is not None else ""
        ), shown.host

    def certificate(self, name: str) -> str:
        """Key of the certificate for server NAME: exact, then wildcard, then the default one."""
        for candidate in filter(None, (name, wildcard_of(name))):
            shown = self._table.tls.get(server_name_key(candidate), ServerName)
            if shown is not None:
                return shown.certificate
        return DEFAULT_CERTIFICATE

    def is_unknown(self, name: str) -> bool:
        """Whether neither a host nor a certificate has NAME."""
        try:
            named = any(one and self._has_host(one) for one in self._hosts.records_for(name))
        except UnreadableError:
            return False  # its routes are closed
        return not named and self.certificate(name) == DEFAULT_CERTIFICATE

    def _has_host(self, name: str) -> bool:
        return self._table.routes.get(name, Host) is not None
