"""Builds the image without a container engine and proves what docs/security.md promises about it.

    sudo python3 deploy/image/rehearse.py [--work DIRECTORY]

The Dockerfile's steps are performed in directories (`rootfs.py`); then, in a network namespace of its own, `edge run`
and the pair `edge control` + `edge proxy` are started from the result under a pod's restrictions (`container.py`) and
have to serve a request. Prints a line per proof; exit status 1 at the first that fails.
"""

from __future__ import annotations

import argparse
import os
import shutil
import stat
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from container import Container, Mount, execute, load, save
from rootfs import Builder, Image

REPOSITORY = Path(__file__).resolve().parents[2]
MANIFEST = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop, namespace: demo}
spec:
  ingressClassName: edge
  rules:
  - host: shop.example.com
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: shop, port: {number: 80}}}}]}
---
apiVersion: v1
kind: Service
metadata: {name: shop, namespace: demo}
spec: {ports: [{port: 80, targetPort: 9000}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: shop-1, namespace: demo, labels: {kubernetes.io/service-name: shop}}
addressType: IPv4
ports: [{port: 9000}]
endpoints: [{addresses: [127.0.0.1]}]
"""


class Shop(BaseHTTPRequestHandler):
    """The upstream of the rehearsal."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer with a known body."""
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"shop\n")

    def log_message(self, *args: object) -> None:
        """Say nothing."""


def prove(claim: str, *, holds: object, detail: str = "") -> None:
    """Print CLAIM, or end the rehearsal."""
    print(("ok    " if holds else "FAILED ") + claim, flush=True)
    if not holds:
        sys.exit(detail or 1)


# --- the image ------------------------------------------------------------------------------------------------------


def prove_contents(image: Image) -> None:
    """What lies in the image and who may change it."""
    names = {path.name for folder in ("bin", "opt/edge/bin") for path in (image.root / "usr" / folder).glob("*")}
    names |= {path.name for path in (image.root / "opt/edge/bin").iterdir()}
    unwanted = names & {"gcc", "cc", "ld", "as", "make", "pip", "pip3", "git", "curl", "wget"}
    prove("no compiler, no pip, no downloader", holds=not unwanted, detail=str(unwanted))
    writable = []
    for path in (image.root / "opt/edge").rglob("*"):
        mode = path.lstat()
        if mode.st_uid != 0 or (not stat.S_ISLNK(mode.st_mode) and mode.st_mode & 0o022):
            writable.append(path)
    prove("the program belongs to root and no one else may write it", holds=not writable, detail=str(writable[:5]))
    prove("the user is a number and not root", holds=image.user.split(":")[0].isdigit() and image.user[0] != "0")
    size = sum(path.lstat().st_size for path in image.root.rglob("*") if path.is_file() and not path.is_symlink())
    print(f"      size: {size / 2**20:.0f} MiB, of it the program {_size(image.root / 'opt/edge'):.0f} MiB")
    status, output = execute(image, ["edge", "--version"])
    prove(f"edge starts as user {image.user}: {output.strip()}", holds=status == 0, detail=output)
    status, output = execute(image, ["sh", "-c", "touch /probe || touch /tmp/probe || touch /opt/edge/probe"])
    prove("the root file system is read-only", holds=status != 0 and "Read-only" in output, detail=output)


def _size(folder: Path) -> float:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20


# --- running --------------------------------------------------------------------------------------------------------


def prove_running(image: Image, work: Path) -> None:
    """One container with `edge run`, then two that share the table, as in the pod of deploy/."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    server = ThreadingHTTPServer(("127.0.0.1", 9000), Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    manifests, table = work / "manifests", work / "table"
    for folder in (manifests, table):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    (manifests / "shop.yaml").write_text(MANIFEST)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=1777,size=64m", "tmpfs", str(table)], check=True)
    config = Mount("/etc/edge/manifests", manifests, read_only=True)

    whole = Container(image, [*image.command, "--manifests", "/etc/edge/manifests"], [config])
    prove_serving("edge run", [whole])
    status, output = execute(image, image.healthcheck)
    prove("the HEALTHCHECK command agrees", holds=status == 0, detail=output)
    prove_privileges(whole)
    prove_end("edge run", whole)

    shared = {"EDGE_SHM_DIR": "/run/edge"}
    mount = Mount("/run/edge", table)
    control = Container(image, ["control", "--manifests", "/etc/edge/manifests"], [config, mount], shared)
    proxy = Container(image, ["proxy"], [mount], shared)
    prove_serving("edge control + edge proxy", [control, proxy])
    prove_end("edge control", control)
    prove("the proxy goes on without the control plane", holds=fetch("/", 8080)[0] == 200)
    prove_end("edge proxy", proxy)


def prove_serving(what: str, containers: list[Container]) -> None:
    """Ready, and requests reach the upstream over both ports."""
    deadline = time.monotonic() + 30
    while fetch("/readyz", 10254)[0] != 200 or fetch("/", 8080)[0] != 200:
        ended = [container for container in containers if container.process.poll() is not None]
        if ended or time.monotonic() > deadline:
            for container in containers:
                container.stop()
            output = "\n".join(container.output() for container in containers)
            prove(f"{what}: ready", holds=False, detail=output)
        time.sleep(0.1)
    prove(f"{what}: /readyz is 200 and a request is routed", holds=fetch("/", 8080)[1] == b"shop\n")
    curl = ["curl", "-sk", "--resolve", "shop.example.com:8443:127.0.0.1", "https://shop.example.com:8443/"]
    answer = subprocess.run(curl, capture_output=True, check=False).stdout
    prove(f"{what}: a request over TLS is routed", holds=answer == b"shop\n", detail=repr(answer))
    prove(f"{what}: /metrics counts it", holds=b"edge_requests_total{" in fetch("/metrics", 10254)[1])


def prove_privileges(container: Container) -> None:
    """The process is what the pod's securityContext says."""
    status = container.status()
    prove("it is process 1 of its namespace", holds=status["NSpid"].split()[-1] == "1", detail=status["NSpid"])
    prove("it runs as the image's user", holds=set(status["Uid"].split()) == {container.image.user.split(":")[0]})
    empty = all(int(status[name], 16) == 0 for name in ("CapEff", "CapPrm", "CapInh", "CapBnd"))
    prove("it has no capability and can gain none", holds=empty and status["NoNewPrivs"] == "1", detail=str(status))


def prove_end(what: str, container: Container) -> None:
    """SIGTERM ends it cleanly."""
    status = container.stop()
    output = container.output()
    prove(f"{what}: SIGTERM ends it with status 0", holds=status == 0, detail=f"status {status}\n{output}")


def fetch(path: str, port: int) -> tuple[int, bytes]:
    """Status and body; status 0 when there is no answer."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Host": "shop.example.com"})
    try:
        with urllib.request.urlopen(request, timeout=5) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError:
        return 0, b""


def main() -> None:
    """Build, then prove; the second part runs again in namespaces of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = REPOSITORY / "build/image"
    parser.add_argument("--work", type=Path, default=default, help="directory for roots (about 1.5 GB)")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    saved = arguments.work / "image.json"
    if arguments.inside:
        image = load(saved)
        prove_contents(image)
        prove_running(image, arguments.work)
        return
    if os.geteuid() != 0:
        parser.error("mounts and chroot need root")
    save(Builder(REPOSITORY, arguments.work, lambda line: print(f"      {line}", flush=True)).build(), saved)
    namespaces = ["unshare", "--net", "--mount", "--fork", "--kill-child"]
    again = [sys.executable, __file__, "--inside", "--work", str(arguments.work)]
    sys.exit(subprocess.run(namespaces + again, check=False).returncode)


if __name__ == "__main__":
    main()
