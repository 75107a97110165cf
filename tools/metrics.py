"""Writes docs/metrics.md from the definitions that the collector uses: python tools/metrics.py (make docs)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edge.control.serving.metrics import definitions, nginx_definitions
from edge.table._counters import SIZE_BUCKETS, TIME_BUCKETS

if TYPE_CHECKING:
    from edge.control.serving.metrics.definitions import Definition, Section

TARGET = Path(__file__).parents[1] / "docs/metrics.md"
HEAD = f"""\
# Metrics

Made from the definitions in `edge/control/serving/metrics/` by `tools/metrics.py`.

`/metrics` on `--admin` (default port 10254) serves them: the Prometheus text format, or OpenMetrics where the scraper
asks for it, compressed where it takes that. Nothing has to be switched on.

- Counters live in shared memory beside the routing table. They continue when a worker is replaced, and when the control
  plane is; they start from zero when the whole of Edge is restarted.
- The series of a route appear with its first request and disappear with the route. Its counts stay in the sums that
  have no labels of a route.
- A scrape reads what workers have written and never asks them; no request waits for it. The layout of the files is in
  `edge/table/counter_layout.py`.
- Times are in seconds with the buckets {", ".join(f"{bound:g}" for bound in TIME_BUCKETS)}; sizes are in bytes with
  the buckets {", ".join(map(str, SIZE_BUCKETS))}.

## How many there are

Labels come from Ingresses, never from clients: a host or a path that no Ingress names, and a method that no RFC
defines, make no new series. A route has a line for each method and status, and 48 for each class of statuses. Under the
names of ingress-nginx it has 49 for each method and status. Together that makes half a million lines for 5,000 routes
that answer one kind of request each, which are rendered in about half a second. These settings
make them fewer:

| setting | effect |
|---|---|
| `--no-nginx-metrics` | leaves out all names of ingress-nginx |
| `--exclude-socket-metrics NAME` | leaves out one of its metrics per request |
| `--no-metrics-per-host` | its metrics have no label `host` |
| `--report-status-classes` | `status` is `2xx` and so on |
| `--max-metric-series N` | routes beyond so many series of a worker are counted together, as `_other` |

## Health

| path | 200 | 503, with the reason in the body |
|---|---|---|
| `/readyz` | a living worker serves a table | no table yet, and which kinds are not read; no worker; draining |
| `/healthz` | no restart is called for | a worker is stuck and not replaced; a thread of the control plane has ended |

An API server that cannot be reached changes neither, once a table is in force.
"""
TAIL = """
Not served are `header_duration_seconds` and `connect_duration_seconds`, which are not measured apart;
`bytes_sent`, deprecated there and the same as `response_size`; `check_success`, `check_errors`,
`admission_config_size` and `admission_render_*`, which are about the configuration file that the admission webhook
of ingress-nginx writes; and the metrics of the Go run-time. In OpenMetrics, which allows them no type of their
own, counters without `_total` have the type `unknown`; their values and names are the same.
"""
SECTIONS = (
    definitions.ROUTES,
    definitions.STREAMS,
    definitions.TRAFFIC,
    definitions.PROCESSES,
    definitions.CONTROL,
    nginx_definitions.NGINX,
)


def text() -> str:
    """The whole page."""
    return HEAD + "".join(map(_section, SECTIONS)) + TAIL


def _section(section: Section) -> str:
    rows = "".join(map(_row, section.definitions))
    return f"\n## {section.title}\n\n{section.text}\n\n| metric | type | labels | |\n|---|---|---|---|\n{rows}"


def _row(definition: Definition) -> str:
    shown = [name for name in definition.labels if name not in nginx_definitions.INSTANCE]
    labels = ", ".join(f"`{name}`" for name in shown)
    note = f" {definition.note}" if definition.note else ""
    return f"| `{definition.name}` | {definition.kind} | {labels} | {definition.text}{note} |\n"


if __name__ == "__main__":
    TARGET.write_text(text())
