"""Edge on the manifests beside this file, with the small servers that they speak of; ends on Ctrl-C.

With `--traffic` it sends requests itself, a few dozen a second, so that there is something to see on the page. Further
arguments go to `edge run`: `demo.py --traffic --workers 2 --log-format json`.
"""

from __future__ import annotations

import base64
import datetime
import json
import random
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from http.client import HTTPConnection, HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

FOLDER = Path(__file__).resolve().parent
SERVERS = {"shop-1": 9101, "shop-2": 9102, "blog-1": 9103}
"""Name and port of each server, as in the EndpointSlices."""
START_LIMIT = 60.0
ADMIN = 10254
"""Where `edge top` looks by default."""

TRAFFIC = "--traffic"
REQUESTS = (
    *(("shop.localhost", "/hello", False),) * 5,
    ("shop.localhost", "/slow", False),
    *(("blog.localhost", "/", True),) * 3,
    ("blog.localhost", "/shop/cart", True),
    ("blog.localhost", "/broken", True),
    ("nobody.localhost", "/", False),
)
"""Host, path, and whether by TLS, of the requests of --traffic, each as often as the others."""
PAUSE = 0.05
"""Seconds between two of them, on average."""

INTRODUCTION = """
The page: http://localhost:{admin}/{quiet}

Edge serves {folder}:

  curl http://shop.localhost:{http}/hello        two servers take turns
  curl -i http://blog.localhost:{http}/          has TLS: 308 to https, at port 443
  curl -k https://blog.localhost:{https}/         with a certificate made just now
  curl -k https://blog.localhost:{https}/shop     one host, two Services
  curl -i http://nobody.localhost:{http}/        404: no route
  curl http://127.0.0.1:{admin}/metrics         what Prometheus sees
  {edge} top{asked}                           the traffic, in a second terminal
  {edge} routes                        the table as workers see it
  {edge} check {folder} {made}

Edit a file there and save: the next request obeys. Ctrl-C ends it all. Requests are logged below.
"""


class Server(ThreadingHTTPServer):
    """Takes connections as fast as they come, and does not mind those that break."""

    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Report all but broken connections."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # as it came


class Application(BaseHTTPRequestHandler):
    """Says who it is and what it was asked."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes
    name = ""

    def do_GET(self) -> None:
        """Answer in JSON: /slow after a while, /broken with a fault."""
        if self.path.endswith("/slow"):
            time.sleep(random.uniform(0.05, 0.4))
        seen = {
            "server": self.name,
            "path": self.path,
            "host": self.headers["Host"],
            "for": self.headers["X-Forwarded-For"],
        }
        body = json.dumps(seen).encode() + b"\n"
        self.send_response(500 if self.path.endswith("/broken") else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Edge keeps the log."""


def main(flags: list[str]) -> int:
    """Run it all with FLAGS for Edge; its exit status."""
    traffic = TRAFFIC in flags
    flags = [flag for flag in flags if flag != TRAFFIC]
    for name, port in SERVERS.items():
        handler = type(name, (Application,), {"name": name})
        try:
            server = Server(("127.0.0.1", port), handler)
        except OSError as error:
            raise SystemExit(
                f"The sample server {name} cannot listen on 127.0.0.1:{port}: {error.strerror}. End the program that"
                f" uses this port, or change the port in SERVERS of demo.py and in the manifests of {shown(FOLDER)}."
            ) from None
        threading.Thread(target=server.serve_forever, daemon=True).start()
    http, https, admin = (free_port(port) for port in (8080, 8443, ADMIN))
    edge = str(Path(sys.executable).with_name("edge"))
    with tempfile.TemporaryDirectory(prefix="edge-demo-") as folder:
        write_secret(Path(folder, "blog-tls.json"), "blog.localhost")
        command = [edge, "run", f"--manifests={FOLDER}", f"--manifests={folder}", f"--admin=127.0.0.1:{admin}"]
        process = subprocess.Popen([*command, f"--http=127.0.0.1:{http}", f"--https=127.0.0.1:{https}", *flags])
        # Ctrl-C goes to every process of the terminal: Edge ends by itself and we after it.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        if wait_until_ready(process, admin):
            ports = {"http": http, "https": https, "admin": admin}
            quiet = "" if traffic else f"   (with {TRAFFIC} there is something to see)"
            asked = "" if admin == ADMIN else f" --admin 127.0.0.1:{admin}"
            names = {"folder": shown(FOLDER), "made": folder, "edge": shown(Path(edge)), "quiet": quiet, "asked": asked}
            print(INTRODUCTION.format(**names, **ports), flush=True)
            if traffic:
                threading.Thread(target=send, args=(process, http, https), daemon=True).start()
        return process.wait()


def send(process: subprocess.Popen[bytes], http: int, https: int) -> None:
    """Send requests for as long as PROCESS lives."""
    trusting = ssl.create_default_context()  # the certificate was made just now
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    while process.poll() is None:
        host, path, secure = random.choice(REQUESTS)
        try:
            if secure:
                connection: HTTPConnection = HTTPSConnection("127.0.0.1", https, timeout=5, context=trusting)
            else:
                connection = HTTPConnection("127.0.0.1", http, timeout=5)
            connection.request("GET", path, headers={"Host": host})
            connection.getresponse().read()
            connection.close()
        except OSError:
            time.sleep(1)
        time.sleep(random.expovariate(1 / PAUSE))


def wait_until_ready(process: subprocess.Popen[bytes], port: int) -> bool:
    """Whether PROCESS has come to serve."""
    deadline = time.monotonic() + START_LIMIT
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2):
                return True
        except OSError:
            time.sleep(0.05)
    return False


def free_port(wish: int) -> int:
    """WISH, or the next port above it that is free."""
    for port in range(wish, wish + 50):
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise SystemExit(f"no free port from {wish} to {wish + 49}")


def shown(path: Path) -> str:
    """PATH as short as it can be typed here."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def write_secret(path: Path, host: str) -> None:
    """Write a Secret with a self-signed certificate for HOST, good for a week."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
    builder = builder.not_valid_after(now + datetime.timedelta(days=7))
    certificate = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    data = {"tls.crt": certificate.sign(key, hashes.SHA256()).public_bytes(pem), "tls.key": private}
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"name": "blog-tls", "namespace": "demo"},
        "data": {key: base64.b64encode(value).decode() for key, value in data.items()},
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(secret))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
