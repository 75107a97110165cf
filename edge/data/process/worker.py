"""gunicorn's worker: a process with an event loop that serves the table.

Rules of this file:
- Of `GeventWorker` it keeps the life cycle (heartbeat, signals, parent's death), not the request handling: `handle` and
  everything that it calls are never called.
- Nothing is monkey patched. Edge's own code waits on gevent explicitly, and nothing else in a worker blocks.
- `__init__` and `setup` run in the arbiter, where no event loop may be created.
"""

from __future__ import annotations

import gc
import logging
import resource
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gevent
from gevent import socket
from gevent.event import Event
from gevent.util import print_run_info
from gunicorn.workers.ggevent import GeventWorker

from edge.data.accepting.listener import Listener
from edge.data.accepting.spread import Spread
from edge.data.accepting.stream_listener import StreamListener
from edge.data.http._request_id import seed_request_ids
from edge.data.net._frame_stacks import keep_frame_stacks
from edge.data.net._relay import sweep_relays
from edge.data.net._stream import sweep
from edge.data.net._tls import use_openssl
from edge.data.net.private import OPENSSL
from edge.data.observe.access_log import AccessLog
from edge.data.observe.tracing import Traces
from edge.data.process.gateway_listeners import GatewayListeners
from edge.data.process.proxy import Proxy
from edge.data.streams.datagrams import DatagramListener
from edge.system import logs
from edge.table.counters import WorkerCounters, WorkerWord
from edge.table.reader import TableReader
from edge.table.records import Wire, port_in

if TYPE_CHECKING:
    from types import FrameType

    from edge.data.connections.connections import Connections
    from edge.data.process.handover import Message
    from edge.settings import Settings

SWEEP = 0.25
"""Seconds between two checks for streams whose deadline has passed."""
FLUSH = 0.25
"""Seconds after which lines of the access log are written."""
LAME_DUCK = 1.0
"""Seconds for which a draining worker keeps idle connections: requests in flight on them get an answer with
`Connection: close`."""
DRAIN_STEP = 0.05
LAST_STEP = 0.1
"""Seconds in which exchanges that have been ended by force are logged and counted."""


class EdgeWorker(GeventWorker):  # type: ignore[misc]  # gunicorn is untyped
    """One worker process."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.settings: Settings = self.app.settings
        self.tmp.notify()  # gunicorn waits for the first heartbeat of a worker without a limit
        self._stopped: Event | None = None
        self._access_log: AccessLog | None = None
        self._link = self.app.handover.connect(self.age)

    @classmethod
    def check_config(cls, cfg: Any, log: logging.Logger) -> None:
        """Nothing to check: the configuration is made by `edge.data.process.application`, not by users."""

    def patch(self) -> None:
        """Take the listening sockets over as gevent's, without patching anything."""
        self.sockets: list[Any] = [
            socket.socket(one.FAMILY, socket.SOCK_STREAM, fileno=one.sock.detach()) for one in self.sockets
        ]

    def load_wsgi(self) -> None:
        """There is no application."""
        self.wsgi = None

    def init_process(self) -> None:
        """Become a process of its own; see `run` for what it does."""
        logs.configure(self.settings, process="worker")
        self.app.handover.leave_to(self.age)
        _raise_limit()
        seed_request_ids()
        if OPENSSL.reachable:
            use_openssl(OPENSSL.functions())
        keep_frame_stacks()
        # Tracking the tree of greenlets costs each of them a dict, and makes switches slower.
        gevent.config.track_greenlet_tree = False
        super().init_process()

    def handle_exit(self, _sig: int, _frame: FrameType | None) -> None:
        """SIGTERM: drain."""
        self.alive = False
        if self._stopped is not None:
            gevent.get_hub().loop.run_callback_threadsafe(self._stopped.set)

    def handle_usr1(self, _sig: int, _frame: FrameType | None) -> None:
        """SIGUSR1: the file of the access log has been moved away."""
        if self._access_log is not None:
            gevent.get_hub().loop.run_callback_threadsafe(self._access_log.reopen)

    def handle_abort(self, sig: int, frame: FrameType | None) -> None:
        """SIGABRT: the arbiter has missed our heartbeat for too long; print all stacks."""
        print_run_info(file=sys.stderr)
        super().handle_abort(sig, frame)

    def run(self) -> None:
        """Serve until stopped, then drain."""
        try:
            self._serve()
        except Exception:
            logging.getLogger(__name__).exception("worker failed")
            raise SystemExit(1) from None

    def _serve(self) -> None:
        stopped = self._stopped = Event()
        directory = Path(self.settings.shm_dir)
        counters = WorkerCounters(directory, bound=self.settings.max_metric_series)
        access_log = self._access_log = (
            AccessLog(counters, as_json=self.settings.log_format == "json") if self.settings.access_log else None
        )
        traces = Traces()
        proxy = Proxy(self.settings, TableReader(directory), counters, access_log, traces)
        spread = Spread(directory, counters.slot)
        listeners = self._listeners(proxy, spread)
        timers = self._timers(proxy, spread, access_log)
        _settle_heap()
        for listener in listeners:
            listener.start()
        while self.alive:
            self.notify()
            stopped.wait(1.0)
        self._drain(proxy, listeners)
        for timer in timers:
            timer.stop()
        if access_log is not None:
            access_log.flush()
        traces.close()
        counters.close()

    def _listeners(self, proxy: Proxy, spread: Spread) -> list[Listener | GatewayListeners]:
        """One for each socket of the application, and those of Gateways, which change."""
        shared = (proxy.connections, proxy.handshakes, spread)
        common: dict[str, Any] = {"shed": proxy.pool.shed, "streams": proxy.streams}

        def made(sock: Any, at: Message) -> Listener | DatagramListener:
            if at.wire is Wire.UDP:
                return DatagramListener(sock, proxy.datagrams, at.scope)
            rest: dict[str, Any] = {**common, "scope": at.scope, "port": port_in(at.scope)}
            if at.wire is Wire.TCP:
                return StreamListener(sock, *shared, **rest)
            return Listener(sock, *shared, tls=at.tls, **rest)

        gateways = GatewayListeners(self._link, made)
        fixed = [
            Listener(
                sock,
                *shared,
                tls=tls,
                port=0 if tls else self.settings.public_http_port,
                places=gateways.places,
                **common,
            )
            for sock, tls in zip(self.sockets, self.app.secure, strict=True)
        ]
        return [gateways, *fixed]

    @staticmethod
    def _timers(proxy: Proxy, spread: Spread, access_log: AccessLog | None) -> list[Any]:
        loop = gevent.get_hub().loop

        def second() -> None:
            spread.refresh()
            proxy.tick()

        second()
        work = [(1.0, second), (SWEEP, sweep), (SWEEP, sweep_relays)]
        if access_log is not None:
            work.append((FLUSH, access_log.flush))
        timers = []
        for interval, what in work:
            timer = loop.timer(interval, interval)
            timer.start(what)
            timers.append(timer)
        return timers

    def _drain(self, proxy: Proxy, listeners: list[Listener | GatewayListeners]) -> None:
        """Stop accepting, and finish requests in flight within the grace periods."""
        connections = proxy.connections
        connections.drain()
        connections.counters.set(WorkerWord.DRAINING, 1)
        for listener in listeners:
            listener.stop()
        begun = time.monotonic()
        settings = proxy.tuning.settings
        grace, tunnel_grace = settings.shutdown_grace, settings.tunnel_grace
        while connections.accepted or proxy.datagrams.waiting(LAME_DUCK):
            waited = time.monotonic() - begun
            if waited >= min(LAME_DUCK, grace / 2):
                connections.close_idle()
            if waited >= grace:
                self._end(connections, grace, upgraded=False)
            if waited >= tunnel_grace:
                self._end(connections, tunnel_grace, upgraded=True)
                self._note_ended(proxy.streams.sessions.end_all(), "relayed connections", tunnel_grace)
            if waited >= max(grace, tunnel_grace):
                break
            self.notify()
            gevent.sleep(DRAIN_STEP)
        gevent.sleep(LAST_STEP if connections.accepted else 0)

    @staticmethod
    def _end(connections: Connections, grace: float, *, upgraded: bool) -> None:
        late = [one for one in connections.open if one.upgraded == upgraded and not one.stream.closed]
        EdgeWorker._note_ended(len(late), "upgraded connections" if upgraded else "connections", grace)
        for connection in late:
            connection.close()

    @staticmethod
    def _note_ended(number: int, kind: str, grace: float) -> None:
        if number:
            logging.getLogger("edge.data").warning("%d %s are ended after %g s of grace", number, kind, grace)


def _settle_heap() -> None:
    """Exclude permanent objects from garbage collection, and collect less often than by default."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 50, 50)


def _raise_limit() -> None:
    """Raise the limit of open files to the hard limit: each request in flight needs two."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
