"""Metrics as a text, in the format that the scraper asks for, in pieces of bounded size.

The client library chooses the format and renders; metrics of routes, of which there may be hundreds of thousands of
lines, are rendered by `edge.control.serving.metrics.series` to the same effect.
"""

from __future__ import annotations

import copy
import time
from typing import TYPE_CHECKING

from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector as ClientCollector

from edge.control.serving.metrics.series import SeriesFamily
from edge.control.serving.pacing import PIECE, REST, paced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client.core import Metric

    from edge.control.serving.metrics.collector import Collector

_END = b"# EOF\n"
_HEAD_LINES = 2
"""HELP and TYPE."""


class _One(ClientCollector):
    """A single metric as the library wants it."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric

    def collect(self) -> Iterator[Metric]:
        yield self._metric


def negotiate(accept: str) -> tuple[str, Callable[[ClientCollector], bytes], bool]:
    """By the header ACCEPT: the content type, the library's encoder, and whether it writes OpenMetrics."""
    # Escaping `dots` would rename what needs no escaping; all our names are plain, so any other choice is the same.
    encoder, content_type = choose_encoder(accept.replace("escaping=dots", ""))
    return content_type, encoder, content_type.startswith("application/openmetrics-text")


def render(collector: Collector, accept: str) -> tuple[str, Iterator[bytes]]:
    """The content type by the header ACCEPT, and the pieces of the text."""
    content_type, encoder, openmetrics = negotiate(accept)
    return content_type, _pieces(collector, encoder, openmetrics=openmetrics)


def _pieces(collector: Collector, encoder: Callable[[ClientCollector], bytes], *, openmetrics: bool) -> Iterator[bytes]:
    for family in paced(collector.families()):
        if isinstance(family, SeriesFamily):
            yield from family.text(openmetrics=openmetrics)
        else:
            for number, part in enumerate(_parts(family)):
                text = encoder(_One(part)).removesuffix(_END)
                if number:
                    text = text.split(b"\n", _HEAD_LINES)[_HEAD_LINES]
                elif not openmetrics and family.type == "unknown":
                    kind = f"# TYPE {family.name} ".encode()
                    text = text.replace(kind + b"untyped\n", kind + b"counter\n", 1)
                yield text
    if openmetrics:
        yield _END


def _parts(metric: Metric) -> Iterator[Metric]:
    """METRIC, with a rest after each piece where it has many samples."""
    for start in range(0, len(metric.samples) or 1, PIECE):
        if start:
            time.sleep(REST)
        part = copy.copy(metric)
        part.samples = metric.samples[start : start + PIECE]
        yield part
