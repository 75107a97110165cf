"""What `edge run` does on each signal, as users of gunicorn know them."""

from __future__ import annotations

import contextlib
import signal
import socket

import pytest
import websocket

from edge.table.counters import CountersReader, WorkerWord
from edge.table.counters_reader import Worker
from tests.e2e.conftest import Site
from tests.support.backends import Backend
from tests.support.clients import BrokenError, Client, head
from tests.support.edge import Edge, is_alive
from tests.support.load import Load, Responder
from tests.support.waiting import eventually


def refuses(port: int) -> bool:
    """Whether nobody listens on PORT."""
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except ConnectionRefusedError:
        return True
    return False


def hold(client: Client, backend: Backend) -> None:
    """Send a request that the backend keeps until it is released."""
    held = backend.held
    client.send(head("/hold"))
    eventually(lambda: backend.held > held)


def test_term_drains(site: Site, backend: Backend) -> None:
    """No new connection is taken, idle ones are closed, what is under way is finished with `Connection: close`."""
    site.serve("web", backend)
    with Edge(site.folder) as edge, edge.connect() as idle, edge.connect() as busy:
        assert idle.request("/").status == 200
        hold(busy, backend)
        edge.signal(signal.SIGTERM)
        eventually(lambda: refuses(edge.http))
        eventually(lambda: refuses(edge.https))
        assert edge.admin_get("/readyz").status == 503
        assert idle.is_closed()
        assert edge.poll() is None
        backend.release.set()
        response = busy.response()
        assert response.status == 200
        assert response.get("connection") == "close"
        assert busy.is_closed()
        assert edge.wait() == 0


def test_a_draining_worker_answers_what_comes_on_an_idle_connection(site: Site, backend: Backend) -> None:
    """A request that crosses with the order to drain is answered, and the client told to go elsewhere."""
    site.serve("web", backend)
    with Edge(site.folder) as edge, edge.connect() as late, edge.connect() as busy:
        assert late.request("/").get("connection") != "close"
        hold(busy, backend)
        edge.signal(signal.SIGTERM)
        eventually(lambda: refuses(edge.http))
        response = late.request("/")
        assert response.status == 200
        assert response.get("connection") == "close"


def test_the_grace_is_bounded(site: Site, backend: Backend) -> None:
    """What has not finished by then is ended; the exit is clean all the same."""
    site.serve("web", backend)
    with Edge(site.folder, "--shutdown-grace=0.5") as edge, edge.connect() as stuck:
        hold(stuck, backend)
        assert edge.stop(signal.SIGTERM) == 0
        with pytest.raises(BrokenError):
            stuck.response()


def test_before_it_drains_it_may_go_on_for_a_while(site: Site, backend: Backend) -> None:
    """With --pre-stop-delay it is not ready but accepts; a second TERM cuts the delay short."""
    site.serve("web", backend)
    with Edge(site.folder, "--pre-stop-delay=60") as edge:
        edge.signal(signal.SIGTERM)
        eventually(lambda: edge.admin_get("/readyz").status == 503)
        assert edge.get("/").status == 200
        assert edge.stop(signal.SIGTERM) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT])
def test_int_and_quit_end_at_once(site: Site, backend: Backend, number: signal.Signals) -> None:
    """Ctrl-C does not wait for what is under way."""
    site.serve("web", backend)
    with Edge(site.folder) as edge, edge.connect() as stuck:
        hold(stuck, backend)
        tree = edge.tree()
        assert edge.stop(number) == 0
        with pytest.raises(BrokenError):
            stuck.response()
        assert not [pid for pid in tree if is_alive(pid)]


def test_an_open_websocket_ends_with_the_grace(site: Site, backend: Backend) -> None:
    """It works while the worker drains, and does not hold up the end for ever."""
    site.serve("web", backend)
    with Edge(site.folder, "--shutdown-grace=4") as edge:
        one = websocket.create_connection(f"ws://127.0.0.1:{edge.http}/websocket", host="web.example", timeout=40)
        edge.signal(signal.SIGTERM)
        eventually(lambda: refuses(edge.http))
        one.send("still there?")
        assert one.recv() == "still there?"
        assert edge.wait() == 0
        with pytest.raises((websocket.WebSocketException, ConnectionError)):
            one.recv()


def test_hup_replaces_the_workers(site: Site) -> None:
    """All of them, without a failed request."""
    with Responder() as responder:
        site.serve("web", responder)
        with Edge(site.folder, workers=2) as edge, Load(edge.http) as load:
            load.more(500)
            old = set(edge.workers())
            edge.signal(signal.SIGHUP)
            eventually(lambda: len(edge.workers()) == 2 and not old & set(edge.workers()))
            load.more(500)
            result = load.finish()
    assert not result.failures
    assert set(result.statuses) == {"200"}


def test_new_connections_survive_the_replacement_of_workers(site: Site) -> None:
    """Those that a leaving worker has accepted it serves, those that it has not the next one."""
    with Responder() as responder:
        site.serve("web", responder)
        with Edge(site.folder, workers=2) as edge, Load(edge.http, connections=32, per_connection=1) as load:
            for _ in range(3):
                load.more(200)
                old = set(edge.workers())
                edge.signal(signal.SIGHUP)
                eventually(lambda old=old: len(edge.workers()) == 2 and not old & set(edge.workers()))
            result = load.finish()
    assert not result.failures
    assert set(result.statuses) == {"200"}


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTTOU])
def test_nobody_waits_for_a_worker_that_finishes_what_it_has(
    site: Site, backend: Backend, number: signal.Signals
) -> None:
    """It has fewer connections than the others, and does not count among those to whom new ones are left."""
    site.serve("web", backend)
    with Edge(site.folder, "--shutdown-grace=60", workers=2) as edge, contextlib.ExitStack() as stack:
        eventually(lambda: len(edge.workers()) == 2)
        for _ in range(2):
            hold(stack.enter_context(edge.connect()), backend)
        edge.signal(number)
        eventually(lambda: any(worker[WorkerWord.DRAINING] for worker in living(edge)))
        for _ in range(8):
            assert stack.enter_context(edge.connect(timeout=40)).request("/").status == 200
        assert any(worker[WorkerWord.DRAINING] for worker in living(edge))
        backend.release.set()


def test_a_worker_that_finishes_what_it_has_takes_nobodys_place(site: Site, backend: Backend) -> None:
    """A new worker that dies meanwhile is replaced, more are added, and an order to end is obeyed at once."""
    site.serve("web", backend)
    with Edge(site.folder, "--shutdown-grace=60", "--pre-stop-delay=60") as edge, edge.connect() as held:
        hold(held, backend)
        old = edge.workers()
        edge.signal(signal.SIGHUP)
        (new,) = eventually(lambda: set(edge.workers()) - set(old))
        edge.signal_to(new, signal.SIGKILL)
        with edge.connect(timeout=40) as client:
            assert client.request("/").status == 200
        edge.signal(signal.SIGTTIN)
        eventually(lambda: len(set(edge.workers()) - set(old)) == 2)
        edge.signal(signal.SIGTERM)
        eventually(lambda: edge.admin_get("/readyz").status == 503)
        assert any(worker[WorkerWord.DRAINING] for worker in living(edge))
        backend.release.set()
        assert held.response().status == 200


def living(edge: Edge) -> list[Worker]:
    """The words of the workers that live."""
    with contextlib.closing(CountersReader(edge.shm_dir)) as reader:
        return [worker for worker in reader.workers() if worker.alive]


def test_ttin_and_ttou_change_the_number_of_workers(site: Site) -> None:
    """One more, one less, never none; without a failed request."""
    with Responder() as responder:
        site.serve("web", responder)
        with Edge(site.folder, workers=2) as edge, Load(edge.http) as load:
            edge.signal(signal.SIGTTIN)
            eventually(lambda: len(edge.workers()) == 3)
            load.more(500)
            for left in (2, 1):
                edge.signal(signal.SIGTTOU)
                eventually(lambda left=left: len(edge.workers()) == left)
            load.more(500)
            edge.signal(signal.SIGTTOU)
            load.more(500)
            assert len(edge.workers()) == 1
            result = load.finish()
    assert not result.failures
    assert set(result.statuses) == {"200"}


def test_usr2_hands_the_sockets_to_a_new_master(site: Site) -> None:
    """Old and new serve side by side until the old one is told to go; the tree lives on with the new one."""
    with Responder() as responder:
        site.serve("web", responder)
        with Edge(site.folder) as edge, Load(edge.http) as load:
            load.more(500)
            first = edge.workers()
            edge.signal(signal.SIGHUP)  # after which the sockets are still known for what they are
            eventually(lambda: edge.workers() and not set(first) & set(edge.workers()))
            old = edge.proxy_pid
            edge.signal(signal.SIGUSR2)
            (new,) = eventually(lambda: [pid for pid in edge.masters() if pid != old])
            eventually(lambda: edge.workers(new))
            load.more(500)
            edge.signal_to(old, signal.SIGTERM)
            eventually(lambda: not is_alive(old))
            eventually(lambda: edge.masters() == [new])
            load.more(500)
            eventually(lambda: edge.admin_get("/readyz").status == 200)
            result = load.finish()
            assert edge.get("/").status == 200
            assert edge.stop(signal.SIGTERM) == 0
    assert not result.failures
    assert set(result.statuses) == {"200"}


def test_a_new_master_dies_with_a_killed_launcher(site: Site, backend: Backend) -> None:
    """As the first one does."""
    site.serve("web", backend)
    with Edge(site.folder) as edge:
        old = edge.proxy_pid
        edge.signal(signal.SIGUSR2)
        (new,) = eventually(lambda: [pid for pid in edge.masters() if pid != old])
        eventually(lambda: edge.workers(new))
        edge.signal_to(old, signal.SIGTERM)
        eventually(lambda: edge.masters() == [new] and "Master has been promoted" in edge.log)
        tree = edge.tree()
        edge.stop(signal.SIGKILL)
        eventually(lambda: not [pid for pid in tree if is_alive(pid)])
