"""Takes docs/images/page-*.webp: the page of the demo under load, with some more routes than the demo has.

It runs for two minutes and needs Chromium (`make packages`). The page uses the fonts of the system; with Debian's
fonts-inter and fonts-jetbrains-mono it looks as in docs/.
"""

from __future__ import annotations

import base64
import http.client
import random
import re
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import yaml  # noqa: E402

from tests.support import certificates, objects  # noqa: E402
from tests.support.browser import Browser, Window  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

IMAGES = ROOT / "docs" / "images"
SECONDS = 118.0
CLIENTS = 12
TEAMS = {"shop": ("cart", "search", "orders"), "media": ("photos", "video"), "id": ("accounts", "sessions", "keys")}
ANNOTATIONS = (
    {"limit-rps": "500"},
    {"proxy-body-size": "8m", "enable-cors": "true"},
    {"whitelist-source-range": "127.0.0.0/8", "limit-connections": "400"},
    {},
)
CHANGING = "cart"
VIEWS = {
    "overview": "",
    "routes": "routes",
    "route": "route?id={id}",
    "ask": "ask?method=GET&url=https://cart.example.com/",
}


def manifests() -> Iterator[dict[str, Any]]:
    """What the demo gets beside its own: hosts of several teams, one without its Service."""
    names = [(team, name) for team, several in TEAMS.items() for name in several]
    for number, (team, name) in enumerate(names):
        annotations = {f"nginx.ingress.kubernetes.io/{key}": text for key, text in ANNOTATIONS[number % 4].items()}
        host = f"{name}.example.com"
        pair = certificates.issue(host, days=12 if name == "orders" else 80)
        yield objects.secret(f"{name}-tls", namespace=team, tls_crt=pair.certificate, tls_key=pair.key)
        yield objects.ingress(
            name, namespace=team, host=host, service=name, secret=f"{name}-tls", annotations=annotations
        )
        if name != "keys":
            yield objects.service(name, namespace=team, target=9101)
            yield objects.endpoints(name, "127.0.0.1", namespace=team, port=9101 + number % 2)


class Load:
    """Clients that ask the hosts of the demo; what they ask for changes with time."""

    def __init__(self, http_port: int, https_port: int) -> None:
        self._ports = http_port, https_port
        self._stopping = threading.Event()
        self._context = ssl.create_default_context()
        self._context.check_hostname, self._context.verify_mode = False, ssl.CERT_NONE
        self._threads = [threading.Thread(target=self._run, args=(n,), daemon=True) for n in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End all clients."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int) -> None:
        chance = random.Random(number)  # noqa: S311 - what it decides is no secret
        hosts = ["shop.localhost"] * 4 + [f"{name}.example.com" for several in TEAMS.values() for name in several]
        while not self._stopping.is_set():
            host = chance.choice(hosts)
            if host.startswith("keys") and chance.random() > 0.25:
                continue
            self._session(host, chance)

    def _session(self, host: str, chance: random.Random) -> None:
        """A few requests on a connection."""
        if host == "shop.localhost":
            client = http.client.HTTPConnection("127.0.0.1", self._ports[0], timeout=10)
        else:
            client = http.client.HTTPSConnection("127.0.0.1", self._ports[1], timeout=10, context=self._context)
        try:
            for _ in range(chance.randrange(4, 40)):
                client.request("GET", "/hello", headers={"Host": host})
                client.getresponse().read()
                busy = 20 < time.monotonic() % 60 < 40
                self._stopping.wait(chance.expovariate(60 if busy else 30))
        except OSError:
            pass
        finally:
            client.close()


def take(window: Window, name: str) -> None:
    """Keep what WINDOW shows as NAME."""
    session = window.page.context.new_cdp_session(window.page)
    found = session.send("Page.captureScreenshot", {"format": "webp", "quality": 88})
    (IMAGES / f"page-{name}.webp").write_bytes(base64.b64decode(found["data"]))


def take_all(admin: int) -> None:
    """A picture of each view, of the overview two."""
    url = f"http://127.0.0.1:{admin}/"
    client = http.client.HTTPConnection("127.0.0.1", admin)
    client.request("GET", "/api/routes?search=cart.example.com")
    found = re.search(rb'"id":"(\w+)"', client.getresponse().read())
    if found is None:
        raise SystemExit("the demo has no such route")
    with Browser() as browser:
        for name, path in VIEWS.items():
            for scheme in ("light", "dark") if name == "overview" else ("light",):
                place = url + path.format(id=found[1].decode())
                size = {"width": 1280, "height": 860}
                with browser.window(place, viewport=size, device_scale_factor=1.5, color_scheme=scheme) as window:
                    window.page.get_by_text("Live", exact=True).wait_for()
                    window.page.wait_for_timeout(7000)
                    take(window, name if scheme == "light" else f"{name}-dark")


def main() -> None:
    """Start the demo, have it loaded and changed for a while, and take the pictures."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "more.yaml").write_text("---\n".join(yaml.safe_dump(one) for one in manifests()))
        command = [sys.executable, "examples/demo/demo.py", "--workers=2", f"--manifests={folder}"]
        demo = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            ports = found_ports(demo)
            threading.Thread(target=lambda: [None for _ in demo.stdout or ()], daemon=True).start()
            load = Load(ports["http"], ports["https"])
            change(Path(folder))
            take_all(ports["admin"])
            load.stop()
        finally:
            demo.terminate()
            demo.wait()


def found_ports(demo: subprocess.Popen[str]) -> dict[str, int]:
    """The ports that DEMO says it has."""
    patterns = {
        "http": r"http://shop\.localhost:(\d+)",
        "https": r"https://blog\.localhost:(\d+)",
        "admin": r"http://(?:localhost|127\.0\.0\.1):(\d+)/",
    }
    found: dict[str, int] = {}
    for line in demo.stdout or ():
        for name, pattern in patterns.items():
            if match := re.search(pattern, line):
                found.setdefault(name, int(match[1]))
        if len(found) == len(patterns):
            return found
    raise SystemExit("the demo did not start")


def change(folder: Path) -> None:
    """Give the Service that changes another endpoint now and then."""
    end = time.monotonic() + SECONDS
    number = 0
    while time.monotonic() < end:
        number += 1
        port = 9102 if number % 2 else 9103
        one = objects.endpoints(CHANGING, "127.0.0.1", namespace="shop", port=port, suffix="2")
        (folder / "changing.yaml").write_text(yaml.safe_dump(one))
        time.sleep(min(17.0, max(0.0, end - time.monotonic())))


if __name__ == "__main__":
    main()
