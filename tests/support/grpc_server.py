"""A server of gRPC without generated code: messages are bytes.

Echo    unary: sends the request back, with its metadata as `got-...`, and trailing metadata
Count   server streaming: as many messages as the request says
Sum     client streaming: the length of all messages
Chat    both: each message comes back before the next one is read
Fail    unary: fails with the status that the request says
Hang    unary: answers never; `cancelled` is set when the call has ended
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Self

import grpc

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.certificates import Pair

SERVICE = "edge.Test"
UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


class GrpcServer:
    """A context manager; with a CERTIFICATE it speaks TLS."""

    def __init__(self, certificate: Pair | None = None) -> None:
        self.cancelled = threading.Event()
        self.calls = 0
        self.peers: set[str] = set()
        self._server = grpc.server(ThreadPoolExecutor(16), options=UNLIMITED)
        methods = {
            "Echo": grpc.unary_unary_rpc_method_handler(self._echo),
            "Count": grpc.unary_stream_rpc_method_handler(self._count),
            "Sum": grpc.stream_unary_rpc_method_handler(self._sum),
            "Chat": grpc.stream_stream_rpc_method_handler(self._chat),
            "Fail": grpc.unary_unary_rpc_method_handler(self._fail),
            "Hang": grpc.unary_unary_rpc_method_handler(self._hang),
        }
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, methods),))
        if certificate is None:
            self.port = self._server.add_insecure_port("127.0.0.1:0")
        else:
            credentials = grpc.ssl_server_credentials([(certificate.key, certificate.certificate)])
            self.port = self._server.add_secure_port("127.0.0.1:0", credentials)

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(None).wait()

    @property
    def address(self) -> tuple[str, int]:
        return ("127.0.0.1", self.port)

    def leave(self) -> threading.Event:
        """Take no further calls, and let those under way end."""
        return self._server.stop(20)  # type: ignore[no-any-return]

    def _echo(self, request: bytes, context: Any) -> bytes:
        self.calls += 1
        self.peers.add(context.peer())
        given = [(name, value) for name, value in context.invocation_metadata() if name.startswith("my-")]
        context.send_initial_metadata([(f"got-{name}", value) for name, value in given])
        context.set_trailing_metadata([("end", "of call"), ("end-bin", b"\x00\xff\x10")])
        return request

    def _count(self, request: bytes, context: Any) -> Iterator[bytes]:  # noqa: ARG002
        for number in range(int(request)):
            yield b"%d" % number

    def _sum(self, requests: Iterator[bytes], context: Any) -> bytes:  # noqa: ARG002
        return b"%d" % sum(map(len, requests))

    def _chat(self, requests: Iterator[bytes], context: Any) -> Iterator[bytes]:  # noqa: ARG002
        for request in requests:
            yield b"you said " + request

    def _fail(self, request: bytes, context: Any) -> bytes:
        name, _, details = request.decode().partition(" ")
        context.abort(grpc.StatusCode[name], details)
        return b""

    def _hang(self, request: bytes, context: Any) -> bytes:
        self.calls += 1
        context.add_callback(self.cancelled.set)
        self.cancelled.wait(60)
        return request


class GrpcClient:
    """A context manager: a client that calls HOST at PORT of Edge, by TLS if it trusts an AUTHORITY."""

    def __init__(self, port: int, host: str, authority: bytes | None = None) -> None:
        options = [*UNLIMITED, ("grpc.default_authority", host), ("grpc.use_local_subchannel_pool", 1)]
        if authority is None:
            self.channel = grpc.insecure_channel(f"127.0.0.1:{port}", options)
        else:
            options.append(("grpc.ssl_target_name_override", host))
            self.channel = grpc.secure_channel(f"127.0.0.1:{port}", grpc.ssl_channel_credentials(authority), options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.channel.close()

    def __getattr__(self, method: str) -> Any:
        """The METHOD of the service."""
        kinds = {"Count": "unary_stream", "Sum": "stream_unary", "Chat": "stream_stream"}
        return getattr(self.channel, kinds.get(method, "unary_unary"))(f"/{SERVICE}/{method}")
