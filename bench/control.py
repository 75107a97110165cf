"""What the control plane's work costs: from objects as an API server sends them to a table that a worker reads.

    python bench/control.py [--sizes 1000,5000,20000] [--changes 500] [--tls] [--annotations]

Each size, in a process of its own: that many Ingresses (with --annotations five annotations on each), Services and
EndpointSlices (with --tls Secrets too) are
decoded, compiled and published; then single endpoint changes, new Ingresses and changes of one that shares its host
with nobody are made one by one. Of each change CPU (decoding, compiling, publishing, state) and latency (until a
worker's reader gives the new record) are measured. The API server, its connection and the queue are left out:
bench/cluster.py measures those.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.control.compiling.compiler import Compiler
from edge.control.kinds.changes import Upsert
from edge.control.kinds.decoding import decode
from edge.control.publishing import default_certificate
from edge.control.publishing.publisher import Publisher
from edge.control.publishing.state import State
from edge.settings import Settings
from edge.table.reader import TableReader
from edge.table.records import Host, ServicePort
from edge.table.writer import TableWriter

if TYPE_CHECKING:
    from collections.abc import Callable

CREATED = "2026-01-01T00:00:00Z"
PREFIX = "nginx.ingress.kubernetes.io/"
ANNOTATIONS = {
    "proxy-body-size": "8m",
    "proxy-read-timeout": "120",
    "rewrite-target": "/$1",
    "enable-cors": "true",
    "limit-rps": "50",
}
"""Those of each Ingress with --annotations."""


def metadata(name: str, **more: Any) -> dict[str, Any]:
    """What an API server sends of an object of this name."""
    fields = {"f:spec": {f"f:field{number}": {} for number in range(12)}}
    managed = {"manager": "kubectl", "operation": "Apply", "apiVersion": "v1", "time": CREATED, "fieldsV1": fields}
    return {
        "name": name,
        "namespace": "shop",
        "uid": f"6f0e4a1e-0000-4000-8000-{abs(hash(name)) % 10**12:012d}",
        "resourceVersion": str(abs(hash(name)) % 10**9),
        "generation": 1,
        "creationTimestamp": CREATED,
        "labels": {"app.kubernetes.io/name": name, "app.kubernetes.io/managed-by": "Helm"},
        "managedFields": [managed],
        **more,
    }


def ingress(name: str, *, service: str = "", tls: bool = False, annotated: bool = False) -> bytes:
    """An Ingress with two paths under a host of its own."""
    backend = {"service": {"name": service or name, "port": {"number": 80}}}
    paths = [{"path": path, "pathType": "Prefix", "backend": backend} for path in ("/", "/api")]
    spec: dict[str, Any] = {
        "ingressClassName": "edge",
        "rules": [{"host": f"{name}.shop.example", "http": {"paths": paths}}],
    }
    if tls:
        spec["tls"] = [{"hosts": [f"{name}.shop.example"], "secretName": name}]
    annotations = {PREFIX + key: value for key, value in ANNOTATIONS.items()} if annotated else {}
    described = metadata(name, annotations=annotations)
    return json.dumps({"metadata": described, "spec": spec, "status": {"loadBalancer": {}}}).encode()


def service(name: str) -> bytes:
    """A Service with one port."""
    port = {"name": "http", "protocol": "TCP", "port": 80, "targetPort": 8080}
    spec = {"ports": [port], "selector": {"app": name}, "clusterIP": "10.96.0.1", "type": "ClusterIP"}
    return json.dumps({"metadata": metadata(name), "spec": spec, "status": {"loadBalancer": {}}}).encode()


def endpoints(name: str, *addresses: str) -> bytes:
    """An EndpointSlice of the Service NAME."""
    conditions = {"ready": True, "serving": True, "terminating": False}
    listed = [{"addresses": [one], "conditions": conditions, "nodeName": "node-1", "zone": "a"} for one in addresses]
    made = {
        "metadata": metadata(f"{name}-abcde", labels={"kubernetes.io/service-name": name}),
        "addressType": "IPv4",
        "endpoints": listed,
        "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
    }
    return json.dumps(made).encode()


class Plane:
    """The control plane from decoding to state, and a worker's reader."""

    def __init__(self, directory: Path) -> None:
        self.compiler = Compiler(Settings(), generated=default_certificate.generate(time.time()))
        self.state = State()
        self.publisher = Publisher(TableWriter(directory), self.state)
        self.reader = TableReader(directory)
        self.compiler.apply(
            Upsert(
                decode(b'{"metadata":{"name":"edge"},"spec":{"controller":"edge.ingress/controller"}}', "IngressClass")
            )
        )

    def take(self, kind: str, raw: bytes) -> None:
        """Decode and apply."""
        self.compiler.apply(Upsert(decode(raw, kind)))

    def publish(self) -> None:
        """Compile and publish."""
        self.publisher.add(self.compiler.compile())
        self.publisher.publish(self.compiler.store.counts())


def measure(size: int, changes: int, *, tls: bool, annotated: bool) -> dict[str, float]:
    """All figures of one SIZE."""
    base = pss()
    names = [f"app-{number}" for number in range(size)]
    raw = [(kind, make(name)) for name in names for kind, make in makers(tls=tls, annotated=annotated)]
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    before_objects = pss()
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory(
        prefix="bench-edge-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None
    ) as directory:
        plane = Plane(Path(directory))
        began, cpu = time.perf_counter(), time.process_time()
        for kind, one in raw:
            plane.take(kind, one)
        figures["decode and apply, s"] = time.perf_counter() - began
        then = time.perf_counter()
        delta = plane.compiler.compile()
        figures["compile, s"] = time.perf_counter() - then
        then = time.perf_counter()
        plane.publisher.add(delta)
        plane.publisher.publish(plane.compiler.store.counts())
        figures["publish, s"] = time.perf_counter() - then
        figures["objects to first table, s"] = time.perf_counter() - began
        figures["CPU of that, s"] = time.process_time() - cpu
        del delta
        gc.collect()
        gc.freeze()
        figures["memory for objects and records, MB"] = pss() - before_objects
        figures["memory of the process before, MB"] = base
        figures["files of the table, MB"] = sum(path.stat().st_size for path in Path(directory).iterdir()) / 1e6
        plane.reader.reopen()
        figures |= single(plane, names, changes, tls=tls, annotated=annotated)
    return figures


def single(plane: Plane, names: list[str], changes: int, *, tls: bool, annotated: bool) -> dict[str, float]:
    """Figures of changes made one by one."""
    figures: dict[str, float] = {}

    def run(what: str, change: Callable[[int], tuple[str, bytes]], seen: Callable[[int], bool]) -> None:
        cpu, latency = [], []
        for number in range(changes):
            kind, raw = change(number)
            began, began_cpu = time.perf_counter(), time.process_time()
            plane.take(kind, raw)
            plane.publish()
            cpu.append(time.process_time() - began_cpu)
            assert plane.reader.changed()
            plane.reader.refresh()
            assert seen(number)
            latency.append(time.perf_counter() - began)
        figures[f"{what}: CPU, ms"] = statistics.median(cpu) * 1e3
        figures[f"{what}: latency, ms"] = statistics.median(latency) * 1e3
        figures[f"{what}: worst latency, ms"] = max(latency) * 1e3

    def name(number: int) -> str:
        return names[number * 7919 % len(names)]

    def one(name: str, backend: str) -> bytes:
        return ingress(name, service=backend, tls=tls, annotated=annotated)

    def address(number: int) -> str:
        return f"10.7.{number // 250}.{number % 250}"

    def record(number: int) -> ServicePort:
        found = plane.reader.endpoints.get(f"shop/{name(number)}:80", ServicePort)
        assert found is not None
        return found

    run(
        "endpoint change",
        lambda number: ("EndpointSlice", endpoints(name(number), address(number))),
        lambda number: record(number).endpoints[0].address == address(number),
    )
    run(
        "new Ingress",
        lambda number: ("Ingress", one(f"new-{number}", name(number))),
        lambda number: plane.reader.routes.get(f"new-{number}.shop.example", Host) is not None,
    )
    run(
        "changed Ingress",
        lambda number: ("Ingress", one(name(number), f"app-{number}").replace(b"/api", b"/api2")),
        lambda number: any(
            route.path.startswith("/api2")
            for route in (plane.reader.routes.get(f"{name(number)}.shop.example", Host) or Host("")).routes
        ),
    )
    return figures


def makers(*, tls: bool, annotated: bool) -> list[tuple[str, Callable[[str], bytes]]]:
    """How the objects of each kind are made."""
    made: list[tuple[str, Callable[[str], bytes]]] = [
        ("Ingress", lambda name: ingress(name, tls=tls, annotated=annotated)),
        ("Service", service),
        ("EndpointSlice", lambda name: endpoints(name, "10.1.0.1", "10.1.0.2")),
    ]
    if tls:
        made.append(("Secret", _secret))
    return made


def _secret(name: str) -> bytes:
    import base64  # noqa: PLC0415 - only with --tls

    certificate = default_certificate.generate(time.time())
    data = {
        "tls.crt": base64.b64encode(certificate.chain).decode(),
        "tls.key": base64.b64encode(certificate.key).decode(),
    }
    return json.dumps({"metadata": metadata(name), "type": "kubernetes.io/tls", "data": data}).encode()


def pss() -> float:
    """Proportional share of memory of this process, MB."""
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1e3
    return 0.0


def main() -> None:
    """Measure each size in a process of its own and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", default="1000,5000,20000")
    parser.add_argument("--changes", type=int, default=500)
    parser.add_argument("--tls", action="store_true", help="each Ingress has a Secret of its own")
    parser.add_argument("--annotations", action="store_true", help="each Ingress has five annotations")
    parser.add_argument("--one", type=int, default=0, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measure(given.one, given.changes, tls=given.tls, annotated=given.annotations)))
        return
    sizes = [int(size) for size in given.sizes.split(",")]
    columns = []
    for size in sizes:
        command = [sys.executable, __file__, "--one", str(size), "--changes", str(given.changes)]
        command += ["--tls"] * given.tls + ["--annotations"] * given.annotations
        output = subprocess.run(command, check=True, capture_output=True, text=True)
        columns.append(json.loads(output.stdout))
    print(f"{'':40}" + "".join(f"{size:>12,}" for size in sizes))
    for row in columns[0]:
        print(f"{row:40}" + "".join(f"{column[row]:12.3f}" for column in columns))


if __name__ == "__main__":
    main()
