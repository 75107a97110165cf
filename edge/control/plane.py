"""The process `edge control`: its parts put together, started and ended in the right order.

The main thread waits for a signal; a source, the compiler, the resolver, the admin server, and with a cluster status,
Events and the Lease have threads of their own.
"""

from __future__ import annotations

import gc
import logging
import os
import queue
import signal
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from edge.control.answers.problem_log import log_problems
from edge.control.api.errors import ConfigurationError
from edge.control.compiling.compiler import Compiler
from edge.control.publishing import default_certificate
from edge.control.publishing.publisher import Publisher
from edge.control.publishing.resolver import Resolver
from edge.control.publishing.rounds import Kept, Located, Resolved, Rounds, guarded
from edge.control.publishing.state import State
from edge.control.serving.admin import AdminServer
from edge.control.serving.admission.server import Webhook
from edge.system import draining
from edge.table.bindings import Bindings
from edge.table.counters import WorkerWord
from edge.table.counters_reader import CountersReader
from edge.table.reader import TableReader, UnreadableError
from edge.table.records import DEFAULT_CERTIFICATE, TICKETS, Certificate, TicketKeys
from edge.table.writer import TableError, TableWriter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edge.control.answers.cluster import Cluster
    from edge.control.publishing.rounds import Messages
    from edge.control.sources.cluster.zone import ZoneFinder
    from edge.control.sources.source import Source
    from edge.settings import Settings

logger = logging.getLogger(__name__)

MARK_PATIENCE: Final = 0.5
"""Seconds after our own signal within which a proxy that is stopped at the same time must report that it drains."""
STEP: Final = 0.1
GIVEN_UP: Final = 4
"""Exit status of a control plane that cannot continue and must be restarted."""
SIGNAL_PATIENCE: Final = 1.0
"""Most seconds until a signal is seen."""
SILENCE: Final = 60.0
"""Seconds without a heartbeat after which the compiler counts as stuck; its longest rounds take a few."""


def run(settings: Settings) -> int:
    """Publish the table of SETTINGS until a signal stops it; returns the exit status, see `edge.cli`.

    Raises:
        ListenError: the address of `--admin` cannot be listened on.
    """
    # Most objects that are made here stay: the collector would visit all of them again and again, and free none.
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    try:
        writer = TableWriter(settings.table_directory)
        plane = Plane(settings, writer)
    except TableError as error:
        logger.error("%s", error)  # noqa: TRY400 - the message says it all
        return 1
    except ConfigurationError as error:
        logger.error("%s", error)  # noqa: TRY400
        return 2
    return plane.run()


class Plane:
    """One control plane."""

    def __init__(self, settings: Settings, writer: TableWriter) -> None:
        """Nothing is started yet.

        Raises:
            ConfigurationError: there is no cluster to watch.
        """
        self._settings = settings
        self._writer = writer
        self._counters = CountersReader(settings.table_directory)
        # An event would not do: a signal handler that sets it may wait for a lock that its own thread holds.
        self._orders: queue.SimpleQueue[None] = queue.SimpleQueue()
        """One for each order to stop."""
        self._failed = False
        messages: Messages = queue.SimpleQueue()
        self._source, cluster = _source(settings, messages)
        self.state = State(self._source.unsynced)
        self.state.listeners.append(log_problems)
        self._cluster = cluster(self.state) if cluster is not None else None
        self._zone = _zone(settings, self._source, lambda zone: messages.put(Located(zone)))
        kept = _kept(settings.table_directory)
        self._resolver = Resolver(lambda name: messages.put(Resolved(name)))
        compiler = Compiler(settings, names=self._resolver, by_need=self._source.by_need, generated=kept.certificate)
        self._rounds = Rounds(
            messages,
            self._source,
            compiler=compiler,
            publisher=Publisher(writer, self.state),
            resolver=self._resolver,
            state=self.state,
            kept=kept,
            sync_timeout=settings.sync_timeout,
            bindings=Bindings(settings.table_directory),
            refusals=lambda: sum(worker[WorkerWord.TABLE_REFUSALS] for worker in self._counters.workers()),
        )
        self._compiling = threading.Thread(target=guarded(self._rounds.run, self._fail), name="compiler")
        self._webhook = Webhook(settings, compiler.judge, self._source.watches) if settings.validating_webhook else None
        self._admin = self._admin_server(compiler)

    def _admin_server(self, compiler: Compiler) -> AdminServer:
        return AdminServer(
            self.state,
            self._counters,
            self._settings,
            self._settings.table_directory,
            leads=_leads(self._cluster) if self._cluster is not None else None,
            stuck=self._silent,
            reviews=self._webhook.reviews if self._webhook is not None else None,
            find=compiler.store.get,
        )

    def run(self) -> int:
        """Work until a signal comes; the exit status.

        Raises:
            ListenError: the address of `--admin` or of `--validating-webhook` cannot be listened on.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._orders.put(None))
        self._admin.start()
        if self._webhook is not None:
            self._webhook.start()
        self._compiling.start()
        self._source.start()
        if self._cluster is not None:
            self._cluster.start()
        if self._zone is not None:
            self._zone.start()
        self._await_order()
        if not self._failed:
            if self._cluster is not None:
                self._cluster.stop()
            self._outlive_proxy()
        if self._zone is not None:
            self._zone.stop()
        self._source.stop()
        self._rounds.stop()
        self._resolver.stop()
        self._compiling.join()
        if self._webhook is not None:
            self._webhook.stop()
        self._admin.stop()
        self._writer.close()
        if not self._failed:
            return 0
        return GIVEN_UP if self.state.own_table else 1

    def _await_order(self) -> None:
        while True:
            # Python does not see a signal that comes just before it begins to wait, until it waits again.
            with suppress(queue.Empty):
                return self._orders.get(timeout=SIGNAL_PATIENCE)

    def _fail(self) -> None:
        self._failed = True
        self._orders.put(None)

    def _silent(self) -> str:
        """The fault of the compiler's thread; empty: none."""
        silence = time.monotonic() - self.state.beat
        return f"the compiler has sent no heartbeat for {silence:.0f} s" if silence > SILENCE else ""

    def _outlive_proxy(self) -> None:
        """Keep publishing while the proxy drains, because its requests still need live endpoints.

        In two containers of a pod both get SIGTERM at once; a launcher stops us after the proxy has ended.
        """
        directory = self._settings.table_directory
        end = time.monotonic() + MARK_PATIENCE
        while self._proxy_lives() and (draining.is_draining(directory) or time.monotonic() < end):
            time.sleep(STEP)

    def _proxy_lives(self) -> bool:
        return any(worker.alive for worker in self._counters.workers())


def _source(settings: Settings, messages: Messages) -> tuple[Source, Callable[[State], Cluster] | None]:
    """The source of objects, and the writer of status and Events. Each is imported only where it is used."""
    if settings.manifests:
        from edge.control.sources.files.source import FolderSource  # noqa: PLC0415

        return FolderSource(settings, messages), None
    from edge.control.answers.cluster import Cluster  # noqa: PLC0415
    from edge.control.sources.cluster.source import KubernetesSource  # noqa: PLC0415

    source = KubernetesSource(settings, messages)
    return source, lambda state: Cluster(settings, state, source)


def _zone(settings: Settings, source: Source, found: Callable[[str], None]) -> ZoneFinder | None:
    """Finds the zone that we are in; None: it is not needed, or is known."""
    if not settings.enable_topology_aware_routing or settings.zone or settings.manifests:
        return None
    from edge.control.api.configuration import own_namespace  # noqa: PLC0415
    from edge.control.sources.cluster.source import KubernetesSource  # noqa: PLC0415
    from edge.control.sources.cluster.zone import ZoneFinder  # noqa: PLC0415

    if not isinstance(source, KubernetesSource):
        return None
    transport = source.transport
    namespace = own_namespace(transport.configuration, settings)
    return ZoneFinder(transport, (namespace, os.environ.get("POD_NAME", "")), found)


def _leads(cluster: Cluster) -> Callable[[], bool]:
    return lambda: cluster.election.leads


def _kept(directory: Path) -> Kept:
    """State to take over from the table in force in DIRECTORY, as far as it can be read."""
    part = TableReader(directory).tls
    published: Certificate | None = None
    keys: TicketKeys | None = None
    with suppress(UnreadableError):
        published = part.get(DEFAULT_CERTIFICATE, Certificate)
    with suppress(UnreadableError):
        keys = part.get(TICKETS, TicketKeys)
    return Kept(keys, default_certificate.kept(published, time.time()))
