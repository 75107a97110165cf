"""Whether requests are traced: OpenTelemetry if `enable-opentelemetry` is set, else not at all.

When tracing is off, OpenTelemetry is not imported, and a client's traceparent is passed on like any other field.
Settings have the names of ingress-nginx's keys where it has one.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
from typing import TYPE_CHECKING

from edge.options import OptionError

if TYPE_CHECKING:
    from edge.data.observe.spans import Tracing
    from edge.settings import Settings
    from edge.table.parameters import Parameters

log = logging.getLogger("edge.data")

_SETTINGS = ("otlp_endpoint", "otel_service_name", "otel_sampler_ratio", "opentelemetry_trust_incoming_span")
_PARAMETERS = (
    "otel_operation_name",
    "otel_sampler_parent_based",
    "otel_max_queue_size",
    "otel_schedule_delay_millis",
    "otel_max_export_batch_size",
)
NEEDED = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")


def check(settings: Settings) -> None:
    """Check that SETTINGS can be applied.

    Raises:
        OptionError: the library is not installed.
    """
    if not settings.enable_opentelemetry:
        return
    for name in NEEDED:
        if not _installed(name):
            raise OptionError(f"--enable-opentelemetry: no module {name} here; pip install 'edge-ingress[tracing]'")


class Traces:
    """The tracer of a worker."""

    def __init__(self) -> None:
        self.current: Tracing | None = None
        """None: requests are not traced."""
        self._made_by: tuple[object, ...] = ()

    def tune(self, settings: Settings, parameters: Parameters) -> None:
        """Use SETTINGS and PARAMETERS from now on."""
        terms = tuple(getattr(settings, name) for name in _SETTINGS) if settings.enable_opentelemetry else ()
        terms += tuple(getattr(parameters, name) for name in _PARAMETERS) if terms else ()
        if terms == self._made_by:
            return
        before, self.current, self._made_by = self.current, None, terms
        if terms:
            try:
                self.current = importlib.import_module("edge.data.observe.spans").Tracing(settings, parameters)
            except ImportError as error:
                log.error("enable-opentelemetry: %s; requests are not traced", error)  # noqa: TRY400
        if before is not None:
            before.end()

    def close(self) -> None:
        """Send the remaining spans, for a short time."""
        if self.current is not None:
            self.current.close()


def _installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ImportError:
        return False
