"""Whether requests are traced: OpenTelemetry with `--enable-opentelemetry`, else nothing at all.

When tracing is off, OpenTelemetry is not imported, and a client's traceparent is passed on like any other field.
Settings have the names of ingress-nginx's keys where it has one.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING

from edge.options import OptionError

if TYPE_CHECKING:
    from edge.data.observe.spans import Tracing
    from edge.settings import Settings

NEEDED = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")


def check(settings: Settings) -> None:
    """See that SETTINGS can be obeyed.

    Raises:
        OptionError: the library is not installed.
    """
    if not settings.enable_opentelemetry:
        return
    for name in NEEDED:
        if not _installed(name):
            raise OptionError(f"--enable-opentelemetry: no module {name} here; pip install 'edge-ingress[tracing]'")


def start(settings: Settings) -> Tracing | None:
    """The tracer of a worker by SETTINGS; None: requests are not traced."""
    if not settings.enable_opentelemetry:
        return None
    made: Tracing = importlib.import_module("edge.data.observe.spans").Tracing(settings)
    return made


def _installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ImportError:
        return False
