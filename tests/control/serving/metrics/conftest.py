"""A control plane's state and two workers' counters, without the processes."""

import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from edge.control.compiling.delta import Delta
from edge.control.publishing.state import State
from edge.control.serving.admission.reviews import Reviews
from edge.control.serving.health import Health
from edge.control.serving.metrics.collector import Collector
from edge.control.serving.metrics.exposition import render
from edge.settings import Settings
from edge.table.counter_layout import labels_of
from edge.table.counters import CountersReader, WorkerCounters
from edge.table.records import Backend, Endpoint, Host, Owner, PathKind, Route, ServicePort

OPENMETRICS = "application/openmetrics-text;version=1.0.0;q=0.9,text/plain;q=0.5"


def route(path="/", *, ingress="web", key="shop/cart:80", status=503):
    owner = Owner("Ingress", "shop", ingress) if ingress else Owner()
    backend = Backend("shop", "cart", "80", key, status)
    return Route(kind=PathKind.PREFIX, path=path, owner=owner, backends=(backend,))


@dataclass
class World:
    """What a scrape looks at."""

    directory: Path
    state: State = field(default_factory=State)
    settings: Settings = field(default_factory=Settings)
    workers: list[WorkerCounters] = field(default_factory=list)
    leads: bool | None = None
    reviews: Reviews | None = None
    environment: dict[str, str] = field(default_factory=lambda: {"POD_NAMESPACE": "ingress", "POD_NAME": "edge-0"})

    def __post_init__(self):
        self.reader = CountersReader(self.directory)
        self.settings = Settings(shm_dir=str(self.directory))
        self.state.generation, self.state.published, self.state.own_table = 7, 1.7e9, True
        self.serve(Host(name="a.example", routes=(route(),)))
        self.workers = [WorkerCounters(self.directory), WorkerCounters(self.directory)]

    def serve(self, *hosts, endpoints=None, **delta):
        """Put HOSTS into the table, with a Service that has an endpoint behind them."""
        if endpoints is None:
            endpoints = {"shop/cart:80": ServicePort("shop", "cart", "80", (Endpoint("10.0.0.1", 80),))}
        self.state.commit(Delta({host.name: host for host in hosts}, endpoints=endpoints, **delta), {"Ingress": 1})

    def remove(self, host):
        self.state.commit(Delta({host: None}), {})

    def count(self, host="a.example", the_route=None, *, worker=0, method=b"GET", status=200, times=1):
        """Count requests that took 30 ms, 20 ms of them at the endpoint, 150 bytes in and 5000 out."""
        one = the_route or route()
        series = self.workers[worker].series(labels_of(host, one, one.backends[0]), method, status)
        for _ in range(times):
            series.record(0.03, 0.02, 150, 5000)
        return series

    @property
    def collector(self):
        health = Health(self.state, self.reader, self.settings, self.directory)
        leads = None if self.leads is None else lambda: self.leads
        more = {"leads": leads, "reviews": self.reviews, "environment": self.environment}
        return Collector(self.state, self.reader, self.settings, health, **more)

    def text(self, accept=""):
        return b"".join(render(self.collector, accept)[1]).decode()

    def scrape(self, accept=""):
        """Samples by name and labels, of the text that a scraper gets."""
        return samples(self.text(accept), openmetrics=bool(accept))

    def value(self, name, **labels):
        """The one sample of NAME that has LABELS among its own."""
        values = self.values(name, **labels)
        assert len(values) == 1, (name, labels, values)
        return values[0]

    def values(self, name, **labels):
        """Of all samples of NAME that have LABELS among their own."""
        return [
            value
            for (found, own), value in self.scrape().items()
            if found == name and labels.items() <= dict(own).items()
        ]


def samples(text, *, openmetrics):
    """The samples in TEXT by name and labels, by a parser of the client library."""
    written = set(re.findall(r"^([a-z_]+)[{ ]", text, re.MULTILINE))
    found = {}
    for family in parse_openmetrics(text) if openmetrics else parse_text(text):
        for sample in family.samples:
            # The parser of the older format gives every counter the suffix that it should have.
            name = sample.name if sample.name in written else sample.name.removesuffix("_total")
            assert name in written
            found[name, frozenset(sample.labels.items())] = sample.value
    return found


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    for worker in world.workers:
        worker.close()
    world.reader.close()
