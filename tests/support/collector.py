"""A server that takes spans as an OpenTelemetry collector does."""

from __future__ import annotations

import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.waiting import eventually


class Collector:
    """An OTLP collector over HTTP; `spans` has what it was sent."""

    def __init__(self) -> None:
        spans: list[Any] = []
        resources: list[dict[str, Any]] = []
        self.spans, self.resources = spans, resources

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                    resources.append(values_of(resource.resource.attributes))
                    spans.extend(span for scope in resource.scope_spans for span in scope.spans)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1/traces"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        """Where it listens, on 127.0.0.1."""
        return self._server.server_port

    def close(self) -> None:
        """Stop it."""
        self._server.shutdown()
        self._server.server_close()

    def of(self, trace: str) -> Any:
        """The span of TRACE, once it has come."""
        return eventually(lambda: next((span for span in self.spans if span.trace_id.hex() == trace), None))


def values_of(attributes: Any) -> dict[str, Any]:
    """Attributes by name."""
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}
