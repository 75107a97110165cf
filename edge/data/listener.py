"""From a listening socket to connections, each with a greenlet of its own: accept, PROXY header, TLS, HTTP.

Rules of this file:
- A listener accepts a few connections each time that the event loop says there are some; a worker that has more than
  its share leaves them, for a moment, to the others.
- What comes before the first request (PROXY header, handshake) has one deadline, and the number of handshakes at a
  time is limited: they are the most expensive thing that a stranger can ask for.
"""

from __future__ import annotations

import errno
import ssl
from typing import TYPE_CHECKING, Any

import gevent
from gevent.lock import BoundedSemaphore

from edge.data import client_hello, proxy_protocol, replies
from edge.data._stream import Stream
from edge.data.errors import MessageError, StreamError
from edge.data.http1 import Http1
from edge.data.private import OPENSSL, accept, tls_connection
from edge.table.counters import Process

if TYPE_CHECKING:
    import socket

    from edge.data.service import Service
    from edge.data.spread import Spread

AT_ONCE = 16
"""Connections accepted for one event."""
PAUSE_NO_DESCRIPTORS = 0.5
"""Seconds without accepting after the process ran out of descriptors."""
MOST_HANDSHAKES = 256
HTTPS_PORT = 443
"""A PROXY header that names it as the destination speaks for a balancer in front that has ended TLS: it has no other
way to say so, and a redirect to https would come back here for ever."""
HELLO_POLL = 0.005
"""Seconds between two looks at a ClientHello that has arrived in part: its bytes stay in the socket, which therefore
counts as readable."""

NO_DESCRIPTORS = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))


class Listener:
    """One listening socket."""

    def __init__(self, sock: socket.socket, service: Service, spread: Spread, *, tls: bool) -> None:
        self._sock = sock
        self._family = sock.family
        self._port = sock.getsockname()[1]
        self._service = service
        self._spread = spread
        self._tls = tls
        self._handshakes = BoundedSemaphore(MOST_HANDSHAKES)
        self._loop = gevent.get_hub().loop
        self._watcher = self._loop.io(sock.fileno(), 1)
        self._pause = self._loop.timer(0)

    def start(self) -> None:
        """Accept connections."""
        self._watcher.start(self._acceptable)

    def stop(self) -> None:
        """Accept what waits, then no more."""
        self._watcher.stop()
        self._watcher.close()
        self._pause.close()
        while self._accept():
            pass
        self._sock.close()

    def _acceptable(self) -> None:
        delay = self._spread.hesitation(len(self._service.connections))
        if delay:
            self._rest(delay)
            return
        for _ in range(AT_ONCE if self._spread.alone else 1):
            if not self._accept():
                return

    def _rest(self, seconds: float) -> None:
        self._watcher.stop()
        self._pause.close()
        self._pause = self._loop.timer(seconds)
        self._pause.start(self._watcher.start, self._acceptable)

    def _accept(self) -> bool:
        """Accept one connection; whether there was one."""
        try:
            sock, address = accept(self._sock, self._family)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno in NO_DESCRIPTORS:
                reason = error.strerror
                self._service.log.error("cannot accept: %s; raise the limit of open files", reason)  # noqa: TRY400
                self._rest(PAUSE_NO_DESCRIPTORS)
                return False
            return True  # the client has gone again
        self._service.counters.add(Process.CONNECTIONS_ACCEPTED, 1)
        self._service.accepted += 1
        gevent.spawn_raw(self._serve, sock, address)
        return True

    # --- one connection -------------------------------------------------------------------------------------------

    def _serve(self, sock: Any, address: tuple[Any, ...]) -> None:
        service = self._service
        counters = service.counters
        stream = None
        counters.add(Process.CONNECTIONS_ACTIVE, 1)
        try:
            stream = Stream(sock)
            stream.counted = True
            if len(service.connections) >= service.settings.max_worker_connections:
                self._refuse(stream)
                return
            client, port, secure = address[0], self._port, self._tls
            if service.settings.use_proxy_protocol:
                client, port = self._source(stream, client)
                secure = secure or port == HTTPS_PORT
            if self._tls and not self._handshake(stream):
                return
            counters.add(Process.CONNECTIONS_HANDLED, 1)
            Http1(service, stream, address=client, port=port, secure=secure).serve()
        except (StreamError, MessageError):
            pass
        except OSError as error:
            service.log.debug("connection from %s: %s", address[0], error)
        except Exception:
            service.log.exception("connection from %s", address[0])
        finally:
            service.accepted -= 1
            counters.add(Process.CONNECTIONS_ACTIVE, -1)
            if stream is not None:
                stream.close()
            else:
                sock.close()

    def _refuse(self, stream: Stream) -> None:
        """Above the limit of connections: say so where it can be said, and end."""
        self._service.counters.add(Process.CONNECTIONS_REFUSED, 1)
        if not self._tls:
            stream.send(
                b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\n"
                b"Content-Type: text/plain; charset=utf-8\r\nContent-Length: 21\r\n\r\n"
                b"too many connections\n"
            )
            stream.linger(0.5, 65536)

    def _source(self, stream: Stream, peer: str) -> tuple[str, int]:
        """Address of the client and the port that it came to, by the PROXY header of a trusted PEER."""
        stream.read_timeout = self._service.settings.client_header_timeout
        stream.expire_in(self._service.settings.client_header_timeout)
        source = proxy_protocol.read(stream)
        stream.expire_in(0)
        if source is None or not self._service.forwarding.trusts(peer):
            return peer, self._port
        return source.address, source.destination_port

    def _handshake(self, stream: Stream) -> bool:
        """Speak TLS on STREAM; False where the connection is to end."""
        service, counters = self._service, self._service.counters
        seconds = service.settings.tls_handshake_timeout
        stream.read_timeout = stream.write_timeout = seconds
        stream.expire_in(seconds)
        hello = self._hello(stream)
        if hello is None:
            return False
        context = service.contexts.choose(hello.server_name)
        if context is None:
            counters.add(Process.HANDSHAKE_FAILURES, 1)
            return False
        with self._handshakes:
            try:
                connection = tls_connection(context, stream.socket, server_side=True)
                stream.handshake(connection, OPENSSL.address(connection))
            except (ssl.SSLError, StreamError) as error:
                counters.add(Process.HANDSHAKE_FAILURES, 1)
                service.log.debug("handshake failed: %s", error)
                return False
        counters.add(Process.HANDSHAKES, 1)
        if connection.session_reused:
            counters.add(Process.HANDSHAKES_RESUMED, 1)
        stream.expire_in(0)
        return True

    def _hello(self, stream: Stream) -> client_hello.ClientHello | None:
        """The ClientHello, which stays in the socket; None: there is none, and what there was has been answered."""
        seen = -1
        while True:
            data = stream.peek_socket(client_hello.LONGEST)
            if data is None:
                stream.wait_readable()
                continue
            if not data:
                return None
            if len(data) == seen:
                gevent.sleep(HELLO_POLL)
                stream.check_deadline()
                continue
            seen = len(data)
            try:
                hello = client_hello.parse(data)
            except client_hello.NotAHelloError:
                self._not_tls(stream, data)
                return None
            if isinstance(hello, client_hello.ClientHello):
                return hello

    def _not_tls(self, stream: Stream, data: bytes) -> None:
        """Tell a client that speaks HTTP, or anything else, to the TLS port."""
        self._service.counters.add(Process.HANDSHAKE_FAILURES, 1)
        if data[:1].isalpha():
            reply = replies.PLAIN_ON_TLS
            stream.send(
                b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"
                b"Content-Length: %d\r\n\r\n" % len(reply.body) + reply.body
            )
            stream.linger(0.5, 65536)
