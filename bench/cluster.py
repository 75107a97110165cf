#!/usr/bin/env python3
"""Edge in a cluster of many Ingresses or HTTPRoutes: how soon it serves, how soon it follows, and what that costs.

    python bench/cluster.py [--kind Ingress|HTTPRoute] [--sizes 1000,5000,20000] [--times 50] [--storm 30] [--json FILE]

For each size an API server (tests/support/fakeapi, plain HTTP) runs in a process of its own with that many Ingresses,
or as many HTTPRoutes on one Gateway, with Services and EndpointSlices, and `edge run` with two workers is started
beside it. Then:

start       from the start of `edge run`, as after an upgrade, until the last Ingress of the API's list is served
switch      an EndpointSlice is replaced (PUT): from sending that until the first request that meets the new endpoint
new         an Ingress or HTTPRoute is created (POST), its Service is there: from sending that until it is served
cpu         processor time of the control plane per EndpointSlice replaced, 50 a second, less what it takes idle
memory      Pss of launcher, control plane, arbiter and workers
storm       1,000 EndpointSlices replaced per second under load (wrk): failed requests, lag of a change made ten times a
            second, and the workers' processor time per request beside that in calm, when the API server makes as many
            changes to objects that Edge does not watch; `storm_worker_share` is what the changes take of each worker's
            processor, which is what its throughput loses when it has one to itself

All times are by one clock of one machine, everything listens on 127.0.0.1, and all that is started is stopped again.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import http.client
import json
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.support import gateway  # noqa: E402 - of the folder above
from tests.support.edge import Edge, descendants  # noqa: E402
from tests.support.fakeapi import FakeAPI  # noqa: E402
from tests.support.fakeapi.store import Store  # noqa: E402
from tests.support.objects import Manifest, endpoints, ingress, ingress_class, namespace, service  # noqa: E402
from tests.support.waiting import free_port  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NAMESPACES = 50
ADDRESS = "192.0.2.1"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/{}/endpointslices"
COLLECTIONS = {
    "Ingress": "/apis/networking.k8s.io/v1/namespaces/{}/ingresses",
    "HTTPRoute": "/apis/gateway.networking.k8s.io/v1/namespaces/{}/httproutes",
}
GATEWAY = {"name": "edge", "namespace": "default"}
CHANGES_PER_SECOND = 1000
HOSTS_UNDER_LOAD = 1000
NGINX = """
worker_processes 1; daemon off; pid {folder}/pid; error_log /dev/null crit;
events {{ worker_connections 4096; }}
http {{ access_log off; keepalive_requests 1000000000; {servers} }}
"""
SERVER = 'server {{ listen 127.0.0.1:{port} reuseport; location / {{ return 200 "{port}"; }} }}'
WRK = """
local names = {}
for i = 0, %d - 1 do names[i] = "h" .. i .. ".example" end
local i = 0
request = function()
  i = (i + 7) %% %d
  return "GET / HTTP/1.1\\r\\nHost: " .. names[i] .. "\\r\\n\\r\\n"
end
"""


# --- the cluster ------------------------------------------------------------------------------------------------------


def place(number: int) -> str:
    """The namespace of the Ingress NUMBER."""
    return f"ns{number % NAMESPACES}"


def full(obj: Manifest, number: int) -> Manifest:
    """OBJ with the metadata that kubectl and API servers add."""
    fields = {"f:metadata": {"f:annotations": {}}, "f:spec": {f"f:field{one}": {} for one in range(12)}}
    managed = {"manager": "kubectl", "operation": "Update", "apiVersion": "v1", "fieldsV1": fields}
    labels = {"app.kubernetes.io/name": f"app{number}", "app.kubernetes.io/managed-by": "kubectl"}
    labels |= obj["metadata"].get("labels") or {}
    return {**obj, "metadata": {**obj["metadata"], "labels": labels, "managedFields": [managed]}}


def slice_of(number: int, port: int) -> Manifest:
    return full(endpoints(f"s{number}", "127.0.0.1", namespace=place(number), port=port), number)


def ingress_of(number: int) -> Manifest:
    """An Ingress as a user applies it."""
    return full(ingress(f"i{number}", namespace=place(number), host=f"h{number}.example", service=f"s{number}"), number)


def route_of(number: int) -> Manifest:
    """An HTTPRoute that means the same."""
    rule = gateway.rule(gateway.backend(f"s{number}"), matches=[gateway.path("/")])
    hosts = (f"h{number}.example",)
    made = gateway.route(rule, name=f"i{number}", namespace=place(number), hosts=hosts, parents=[GATEWAY])
    return full(made, number)


OBJECTS = {"Ingress": ingress_of, "HTTPRoute": route_of}


def old(obj: Manifest) -> Manifest:
    """OBJ as it is in a cluster where Edge has served it for long."""
    created = {**obj["metadata"], "creationTimestamp": "2026-01-01T00:00:00Z"}
    return {**obj, "metadata": created, "status": status(obj["kind"])}


def status(kind: str) -> Manifest:
    """The status of an object of KIND that is served."""
    if kind == "Ingress":
        return {"loadBalancer": {"ingress": [{"ip": ADDRESS}]}}
    fine = {"status": "True", "observedGeneration": 1, "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    conditions = [{**fine, "type": name, "reason": name} for name in ("Accepted", "ResolvedRefs")]
    reference = {"group": gateway.GROUP, "kind": "Gateway", **GATEWAY}
    controller = "edge.ingress/controller"
    return {"parents": [{"parentRef": reference, "controllerName": controller, "conditions": conditions}]}


def shared(kind: str) -> list[Manifest]:
    """What all objects of KIND need."""
    if kind == "Ingress":
        return [ingress_class()]
    everybody = {"namespaces": {"from": "All"}}
    return [gateway.gateway_class(), gateway.gateway(gateway.listener(allowedRoutes=everybody), **GATEWAY)]


def service_of(number: int) -> Manifest:
    return full(service(f"s{number}", namespace=place(number), clusterIP="10.0.0.1"), number)


def serve(kind: str, size: int, ports: list[int], kubeconfig: Path) -> None:
    """Be the API server: obeys lines of JSON on standard input, answers with lines on standard output."""
    gc.disable()  # a collection of that many objects would stand still for a second, and not be Edge's doing
    with FakeAPI(store=Store(history=100_000)) as api:
        api.apply(*shared(kind), namespace("default"))
        for number in range(size + 100):  # those beyond SIZE get their Ingress or route later
            api.apply(service_of(number), slice_of(number, ports[0]))
        for number in range(size):
            api.apply(old(OBJECTS[kind](number)))
        api.kubeconfig(kubeconfig)
        print(json.dumps({"url": api.url}), flush=True)
        for line in sys.stdin:
            order = json.loads(line)
            made = storm(api, versions(size, ports, watched=order["watched"]), order["rate"], order["seconds"])
            print(json.dumps({"made": made}), flush=True)


def versions(size: int, ports: list[int], *, watched: bool) -> list[list[Manifest]]:
    """Objects with the states that they go through: EndpointSlices, or what Edge does not watch."""
    # Number 0 is the probe's.
    slices = [[slice_of(number, port) for port in ports] for number in range(1, min(size, HOSTS_UNDER_LOAD))]
    return slices if watched else [[{**one, "kind": "ServiceAccount"} for one in several] for several in slices]


def storm(api: FakeAPI, objects: list[list[Manifest]], rate: float, seconds: float) -> int:
    """Replace RATE of OBJECTS a second, evenly; gives how many."""
    began, made = time.monotonic(), 0
    while (elapsed := time.monotonic() - began) < seconds:
        while made < elapsed * rate:
            several = objects[made % len(objects)]
            api.apply(several[(made // len(objects) + 1) % len(several)])
            made += 1
        time.sleep(0.001)
    return made


class Server:
    """The API server's process, seen from outside."""

    def __init__(self, kind: str, size: int, ports: list[int], folder: Path) -> None:
        self.kubeconfig = folder / f"kubeconfig-{kind}-{size}"
        self._kind = kind
        command = [sys.executable, __file__, "--kind", kind, "--serve", str(size), "--ports", json.dumps(ports)]
        self.process = subprocess.Popen(
            [*command, "--kubeconfig", str(self.kubeconfig)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.url = self._answer()["url"]
        self._connection = http.client.HTTPConnection(self.url.removeprefix("http://"))

    def _answer(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def write(self, method: str, path: str, obj: Manifest) -> float:
        """Send OBJ; gives when that began."""
        body = json.dumps(obj)
        began = time.monotonic()
        self._connection.request(method, path, body, {"Content-Type": "application/json"})
        response = self._connection.getresponse()
        data = response.read()
        assert response.status in (200, 201), data
        return began

    def switch(self, number: int, port: int) -> float:
        """Let the Service NUMBER have its endpoint on PORT; gives when that began."""
        slice_ = slice_of(number, port)
        return self.write("PUT", f"{SLICES.format(place(number))}/{slice_['metadata']['name']}", slice_)

    def create(self, number: int) -> float:
        """Make the Ingress or HTTPRoute NUMBER; gives when that began."""
        return self.write("POST", COLLECTIONS[self._kind].format(place(number)), OBJECTS[self._kind](number))

    def storm(self, rate: float, seconds: float, *, watched: bool) -> None:
        """Begin to change objects, WATCHED by Edge or not; `calm` waits for the end."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"rate": rate, "seconds": seconds, "watched": watched}) + "\n")
        self.process.stdin.flush()

    def calm(self) -> int:
        """Changes that the storm made."""
        made: int = self._answer()["made"]
        return made

    def close(self) -> None:
        """End it."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(10)


@contextlib.contextmanager
def nginx(folder: Path, ports: list[int]) -> Iterator[None]:
    """A fast server that answers with its port."""
    servers = "\n".join(SERVER.format(port=port) for port in ports)
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, servers=servers))
    process = subprocess.Popen(["nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder)])
    try:
        yield
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait(10)


# --- looking at processes ---------------------------------------------------------------------------------------------


def processor(pids: list[int]) -> float:
    """Seconds that all threads of PIDS have run (proc(5), schedstat)."""
    total = 0
    for pid in pids:
        with contextlib.suppress(FileNotFoundError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def pss(pid: int) -> float:
    """Pss of PID in MB."""
    found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024 / 1e6


# --- asking -----------------------------------------------------------------------------------------------------------


class Client:
    """One kept connection to Edge."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port)

    def ask(self, number: int) -> tuple[int, str]:
        """Status and body of the answer for the host NUMBER; (0, "") when there is none."""
        try:
            self._connection.request("GET", "/", headers={"Host": f"h{number}.example"})
            response = self._connection.getresponse()
            return response.status, response.read().decode()
        except OSError:
            self._connection.close()
            return 0, ""

    def until(self, number: int, wanted: Callable[[tuple[int, str]], bool], patience: float = 120.0) -> float:
        """Ask for the host NUMBER without a pause until an answer is WANTED; gives when that came."""
        end = time.monotonic() + patience
        while not wanted(self.ask(number)):
            if time.monotonic() > end:
                raise SystemExit(f"h{number}.example did not come right in {patience:g} s")
        return time.monotonic()


def served(answer: tuple[int, str]) -> bool:
    return answer[0] == 200


# --- measuring --------------------------------------------------------------------------------------------------------


def measure(kind: str, size: int, times: int, seconds: float, folder: Path) -> dict[str, Any]:
    """All figures of one SIZE of KIND."""
    ports = [free_port(), free_port()]
    result: dict[str, Any] = {"kind": kind, "size": size}
    with contextlib.ExitStack() as stack:
        stack.enter_context(nginx(folder, ports))
        server = Server(kind, size, ports, folder)
        stack.callback(server.close)
        flags = [
            f"--kubeconfig={server.kubeconfig}",
            "--no-update-status-on-shutdown",
            f"--publish-status-address={ADDRESS}",
        ]
        edge = Edge(None, *flags, workers=2, ready=False)
        began = time.monotonic()
        stack.enter_context(edge)
        result["start"] = Client(edge.http).until(size - 1, served) - began
        check(edge, size)
        time.sleep(2)
        result |= latencies(server, edge, ports, size, times)
        result["cpu_ms"] = cpu_per_change(server, edge, ports)
        result |= memory(edge)
        if seconds:
            result |= weather(server, edge, ports, seconds, folder)
    return result


def check(edge: Edge, size: int) -> None:
    """That it is not the last one alone which is served."""
    client = Client(edge.http)
    for number in range(0, size, max(1, size // 200)):
        if not served(client.ask(number)):
            raise SystemExit(f"h{number}.example is not served though the last one is")


def latencies(server: Server, edge: Edge, ports: list[int], size: int, times: int) -> dict[str, Any]:
    """Of endpoint switches and new Ingresses, milliseconds."""
    client = Client(edge.http)
    switches, arrivals = [], []
    for turn in range(times):
        number, port = (turn * 97) % size, ports[(turn + 1) % 2]
        if client.ask(number)[1] == str(port):
            port = ports[turn % 2]
        begun = server.switch(number, port)
        switches.append((client.until(number, lambda answer, port=port: answer[1] == str(port)) - begun) * 1e3)
        time.sleep(0.05)
    for number in range(size, size + times):
        begun = server.create(number)
        arrivals.append((client.until(number, served) - begun) * 1e3)
        time.sleep(0.05)
    return {
        "switch_median_ms": statistics.median(switches),
        "switch_worst_ms": max(switches),
        "new_median_ms": statistics.median(arrivals),
        "new_worst_ms": max(arrivals),
    }


def cpu_per_change(server: Server, edge: Edge, ports: list[int], changes: int = 200) -> float:
    """Processor time of the control plane per change that comes alone, milliseconds."""
    control = [edge.control_pid]
    began, before = time.monotonic(), processor(control)
    for turn in range(changes):
        server.switch(1 + turn % 100, ports[(turn // 100) % 2])
        time.sleep(0.02)
    elapsed, used = time.monotonic() - began, processor(control) - before
    before = processor(control)
    time.sleep(elapsed)
    return (used - (processor(control) - before)) / changes * 1e3


def memory(edge: Edge) -> dict[str, float]:
    """Pss, MB."""
    control, workers = pss(edge.control_pid), [pss(pid) for pid in edge.workers()]
    return {
        "control_mb": control,
        "workers_mb": sum(workers),
        "control_and_workers_mb": control + sum(workers),
        "tree_mb": sum(pss(pid) for pid in descendants(edge.pid)),
    }


def weather(server: Server, edge: Edge, ports: list[int], seconds: float, folder: Path) -> dict[str, Any]:
    """The same load without and with a storm of changes."""
    (folder / "hosts.lua").write_text(WRK % (HOSTS_UNDER_LOAD, HOSTS_UNDER_LOAD))
    server.storm(CHANGES_PER_SECOND, min(seconds, 10.0), watched=False)
    calm = load(edge, min(seconds, 10.0), folder)
    server.calm()
    control, before = [edge.control_pid], processor([edge.control_pid])
    server.storm(CHANGES_PER_SECOND, seconds, watched=True)
    lags: list[float] = []
    prober = threading.Thread(target=probe, args=(server, edge, ports, seconds - 0.5, lags))
    prober.start()
    stormy = load(edge, seconds, folder)
    prober.join()
    made = server.calm()
    extra = (stormy["us"] - calm["us"]) * stormy["rate"] / 1e6 / len(edge.workers())
    return {
        "storm_changes_per_s": made / seconds,
        "storm_failures": stormy["failures"],
        "storm_requests": stormy["requests"],
        "storm_lag_median_ms": statistics.median(lags),
        "storm_lag_worst_ms": max(lags),
        "storm_control_cpu_ms": (processor(control) - before) / made * 1e3,
        "calm_us_per_request": calm["us"],
        "storm_us_per_request": stormy["us"],
        "storm_worker_share": extra,
        "calm_requests_per_s": calm["rate"],
        "storm_requests_per_s": stormy["rate"],
    }


def probe(server: Server, edge: Edge, ports: list[int], seconds: float, lags: list[float]) -> None:
    """Ten times a second switch the endpoint of one host and see how long it takes."""
    client, end, turn = Client(edge.http), time.monotonic() + seconds, 0
    while time.monotonic() < end:
        turn += 1
        port = ports[turn % 2]
        begun = server.switch(0, port)
        lags.append((client.until(0, lambda answer, port=port: answer[1] == str(port)) - begun) * 1e3)
        time.sleep(max(0.0, begun + 0.1 - time.monotonic()))


def load(edge: Edge, seconds: float, folder: Path) -> dict[str, Any]:
    """As many requests as get through from 64 connections, to many hosts."""
    command = ["wrk", "-t1", "-c64", f"-d{seconds:g}s", "-s", str(folder / "hosts.lua")]
    workers, before = edge.workers(), processor(edge.workers())
    text = subprocess.run(
        [*command, f"http://127.0.0.1:{edge.http}/"], capture_output=True, text=True, check=True
    ).stdout
    used = processor(workers) - before
    requests = int(re.search(r"(\d+) requests in", text)[1])  # type: ignore[index]  # always printed
    bad = re.search(r"(Non-2xx or 3xx responses: \d+|Socket errors: .*)", text)
    return {
        "requests": requests,
        "rate": requests / seconds,
        "us": used / requests * 1e6,
        "failures": bad[1] if bad else "",
    }


# --- reporting --------------------------------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kind", choices=tuple(OBJECTS), default="Ingress", help="what there is many of")
    parser.add_argument("--sizes", default="1000,5000,20000", help="numbers of them")
    parser.add_argument("--times", type=int, default=50, help="switches and new ones of each size")
    parser.add_argument("--storm", type=float, default=30.0, help="seconds; 0: none")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--ports", type=json.loads, help=argparse.SUPPRESS)
    parser.add_argument("--kubeconfig", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.kind, options.serve, options.ports, options.kubeconfig)
        return
    results = []
    with tempfile.TemporaryDirectory(prefix="edge-bench-") as folder:
        for size in map(int, options.sizes.split(",")):
            results.append(measure(options.kind, size, options.times, options.storm, Path(folder)))
            show(results[-1])
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


def show(result: dict[str, Any]) -> None:
    """Print RESULT for people."""
    for name, value in result.items():
        print(f"{name:24} {value:,.2f}" if isinstance(value, float) else f"{name:24} {value or '-'}")
    print(flush=True)


if __name__ == "__main__":
    main()
