"""How many instructions a worker executes in user space for one request: a yardstick that noise does not bend.

    python bench/instructions.py [--requests 1200] [--top 30] [--policies] [--log json|off] [--protocol h2|grpc]

The proxy runs under callgrind, twice, with a different number of requests on one connection; the difference, divided by
the difference of the numbers, is the cost of a request. Start and end cancel out. The same binary gives the same figure
within about 0.5 %, whatever else the machine does. With --policies it is the route with policies of
`bench/compare.py`; with --log the access log has a format of 20 variables as JSON, or is off. With --protocol h2 the
client speaks HTTP/2, 16 requests at a time; with grpc they are calls, and the endpoint (nghttpd) speaks HTTP/2, too.
Needs valgrind; takes about two minutes.
"""

from __future__ import annotations

import argparse
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent))

import proxies

from tests.support import frames, objects
from tests.support.backends import Backend
from tests.support.configured import config_map
from tests.support.edge import write
from tests.support.site import ingress
from tests.support.waiting import eventually, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

FEW = 300
"""Requests of the first run: what is done once and lazily is done by then."""
HOST = "bench.test"
CONFIG_MAP = "bench/controller"
VARIABLES = """\
time_iso8601 remote_addr remote_user request_method request_uri server_protocol status body_bytes_sent request_length
request_time http_referer http_user_agent host namespace ingress_name service_name upstream_addr upstream_status
upstream_response_time req_id
"""
JSON_LOG = {
    "log-format-upstream": "{" + ", ".join(f'"{name}": "${name}"' for name in VARIABLES.split()) + "}",
    "log-format-escape-json": "true",
}
LOGS = {"": {}, "json": JSON_LOG, "off": {"disable-access-log": "true"}}
"""Keys of the ConfigMap for each choice of --log."""


AT_A_TIME = 16
"""Requests of HTTP/2."""
MESSAGE = bytes((0, 0, 0, 0, 100)) + bytes(100)
"""Of a call."""


@contextmanager
def endpoint(protocol: str, folder: Path) -> Iterator[int]:
    """The port of a server for PROTOCOL."""
    if protocol != "grpc":
        with Backend() as backend:
            yield backend.port
        return
    port = free_port()
    command = ["nghttpd", "--no-tls", "--echo-upload", "--trailer", "grpc-status: 0", "--htdocs", folder, str(port)]
    server = subprocess.Popen(command)
    try:
        yield port
    finally:
        server.terminate()
        server.wait(10)


def run(requests: int, folder: Path, *, policies: bool, log: str, protocol: str) -> Path:
    """The profile of a worker that served so many REQUESTS."""
    annotate = dict(proxies.ANNOTATIONS) if policies else {}
    if protocol == "grpc":
        annotate["backend-protocol"] = "GRPC"
    rule = f"{HOST} {'ImplementationSpecific /(.*)' if policies else 'Prefix /'} web"
    shm, listen = folder / f"shm-{requests}", free_port()
    shm.mkdir(mode=0o700)
    edge = [sys.executable, "-P", "-m", "edge"]
    with endpoint(protocol, folder) as port:
        manifests = folder / f"manifests-{requests}"
        manifests.mkdir()
        web = [objects.service("web"), objects.endpoints("web", "127.0.0.1", port=port)]
        web.append(config_map({**LOGS[log], "keep-alive-requests": "1000000"}, CONFIG_MAP))
        write(manifests, "all.yaml", objects.ingress_class(), ingress("web", rule, annotate=annotate), *web)
        control = subprocess.Popen(
            [*edge, "control", "--manifests", manifests, "--shm-dir", shm, "--admin", f"127.0.0.1:{free_port()}",
             "--allow-snippet-annotations", "--annotations-risk-level=Critical", "--configmap", CONFIG_MAP]
        )  # fmt: skip
        profile = folder / f"callgrind.{requests}"
        valgrind = ["valgrind", "-q", "--tool=callgrind", "--trace-children=yes", f"--callgrind-out-file={profile}.%p"]
        listeners = ["--http", f"127.0.0.1:{listen}", "--https", f"127.0.0.1:{free_port()}"]
        proxy = subprocess.Popen(
            [*valgrind, *edge, "proxy", "--shm-dir", shm, "--workers=1", "--worker-timeout=600", *listeners]
        )
        try:
            ASKING[protocol](listen, requests)
        finally:
            proxy.send_signal(signal.SIGTERM)
            proxy.wait(300)
            control.terminate()
            control.wait(60)
    # The worker's is the one that has read requests.
    (found,) = [one for one in folder.glob(f"{profile.name}.*") if MARKS[protocol] in one.read_text(errors="replace")]
    return found


def _ask(listen: int, requests: int) -> None:
    client = HTTPConnection("127.0.0.1", listen, timeout=120)

    def get() -> int:
        try:
            client.request("GET", "/", headers={"Host": HOST, "Origin": "https://app.bench.test"})
            response = client.getresponse()
            response.read()
        except OSError:
            client.close()  # nobody listens yet
            return 0
        return response.status

    eventually(lambda: get() == 200, timeout=240)
    for _ in range(requests):
        if get() != 200:
            raise SystemExit("the worker did not answer 200")


def _ask_h2(listen: int, requests: int) -> None:
    _exchange(listen, requests, (*frames.GET[:3], (":authority", HOST)), b"")


def _call(listen: int, requests: int) -> None:
    fields = ((":authority", HOST), ("content-type", "application/grpc"), ("te", "trailers"))
    _exchange(listen, requests, (*frames.POST[:3], *fields), MESSAGE)


def _exchange(listen: int, requests: int, head: tuple[tuple[str, str], ...], content: bytes) -> None:
    """Send REQUESTS with HEAD and CONTENT, AT_A_TIME on one connection."""

    def ready() -> bool:
        try:
            with frames.Wire(socket.create_connection(("127.0.0.1", listen), 120)) as wire:
                return _at_a_time(wire, 1, 1, head, content)
        except OSError:
            return False

    eventually(ready, timeout=240)
    with frames.Wire(socket.create_connection(("127.0.0.1", listen), 120)) as wire:
        for done in range(0, requests, AT_A_TIME):
            if not _at_a_time(wire, 2 * done + 1, min(AT_A_TIME, requests - done), head, content):
                raise SystemExit("the worker did not answer 200")


def _at_a_time(wire: frames.Wire, first: int, count: int, head: tuple[tuple[str, str], ...], content: bytes) -> bool:
    """Send COUNT requests, with streams from FIRST on; whether all are answered with 200."""
    text = b""
    for stream in range(first, first + 2 * count, 2):
        text += frames.headers(stream, head, end=not content)
        if content:
            text += frames.data(stream, content, end=True)
    wire.send(text)
    good = ended = received = 0
    while ended < count:
        found = wire.next()
        if found is None or found.kind in (frames.RST_STREAM, frames.GOAWAY):
            return False
        if found.kind == frames.HEADERS:
            good += (":status", "200") in frames.fields_of(found)
        if found.kind in (frames.HEADERS, frames.DATA):
            ended += found.flags & frames.END_STREAM
        if found.kind == frames.DATA:
            received += len(found.payload)
    wire.send(frames.frame(frames.WINDOW_UPDATE, payload=frames.number(received)))
    return good == count


MARKS = {"http1": "read_request", "h2": "Http2Stream_resume", "grpc": "Http2Stream_resume"}
"""Functions that only a worker has called."""
ASKING = {"http1": _ask, "h2": _ask_h2, "grpc": _call}


def functions(profile: Path) -> Counter[str]:
    """Instructions by function in PROFILE."""
    command = ["callgrind_annotate", "--threshold=100", "--show-percs=no", profile]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found: Counter[str] = Counter()
    for count, where in re.findall(r"^\s*([\d,]+)\s+(\S+:\S.*)$", text, re.MULTILINE):
        name = where.rpartition("[")[0].strip().rpartition(":")[2]
        found[re.sub(r"'\d+$", "", name)] += int(count.replace(",", ""))
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--requests", type=int, default=1200, help="requests between the two runs")
    parser.add_argument("--top", type=int, default=30, help="functions to print")
    parser.add_argument("--policies", action="store_true", help="of a route with five policies")
    parser.add_argument("--log", choices=LOGS, default="", help="the format of the access log")
    parser.add_argument("--protocol", choices=ASKING, default="http1", help="of the client; grpc: of both sides")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="edge-instructions-") as folder:
        chosen = {"policies": options.policies, "log": options.log, "protocol": options.protocol}
        few = functions(run(FEW, Path(folder), **chosen))
        many = functions(run(FEW + options.requests, Path(folder), **chosen))
    each = {name: (count - few[name]) / options.requests for name, count in many.items()}
    print(f"{sum(each.values()):10.0f} instructions a request")
    for name, count in sorted(each.items(), key=lambda one: -one[1])[: options.top]:
        print(f"{count:10.0f} {name}")


if __name__ == "__main__":
    main()
