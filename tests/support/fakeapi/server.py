"""The server: listening, stopping, restarting, and what tests ask it about."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections import deque
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from tests.support.fakeapi.admission import Hook
from tests.support.fakeapi.errors import Object
from tests.support.fakeapi.faults import Action, Fault, Faults
from tests.support.fakeapi.handler import Handler
from tests.support.fakeapi.listing import Snapshots
from tests.support.fakeapi.rbac import Rules
from tests.support.fakeapi.resources import Target
from tests.support.fakeapi.store import Store
from tests.support.fakeapi.watching import Watch
from tests.support.waiting import free_port


@dataclass
class Request:
    """One request that the server has seen."""

    verb: str
    resource: str
    """Plural, with the subresource after a slash."""
    namespace: str
    name: str
    query: dict[str, str]
    method: str
    path: str
    time: float
    """Monotonic seconds."""
    code: int = 0
    """401 or 403 when it was refused for that."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128
    tls: ssl.SSLContext | None = None

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self.tls is not None:
            with contextlib.suppress(OSError):
                request = self.tls.wrap_socket(request, server_side=True)
                super().finish_request(request, client_address)
            return
        super().finish_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Broken connections are wanted here."""


class FakeAPI:
    """The API server on a free port of 127.0.0.1; a context manager that starts and stops it.

    TOKENS are the bearer tokens taken (None: anybody may come), RULES what they may do (None: everything); `admins` may
    do everything.
    CERTIFICATE is a PEM file with certificate and key; with it the server speaks HTTPS. AUTHORITY is the file that its
    clients are told to trust (default: the certificate); a client with a certificate by that one needs no token.
    """

    def __init__(
        self,
        *,
        store: Store | None = None,
        tokens: set[str] | None = None,
        rules: Rules | None = None,
        certificate: Path | None = None,
        authority: Path | None = None,
        port: int = 0,
    ) -> None:
        self.store = store or Store()
        self.tokens = tokens
        self.rules = rules
        self.admins: set[str] = set()
        self.hook: Hook | None = None
        """Asked before an Ingress is taken."""
        self.bookmark_interval = 0.5
        self.watch_limit = 3600.0
        """Longest watch in seconds, whatever the client asks for."""
        self.faults = Faults()
        self.snapshots = Snapshots()
        self.requests: deque[Request] = deque(maxlen=100_000)
        self.connections: set[socket.socket] = set()
        self.watches: set[Watch] = set()
        self.stopping = threading.Event()
        self._certificate = certificate
        self._authority = authority or certificate
        self._port = port or free_port()  # which nobody takes between `stop` and `start`
        self._server: _Server | None = None

    def __enter__(self) -> FakeAPI:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def port(self) -> int:
        return self._port

    @property
    def url(self) -> str:
        return f"{'https' if self._certificate else 'http'}://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Listen; after `stop`, on the same port again."""
        self.stopping = threading.Event()
        handler = type("BoundHandler", (Handler,), {"api": self})
        server = _Server(("127.0.0.1", self._port), handler)
        if self._certificate is not None:
            server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            server.tls.load_cert_chain(self._certificate)
            server.tls.load_verify_locations(self._authority)
            server.tls.verify_mode = ssl.CERT_OPTIONAL
        self._port = server.server_address[1]
        self._server = server
        threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.02}, name="fakeapi", daemon=True
        ).start()

    def stop(self) -> None:
        """Close the port and all connections; the content stays."""
        if self._server is None:
            return
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._server = None
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    # --- for tests ------------------------------------------------------------------------------------------------

    def apply(self, *objects: Object) -> None:
        self.store.apply(*objects)

    def remove(self, kind: str, namespace: str, name: str) -> None:
        self.store.remove(kind, namespace, name)

    def fail(self, action: Action, **details: Any) -> Fault:
        """Arm a fault; see `Fault` for the details."""
        return self.faults.arm(Fault(action, **details))

    def interrupt(self, how: str, resource: str = "") -> int:
        """Break off running watches (of the plural RESOURCE): drop, end, stall, torn, error-event; gives how many."""
        hit = [watch for watch in list(self.watches) if resource in ("", watch.resource.plural)]
        for watch in hit:
            watch.interrupt(how)
        return len(hit)

    def record(self, verb: str, target: Target, query: dict[str, str], method: str, path: str) -> Request:
        resource = target.resource.plural + ("/" + target.subresource if target.subresource else "")
        request = Request(verb, resource, target.namespace, target.name, query, method, path, time.monotonic())
        self.requests.append(request)
        return request

    def seen(self, verb: str = "", resource: str = "", name: str = "") -> list[Request]:
        """The requests so far, by verb, plural and object name."""
        return [
            one
            for one in list(self.requests)
            if verb in ("", one.verb) and resource in ("", one.resource) and name in ("", one.name)
        ]

    def kubeconfig(self, path: Path, **user: Any) -> Path:
        """Write a kubeconfig for this server to PATH; USER are fields of its user, with `_` for `-`."""
        user = {key.replace("_", "-"): value for key, value in user.items()}
        cluster: Object = {"server": self.url}
        if self._authority is not None:
            cluster["certificate-authority"] = str(self._authority)
        config = {
            "apiVersion": "v1", "kind": "Config", "current-context": "fake",
            "clusters": [{"name": "fake", "cluster": cluster}],
            "users": [{"name": "fake", "user": user}],
            "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "fake"}}],
        }  # fmt: skip
        path.write_text(yaml.safe_dump(config))
        return path
