"""How many instructions a worker executes in user space for one request: a yardstick that noise does not bend.

    python bench/instructions.py [--requests 1200] [--top 30] [--policies] [--log json|off]

The proxy runs under callgrind, twice, with a different number of requests on one connection; the difference, divided by
the difference of the numbers, is the cost of a request. Start and end cancel out. The same binary gives the same figure
within about 0.5 %, whatever else the machine does. With --policies it is the route with policies of
`bench/compare.py`; with --log the access log has a format of 20 variables as JSON, or is off. Needs valgrind; takes
about two minutes.
"""

from __future__ import annotations

import argparse
import re
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from http.client import HTTPConnection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent))

import proxies

from tests.support import objects
from tests.support.backends import Backend
from tests.support.configured import config_map
from tests.support.edge import write
from tests.support.site import ingress
from tests.support.waiting import eventually, free_port

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


def run(requests: int, folder: Path, *, policies: bool, log: str) -> Path:
    """The profile of a worker that served so many REQUESTS."""
    annotate = proxies.ANNOTATIONS if policies else {}
    rule = f"{HOST} {'ImplementationSpecific /(.*)' if policies else 'Prefix /'} web"
    shm, listen = folder / f"shm-{requests}", free_port()
    shm.mkdir(mode=0o700)
    edge = [sys.executable, "-P", "-m", "edge"]
    with Backend() as backend:
        manifests = folder / f"manifests-{requests}"
        manifests.mkdir()
        web = [objects.service("web"), objects.endpoints("web", "127.0.0.1", port=backend.port)]
        web.append(config_map(LOGS[log], CONFIG_MAP))
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
            _ask(listen, requests)
        finally:
            proxy.send_signal(signal.SIGTERM)
            proxy.wait(300)
            control.terminate()
            control.wait(60)
    # The worker's is the one that has read requests.
    (found,) = [one for one in folder.glob(f"{profile.name}.*") if "read_request" in one.read_text(errors="replace")]
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
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="edge-instructions-") as folder:
        few = functions(run(FEW, Path(folder), policies=options.policies, log=options.log))
        many = functions(run(FEW + options.requests, Path(folder), policies=options.policies, log=options.log))
    each = {name: (count - few[name]) / options.requests for name, count in many.items()}
    print(f"{sum(each.values()):10.0f} instructions a request")
    for name, count in sorted(each.items(), key=lambda one: -one[1])[: options.top]:
        print(f"{count:10.0f} {name}")


if __name__ == "__main__":
    main()
