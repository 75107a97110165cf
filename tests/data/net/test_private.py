"""The private interfaces that Edge leans on: each fails here when Python, gevent or OpenSSL changes it."""

from __future__ import annotations

import ctypes
import socket
import ssl
import subprocess
import sys
import threading
import weakref
from pathlib import Path

import pytest
from gevent import get_hub

from edge.data.net.private import (
    LIBEV,
    OPENSSL,
    TICKET_KEYS_SIZE,
    CSocket,
    OpenSSL,
    adopted_socket,
    new_socket,
    tls_connection,
)
from tests.support import certificates

KEYS = bytes(range(TICKET_KEYS_SIZE))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certificates.issue("a.example").write(tmp_path_factory.mktemp("tls"))


def server_context(files: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    return context


def shake_hands(
    context: ssl.SSLContext, client: ssl.SSLContext, session: ssl.SSLSession | None = None
) -> ssl.SSLSocket:
    """CLIENT after a handshake with a connection of CONTEXT; it offers SESSION, and has been given a new one."""
    near, far = socket.socketpair()
    serving = tls_connection(context, near, server_side=True)

    def serve() -> None:
        serving.do_handshake()
        serving.write(b"x")  # tickets of TLS 1.3 are read with what follows them

    thread = threading.Thread(target=serve)
    thread.start()
    secure = client.wrap_socket(far, server_hostname="a.example", session=session)
    assert secure.recv(1) == b"x"
    thread.join(40)
    near.close()
    return secure


def test_libev_is_found_below_gevents_loop() -> None:
    assert all(LIBEV.functions().values())
    assert LIBEV.drives(get_hub().loop)


def test_it_is_known_whether_gevents_loop_has_been_asked_to_call_something() -> None:
    loop = type(get_hub().loop)(default=False)  # the hub's own may have callbacks of others
    callbacks = LIBEV.callbacks(loop)
    assert not callbacks
    called: list[int] = []
    loop.run_callback(called.append, 1)
    assert callbacks
    loop.run(nowait=True)
    assert called == [1]
    assert not callbacks
    loop.destroy()


def test_the_watcher_that_runs_gevents_callbacks_is_active_and_the_loops_own() -> None:
    loop = get_hub().loop
    runner = LIBEV.runner(loop)
    assert id(loop) < runner < id(loop) + type(loop).__basicsize__
    assert ctypes.c_int.from_address(runner).value == 1
    assert LIBEV.runner(object()) == 0


def test_a_socket_is_the_bare_one_that_tls_can_refer_to() -> None:
    """`_socket.socket` takes type, flags and a weak reference as `socket.socket` does, and never waits."""
    sock = new_socket(socket.AF_INET)
    assert not isinstance(sock, socket.socket)
    assert weakref.ref(sock)() is sock
    assert sock.gettimeout() == 0
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    sock.close()


def test_an_adopted_socket_owns_its_descriptor() -> None:
    near, far = socket.socketpair()
    adopted = adopted_socket(near.detach())
    assert isinstance(adopted, CSocket)
    assert adopted.gettimeout() == 0
    adopted.close()
    assert far.recv(1) == b""
    far.close()


def test_a_tls_connection_reads_into_buffers_and_writes_from_them(files: tuple[Path, Path]) -> None:
    """`_wrap_socket` gives the object whose `read(n, buffer)` and `write(buffer)` are those of `_ssl._SSLSocket`."""
    context, client = server_context(files), certificates.trusting()
    near, far = socket.socketpair()
    connection = tls_connection(context, near, server_side=True)
    secure: list[ssl.SSLSocket] = []
    thread = threading.Thread(target=lambda: secure.append(client.wrap_socket(far, server_hostname="a.example")))
    thread.start()
    connection.do_handshake()
    thread.join(40)
    secure[0].sendall(b"to you")
    buffer = bytearray(16)
    assert connection.read(16, memoryview(buffer)) == 6
    assert buffer[:6] == b"to you"
    assert connection.pending() == 0
    assert connection.write(memoryview(b"to me")) == 5
    assert secure[0].recv(16) == b"to me"
    assert connection.session_reused is False
    secure[0].close()
    near.close()


def test_openssl_is_reached_on_the_supported_interpreter() -> None:
    """Without it Edge is slower, and tickets hold in one worker only: nothing that should happen unnoticed."""
    assert sys.implementation.name == "cpython"
    assert OPENSSL.reachable


def test_all_functions_of_openssl_are_there() -> None:
    functions = OPENSSL.functions()
    assert len(set(functions.values())) == len(functions)
    assert all(functions.values())


def test_the_address_of_a_context_is_its_own() -> None:
    contexts = [ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) for _ in range(3)]
    addresses = {OPENSSL.address(context) for context in contexts}
    assert len(addresses) == 3
    assert all(addresses)


def test_a_session_goes_on_in_another_context_with_the_same_ticket_keys(files: tuple[Path, Path]) -> None:
    """As it does in another worker; with other keys it starts again."""
    contexts = [server_context(files) for _ in range(3)]
    for context, keys in zip(contexts, (KEYS, KEYS, KEYS[::-1]), strict=True):
        OPENSSL.tune(context)
        assert OPENSSL.set_ticket_keys(context, keys)
    client = certificates.trusting()
    with shake_hands(contexts[0], client) as first:
        assert not first.session_reused
        session = first.session
    for context, reused in ((contexts[1], True), (contexts[2], False)):
        with shake_hands(context, client, session) as again:
            assert again.session_reused is reused


def test_ticket_keys_of_another_length_are_refused(files: tuple[Path, Path]) -> None:
    """OpenSSL would read beyond them."""
    with pytest.raises(ValueError, match="80 bytes"):
        OPENSSL.set_ticket_keys(server_context(files), KEYS[:-1])


def test_what_cannot_be_reached_is_not_touched(monkeypatch: pytest.MonkeyPatch, files: tuple[Path, Path]) -> None:
    """On a Python that is laid out otherwise TLS goes the documented way."""
    monkeypatch.setattr(OpenSSL, "_try", lambda _: False)
    elsewhere = OpenSSL()
    context = server_context(files)
    assert not elsewhere.reachable
    assert not elsewhere.set_ticket_keys(context, KEYS)
    elsewhere.tune(context)
    assert elsewhere.address(context) == 0


def test_the_library_is_the_one_that_python_uses() -> None:
    """Not another OpenSSL of the machine, whose structures would be others."""
    script = "from edge.data.net.private import OPENSSL; print(OPENSSL._library.OpenSSL_version_num())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert int(done.stdout) & 0xFFFFFFFF == ssl.OPENSSL_VERSION_NUMBER
