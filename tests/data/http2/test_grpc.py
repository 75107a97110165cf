"""gRPC through Edge, with grpcio at both ends: each kind of call, metadata, cancellation, deadlines, statuses."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from typing import Any

import pytest

from edge.table.access_logging import AccessLogging
from edge.table.policies import Closed
from edge.table.records import Protocol, Tls, Transport
from tests.support.backends import Backend
from tests.support.certificates import self_signed
from tests.support.stage import Stage
from tests.support.waiting import eventually, free_port

grpc = pytest.importorskip("grpc")
from tests.support.grpc_server import GrpcClient, GrpcServer  # noqa: E402 - needs grpc

PATIENCE = 40
H2C = Transport(Protocol.HTTP2)
NAME = "grpc.example"
PAIR = self_signed(NAME)


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage() as one:
        one.certificate(PAIR, NAME)
        yield one


@pytest.fixture(scope="module")
def server() -> Iterator[GrpcServer]:
    with GrpcServer() as one:
        yield one


@pytest.fixture(scope="module")
def client(stage: Stage, server: GrpcServer) -> Iterator[GrpcClient]:
    """By plain HTTP/2 on both sides."""
    with GrpcClient(stage.edge.http, stage.serve(server.address, transport=H2C)) as one:
        yield one


def test_a_unary_call_with_its_metadata(client: GrpcClient) -> None:
    metadata = (("my-text", "a value"), ("my-raw-bin", b"\x00\x01\xfe\xff"))
    answer, call = client.Echo.with_call(b"hello", metadata=metadata, timeout=PATIENCE)
    assert answer == b"hello"
    initial, trailing = dict(call.initial_metadata()), dict(call.trailing_metadata())
    assert initial["got-my-text"] == "a value"
    assert initial["got-my-raw-bin"] == b"\x00\x01\xfe\xff"
    assert (trailing["end"], trailing["end-bin"]) == ("of call", b"\x00\xff\x10")
    assert call.code() is grpc.StatusCode.OK


def test_a_message_may_be_empty_and_may_be_large(client: GrpcClient) -> None:
    assert client.Echo(b"", timeout=PATIENCE) == b""
    large = bytes(range(256)) * 40_960
    assert client.Echo(large, timeout=PATIENCE) == large


def test_an_answer_of_many_messages(client: GrpcClient) -> None:
    assert list(client.Count(b"500", timeout=PATIENCE)) == [b"%d" % number for number in range(500)]
    assert list(client.Count(b"0", timeout=PATIENCE)) == []


def test_a_request_of_many_messages_larger_than_other_requests_may_be(client: GrpcClient) -> None:
    assert client.Sum(iter([b"x" * 50_000] * 60), timeout=PATIENCE) == b"3000000"


def test_a_conversation_in_which_each_waits_for_the_other(client: GrpcClient) -> None:
    said: queue.Queue[bytes | None] = queue.Queue()
    answers = client.Chat(iter(said.get, None), timeout=PATIENCE)
    for word in (b"one", b"two", b"three"):
        said.put(word)
        assert next(answers) == b"you said " + word
    said.put(None)
    assert list(answers) == []
    assert answers.code() is grpc.StatusCode.OK


@pytest.mark.parametrize("code", ["NOT_FOUND", "RESOURCE_EXHAUSTED", "UNAUTHENTICATED"])
def test_a_status_with_its_text(client: GrpcClient, code: str) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        client.Fail(f"{code} because ü%".encode(), timeout=PATIENCE)
    assert caught.value.code() is grpc.StatusCode[code]
    assert caught.value.details() == "because ü%"


def test_a_method_that_the_server_does_not_have(client: GrpcClient) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        client.Nothing(b"", timeout=PATIENCE)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_a_call_that_its_client_cancels_is_cancelled_at_the_server(client: GrpcClient, server: GrpcServer) -> None:
    server.cancelled.clear()
    calls = server.calls
    call = client.Hang.future(b"", timeout=PATIENCE)
    eventually(lambda: server.calls > calls)
    call.cancel()
    assert server.cancelled.wait(PATIENCE)


def test_a_deadline_that_passes_ends_the_call_at_the_server(client: GrpcClient, server: GrpcServer) -> None:
    server.cancelled.clear()
    with pytest.raises(grpc.RpcError) as caught:
        client.Hang(b"", timeout=0.5)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert server.cancelled.wait(PATIENCE)


def test_calls_at_a_time_share_one_connection(stage: Stage, server: GrpcServer) -> None:
    host = stage.serve(server.address, transport=H2C)
    server.peers.clear()
    with GrpcClient(stage.edge.http, host) as client:
        calls = [client.Echo.future(b"%d" % number, timeout=PATIENCE) for number in range(60)]
        assert [call.result() for call in calls] == [b"%d" % number for number in range(60)]
    assert len(server.peers) == 1


def test_calls_by_one_connection_are_spread_over_the_endpoints(stage: Stage) -> None:
    with GrpcServer() as one, GrpcServer() as other:
        host = stage.serve(one.address, other.address, transport=H2C)
        with GrpcClient(stage.edge.http, host) as client:
            for _ in range(10):
                client.Echo(b"", timeout=PATIENCE)
        assert (one.calls, other.calls) == (5, 5)


def test_no_call_fails_while_endpoints_are_replaced(stage: Stage) -> None:
    with GrpcServer() as one, GrpcServer() as other:
        host = stage.serve(one.address, other.address, transport=H2C)
        with GrpcClient(stage.edge.http, host) as client:
            left: Any = None
            for number in range(200):
                if number == 50:
                    left = one.leave()
                assert client.Echo(b"%d" % number, timeout=PATIENCE) == b"%d" % number
        assert left.wait(PATIENCE)
        assert other.calls > 150


@pytest.mark.parametrize("tls_to", ["the client", "the endpoint", "both"])
def test_by_tls(stage: Stage, server: GrpcServer, tls_to: str) -> None:
    from_client, to_endpoint = tls_to != "the endpoint", tls_to != "the client"
    with GrpcServer(self_signed("inner.example")) as secure:
        endpoint, transport = (secure, Transport(Protocol.HTTP2, Tls())) if to_endpoint else (server, H2C)
        stage.serve(endpoint.address, transport=transport, host=NAME)
        port, authority = (stage.edge.https, PAIR.certificate) if from_client else (stage.edge.http, None)
        with GrpcClient(port, NAME, authority) as client:
            assert client.Echo(b"hello", timeout=PATIENCE) == b"hello"
            assert list(client.Chat(iter([b"a", b"b"]), timeout=PATIENCE)) == [b"you said a", b"you said b"]


def test_a_stream_may_last_longer_than_its_timeouts_while_something_comes(stage: Stage, server: GrpcServer) -> None:
    said: queue.Queue[bytes | None] = queue.Queue()
    with GrpcClient(stage.edge.http, stage.serve(server.address, transport=H2C, send=1, read=1)) as client:
        answers = client.Chat(iter(said.get, None), timeout=PATIENCE)
        for number in range(6):
            said.put(b"%d" % number)
            assert next(answers) == b"you said %d" % number
            with pytest.raises(queue.Empty):
                queue.Queue[None]().get(timeout=0.4)
        said.put(None)
        assert list(answers) == []


# --- what Edge answers itself ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "code", "text"),
    [
        (Closed("test", "why"), "UNAVAILABLE", "503 Service Unavailable"),
        (Closed("test", "why", status=403), "PERMISSION_DENIED", "403 Forbidden"),
        (Closed("test", "why", status=401), "UNAUTHENTICATED", "401 Unauthorized"),
        (Closed("test", "why", status=500), "UNKNOWN", "500 Internal Server Error"),
    ],
)
def test_a_gate_refuses_with_a_status(stage: Stage, server: GrpcServer, policy: Any, code: str, text: str) -> None:
    host = stage.serve(server.address, transport=H2C, policies=(policy,))
    assert refusal(stage, host) == (code, text)


def refusal(stage: Stage, host: str, method: str = "Echo") -> tuple[str, str]:
    """Status and text with which a call fails."""
    with GrpcClient(stage.edge.http, host) as client, pytest.raises(grpc.RpcError) as caught:
        getattr(client, method)(b"", timeout=PATIENCE)
    return caught.value.code().name, caught.value.details()


def test_no_route_is_unimplemented(stage: Stage) -> None:
    assert refusal(stage, "nobody.invalid") == ("UNIMPLEMENTED", "404 Not Found")


def test_no_endpoint_and_none_that_answers_are_unavailable(stage: Stage) -> None:
    assert refusal(stage, stage.serve(transport=H2C)) == ("UNAVAILABLE", "503 Service Unavailable")
    host = stage.serve(("127.0.0.1", free_port()), transport=H2C)
    assert refusal(stage, host) == ("UNAVAILABLE", "502 Bad Gateway")


def test_a_timeout_is_a_deadline_that_is_exceeded(stage: Stage, server: GrpcServer) -> None:
    host = stage.serve(server.address, transport=H2C, read=0.5)
    server.cancelled.clear()
    assert refusal(stage, host, "Hang") == ("DEADLINE_EXCEEDED", "504 Gateway Timeout")
    eventually(lambda: stage.counted(host) == {("POST", 504): 1})


# --- statuses in the log and in counters ------------------------------------------------------------------------------


def test_the_status_of_a_call_is_logged_and_counted(stage: Stage, server: GrpcServer, backend: Backend) -> None:
    host = stage.serve(server.address, transport=H2C)
    web = stage.serve(backend)
    stage.log_by(AccessLogging(format="$grpc_status/$sent_trailer_grpc_status $status [$proxy_upstream_name]"))
    try:
        with GrpcClient(stage.edge.http, host) as client:
            client.Echo(b"x", timeout=PATIENCE)
            list(client.Count(b"3", timeout=PATIENCE))
            for method, message in (("Fail", b"NOT_FOUND"), ("Other", b"")):
                with pytest.raises(grpc.RpcError):
                    getattr(client, method)(message, timeout=PATIENCE)
        stage.get(web)
        lines = [line.partition(" [")[0] for line in (*stage.log_lines(host, 4), *stage.log_lines(web, 1))]
    finally:
        stage.log_by(AccessLogging())
    assert lines == ["0/0 200", "0/0 200", "5/5 200", "12/12 200", "-/- 200"]
    eventually(lambda: stage.calls(host) == {0: 2, 5: 1, 12: 1})


def test_so_is_one_that_edge_answers(stage: Stage) -> None:
    host = stage.serve(("127.0.0.1", free_port()), transport=H2C)
    with GrpcClient(stage.edge.http, host) as client, pytest.raises(grpc.RpcError):
        client.Echo(b"", timeout=PATIENCE)
    eventually(lambda: stage.calls(host) == {14: 1})
    assert stage.counted(host) == {("POST", 502): 1}
