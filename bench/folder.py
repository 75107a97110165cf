"""How long an edited endpoint takes to be obeyed, in a folder of many Ingresses, with clients at full load.

    python bench/folder.py [--ingresses 1000] [--switches 50] [--connections 16]

For each switch the EndpointSlice is written (whole, by rename) and a client asks without a pause on a connection of its
own until the other server answers. Printed are the time from the rename to the sending of the first request that
obeys, and every request of the load that was not answered by 200.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.support import objects
from tests.support.edge import Edge, write
from tests.support.load import Load, Responder

if TYPE_CHECKING:
    from tests.support.clients import Client


def switch(folder: Path, server: Responder, probe: Client) -> float:
    """Milliseconds from the edit that makes SERVER the endpoint until a request is sent that it answers."""
    slices = objects.endpoints("web", "127.0.0.1", port=server.port)
    write(folder, "endpoints.yaml", slices)
    edited = time.perf_counter()
    while True:
        sent = time.perf_counter()
        if probe.request("/").get("x-backend") == server.name:
            return (sent - edited) * 1000


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ingresses", type=int, default=1000)
    parser.add_argument("--switches", type=int, default=50)
    parser.add_argument("--connections", type=int, default=16)
    wanted = parser.parse_args()
    with Responder("blue") as blue, Responder("green") as green, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, "web.yaml", objects.ingress_class(), objects.ingress(), objects.service(target="http"))
        write(folder, "endpoints.yaml", objects.endpoints("web", "127.0.0.1", port=blue.port))
        for number in range(wanted.ingresses - 1):
            write(folder, f"i{number}.yaml", objects.ingress(f"i{number}", host=f"h{number}.example"))
        with (
            Edge(folder, "--no-access-log", workers=2) as edge,
            Load(edge.http, connections=wanted.connections) as load,
        ):
            load.more(1000)
            with edge.connect() as probe:
                lags = []
                for count in range(wanted.switches):
                    lags.append(switch(folder, (green, blue)[count % 2], probe))
                    time.sleep(0.05)
            result = load.finish()
    bad = len(result.failures) + sum(count for status, count in result.statuses.items() if status != "200")
    print(f"{wanted.ingresses} Ingresses, {wanted.switches} switches, {result.requests} requests, {bad} of them failed")
    print(f"edit to first obeying request: median {statistics.median(lags):.1f} ms, worst {max(lags):.1f} ms")


if __name__ == "__main__":
    main()
