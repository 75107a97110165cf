"""FastCGI to endpoints: records, heads and bodies both ways, and how it fails."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from edge.table.policies import BodyLimit, FastCgi, RequestBuffering, Retry
from edge.table.policies.policy import Policy
from edge.table.records import Protocol, Transport
from tests.support.backends import pattern
from tests.support.clients import Response, head
from tests.support.fast_cgi import END, STDERR, STDOUT, FastCgiApplication, answer, ended, record
from tests.support.frames import GET, Wire, headers
from tests.support.stage import Stage
from tests.support.waiting import eventually

OVER = Transport(Protocol.FASTCGI)
ONCE = Retry("test", tries=1)


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage() as one:
        yield one


@pytest.fixture
def application() -> Iterator[FastCgiApplication]:
    with FastCgiApplication() as one:
        yield one


def served(stage: Stage, application: FastCgiApplication, **parameters: str) -> str:
    """The host with APPLICATION behind it."""
    policy = FastCgi("test", "", tuple(parameters.items()))
    return stage.serve(application, transport=OVER, policies=(policy, BodyLimit("test", 0)), retry=ONCE)


def replied(stage: Stage, raw: bytes, **request: str) -> Response:
    """What a client gets where an application sends RAW."""
    with FastCgiApplication(lambda _: raw) as application:
        return stage.get(served(stage, application), **request)


# --- the request -----------------------------------------------------------------------------------------------------


def test_a_request_is_parameters_and_fields(stage: Stage, application: FastCgiApplication) -> None:
    host = served(stage, application, SCRIPT_FILENAME="/app$fastcgi_script_name")
    fields = [("X-One", "1"), ("X-Two", "a"), ("X-Two", "b"), ("Cookie", "a=b")]
    got = stage.get(host, "/x.php?y", fields=fields).json()
    parameters = got["parameters"]
    assert parameters["SCRIPT_FILENAME"] == "/app/x.php"
    assert (parameters["REQUEST_METHOD"], parameters["QUERY_STRING"]) == ("GET", "y")
    assert (parameters["HTTP_HOST"], parameters["HTTP_X_ONE"], parameters["HTTP_X_TWO"]) == (host, "1", "a, b")
    assert parameters["HTTP_X_FORWARDED_FOR"] == parameters["REMOTE_ADDR"] == "127.0.0.1"
    assert parameters["SERVER_ADDR"] == "127.0.0.1"
    assert int(parameters["REMOTE_PORT"]) > 0
    assert int(parameters["SERVER_PORT"]) == stage.edge.http
    assert (parameters["CONTENT_LENGTH"], got["length"]) == ("", 0)
    call = application.calls[0]
    assert (call.role, call.flags, call.doubled) == (1, 0, []), "a responder, and a connection for one request"


def test_the_ends_of_the_connection_are_known_over_http_2(stage: Stage, application: FastCgiApplication) -> None:
    host = served(stage, application)
    with stage.connect() as client:
        wire = Wire(client.socket)
        wire.send(headers(1, (*GET[:3], (":authority", host))))
        status, content = wire.response(1)
        parameters = json.loads(content)["parameters"]
        assert (status, parameters["SERVER_PROTOCOL"]) == (200, "HTTP/2.0")
        assert (parameters["REMOTE_ADDR"], int(parameters["REMOTE_PORT"])) == client.socket.getsockname()
        assert int(parameters["SERVER_PORT"]) == stage.edge.http


def test_what_a_client_must_not_say_does_not_arrive(stage: Stage, application: FastCgiApplication) -> None:
    fields = [("Proxy", "http://evil.example"), ("X-Forwarded-For", "6.6.6.6"), ("Script_Filename", "/etc/passwd")]
    parameters = stage.get(served(stage, application), fields=fields).json()["parameters"]
    assert "HTTP_PROXY" not in parameters
    assert "HTTP_SCRIPT_FILENAME" not in parameters
    assert parameters["HTTP_X_FORWARDED_FOR"] == "127.0.0.1"


def test_a_parameter_goes_before_the_field_of_its_name(stage: Stage, application: FastCgiApplication) -> None:
    host = served(stage, application, HTTP_X_ROLE="guest", HTTP_HOST="inner.example")
    parameters = stage.get(host, fields=[("X-Role", "admin")]).json()["parameters"]
    assert (parameters["HTTP_X_ROLE"], parameters["HTTP_HOST"]) == ("guest", "inner.example")
    assert application.calls[0].doubled == []


@pytest.mark.parametrize("size", [0, 1, 32768, 65535, 65536, 1_000_000])
def test_content_arrives_whole(stage: Stage, application: FastCgiApplication, size: int) -> None:
    got = stage.get(served(stage, application), method="POST", body=pattern(size)).json()
    assert (got["length"], got["parameters"]["CONTENT_LENGTH"]) == (size, str(size))
    assert application.calls[0].content == pattern(size)


def test_long_parameters_arrive_whole(stage: Stage, application: FastCgiApplication) -> None:
    fields = [("X-Long", "x" * 5000), ("X-127", "y" * 127), ("X-128", "z" * 128)]
    parameters = stage.get(served(stage, application), fields=fields).json()["parameters"]
    assert [len(parameters[name]) for name in ("HTTP_X_LONG", "HTTP_X_127", "HTTP_X_128")] == [5000, 127, 128]


def test_more_parameters_than_a_record_takes_arrive_whole(stage: Stage, application: FastCgiApplication) -> None:
    host = served(stage, application, **{f"OWN_{number}": "/" + "v" * 1000 for number in range(100)})
    parameters = stage.get(host).json()["parameters"]
    assert all(parameters[f"OWN_{number}"] == "/" + "v" * 1000 for number in range(100))


def test_a_method_without_content_has_no_length(stage: Stage, application: FastCgiApplication) -> None:
    assert stage.get(served(stage, application), method="HEAD").body == b""
    assert application.calls[0].parameters["REQUEST_METHOD"] == "HEAD"
    assert application.calls[0].parameters["CONTENT_LENGTH"] == ""


# --- the response ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 7, 65535])
@pytest.mark.parametrize("padding", [0, 5])
def test_a_response_in_records_of_any_size(stage: Stage, size: int, padding: int) -> None:
    raw = answer(b"Content-Type: text/x\r\nX-A: b\r\n\r\n" + pattern(3000), size=size, padding=padding)
    got = replied(stage, raw)
    assert (got.status, got.reason, got.get("content-type"), got.get("x-a")) == (200, "OK", "text/x", "b")
    assert got.body == pattern(3000)


def test_a_large_response(stage: Stage) -> None:
    assert replied(stage, answer(b"Content-Type: a/b\n\n" + pattern(5_000_000))).body == pattern(5_000_000)


@pytest.mark.parametrize(
    ("head_", "status", "reason"),
    [
        (b"Status: 404 Not Found\r\nX-A: b\r\n\r\n", 404, "Not Found"),
        (b"Status: 503\nX-A: b\n\n", 503, ""),
        (b"X-A: b\r\nstatus:201 Made\r\n\r\n", 201, "Made"),
        (b"X-A: b\nLocation: http://x.example/\n\n", 302, "Found"),
        (b"Status: 307 Elsewhere\nLocation: /x\nX-A: b\n\n", 307, "Elsewhere"),
        (b"X-A: b\n\n", 200, "OK"),
    ],
)
def test_the_status(stage: Stage, head_: bytes, status: int, reason: str) -> None:
    got = replied(stage, answer(head_ + b"body"))
    assert (got.status, got.reason, got.get("x-a"), got.body) == (status, reason, "b", b"body")
    assert got.get("status") is None


def test_a_length_that_the_application_announces_holds(stage: Stage) -> None:
    got = replied(stage, answer(b"Content-Length: 4\r\n\r\nbody and more"))
    assert (got.get("content-length"), got.body) == ("4", b"body")


def test_what_frames_messages_of_http_is_not_the_applications_business(stage: Stage) -> None:
    got = replied(stage, answer(b"Transfer-Encoding: chunked\r\nConnection: close\r\nX-Accel-Redirect: /x\r\n\r\nbody"))
    assert (got.body, got.get("x-accel-redirect")) == (b"body", None)


def test_several_fields_of_one_name_are_kept(stage: Stage) -> None:
    got = replied(stage, answer(b"Set-Cookie: a=1\nSet-Cookie: b=2\n\n"))
    assert got.all("set-cookie") == ["a=1", "b=2"]


def test_standard_error_goes_to_the_log(stage: Stage) -> None:
    got = replied(stage, answer(b"X-A: b\n\nfine", errors=b"PHP Notice:  oh\nno \x1b[31m"))
    assert got.body == b"fine"
    eventually(lambda: "FastCGI stderr: PHP Notice:  oh\\nno \\x1b[31m" in stage.edge.log)


# --- failures --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n\r\n",
        ended(),
        answer(b""),
        answer(b"no field\r\n\r\n"),
        answer(b"X-A: b\r\n"),
        answer(b"Status: fine\r\n\r\n"),
        answer(b"Status: 100 Continue\r\n\r\n"),
        answer(b"X-A: a\r\n b\r\n\r\n"),
        answer(b"X-A: a\x00b\r\n\r\n"),
        answer(b"X-Long: " + b"x" * 40000 + b"\r\n\r\n"),
        record(STDOUT, b"X-A: b\r\n\r\n", number=2),
        record(99, b"X-A: b\r\n\r\n"),
        record(END, b"\0\0\0\0\2\0\0\0"),
        record(STDERR, b"oops") + ended(1),
    ],
    ids=str,
)
def test_what_is_no_response_is_answered_502(stage: Stage, raw: bytes) -> None:
    assert replied(stage, raw).status == 502


def test_a_response_that_breaks_off_breaks_off_for_the_client(stage: Stage) -> None:
    with FastCgiApplication(lambda _: record(STDOUT, b"X-A: b\r\n\r\nhalf")) as application:
        host = served(stage, application)
        with stage.connect() as client:
            client.send(head("/", host=host))
            assert client.head().status == 200
            assert not client.read_to_end().endswith(b"0\r\n\r\n")


def test_another_endpoint_is_asked_where_that_is_allowed(stage: Stage) -> None:
    with FastCgiApplication(lambda _: b"") as broken, FastCgiApplication() as good:
        host = stage.serve(broken, good, transport=OVER, policies=(FastCgi("test"),))
        assert [stage.get(host).status for _ in range(4)] == [200] * 4
        assert broken.calls


@pytest.mark.parametrize("policies", [(), (RequestBuffering("test", 0),)], ids=["buffered", "not buffered"])
@pytest.mark.parametrize("end", [b"0\r\n\r\n", b"0\r\nX-A: b\r\n\r\n"], ids=["", "trailers"])
def test_content_of_unknown_length_is_read_first(
    stage: Stage, application: FastCgiApplication, policies: tuple[Policy, ...], end: bytes
) -> None:
    host = stage.serve(application, transport=OVER, policies=(FastCgi("test"), *policies))
    with stage.connect() as client:
        client.send(head("/", method="POST", host=host, fields=[("Transfer-Encoding", "chunked")]))
        client.send((b"1000\r\n" + pattern(4096) + b"\r\n") * 20 + end)
        got = client.response().json()
    assert (got["length"], got["parameters"]["CONTENT_LENGTH"]) == (20 * 4096, str(20 * 4096))


def test_a_route_that_does_not_say_what_to_tell_is_closed(stage: Stage, application: FastCgiApplication) -> None:
    assert stage.get(stage.serve(application, transport=OVER)).status == 503
