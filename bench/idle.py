#!/usr/bin/env python3
"""What an idle connection of HTTP/2 costs in memory, in Edge and in nginx.

    python bench/idle.py [--connections 10000] [--tls]

Each connection makes one request for 13 bytes and stays open. The figure is the growth of the memory of the whole
process tree (Pss), divided by the number of connections. What the kernel keeps for a socket is not in it. Needs nginx,
haproxy and openssl (`make packages`), and so many open files; everything listens on 127.0.0.1.
"""

from __future__ import annotations

import argparse
import resource
import socket
import ssl
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent))

import proxies
from compare import memory, start, stop
from proxies import HOST, Proxy

from tests.support import frames

if TYPE_CHECKING:
    import subprocess


def connect(proxy: Proxy, context: ssl.SSLContext | None) -> socket.socket:
    """A connection that has made a request."""
    made = socket.create_connection(("127.0.0.1", proxy.https if context is not None else proxy.h2c), 60)
    if context is not None:
        made = context.wrap_socket(made, server_hostname=HOST)
    wire = frames.Wire(made)
    wire.send(frames.headers(1, (*frames.GET[:3], (":authority", HOST))), frames.frame(frames.SETTINGS, frames.ACK))
    if wire.response(1)[0] != 200:
        raise SystemExit(f"{proxy.name} did not answer 200")
    return made


def measure(proxy: Proxy, pid: int, connections: int, context: ssl.SSLContext | None) -> float:
    """KiB for each of so many CONNECTIONS."""
    time.sleep(2)
    connect(proxy, context).close()
    time.sleep(2)
    before = memory(pid)
    held = [connect(proxy, context) for _ in range(connections)]
    time.sleep(2)
    grown = memory(pid) - before
    for one in held:
        one.close()
    return grown * 1024 / connections


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--tls", action="store_true")
    options = parser.parse_args()
    files = options.connections + 4096
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, max(files, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
    context = None
    if options.tls:
        context = ssl._create_unverified_context()  # noqa: SLF001 - the certificate was made a moment ago
        context.set_alpn_protocols(["h2"])
    processes: list[subprocess.Popen[bytes]] = []
    with tempfile.TemporaryDirectory(prefix="edge-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # workers of nginx read from it as another user
        proxies.certificate(folder)
        try:
            processes.append(start(proxies.endpoint(folder), 1, folder))
            for proxy in (proxies.nginx(folder, 1), proxies.edge(folder, 1)):
                config = folder / "nginx.conf"
                config.write_text(config.read_text().replace("worker_connections 8192", f"worker_connections {files}"))
                processes.append(start(proxy, 0, folder))
                each = measure(proxy, processes[-1].pid, options.connections, context)
                print(f"{proxy.name:6} {each:6.1f} KiB a connection ({options.connections})", flush=True)
        finally:
            stop(processes)


if __name__ == "__main__":
    main()
