"""Collector: an OpenTelemetry collector for tests, which gets OTLP over HTTP and keeps the spans it was sent."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from google.protobuf.json_format import MessageToJson
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as ProtoSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from tests.http_stub import Server
from tests.servers import PATIENCE_S, free_port


@dataclass(frozen=True)
class Span:
    """One span as it arrived."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    links: frozenset[tuple[str, str]]
    """Trace and span of each."""
    attributes: dict[str, Any]
    failed: bool
    began: int
    ended: int

    @property
    def delivery(self) -> str | None:
        return self.attributes.get("seven.delivery.id")


@dataclass
class Collector:
    """What was exported to an endpoint. While it hangs it answers nobody; what came then is not kept."""

    url: str = field(default_factory=lambda: f"http://127.0.0.1:{free_port()}")
    requests: list[ExportTraceServiceRequest] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    held: int = 0
    """Requests that it let hang."""
    let_go: threading.Event = field(default_factory=threading.Event)

    def spans(self) -> list[Span]:
        return [
            _span(str(resource.resource.attributes[_place(resource)].value.string_value), span)
            for request in list(self.requests)
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def text(self) -> str:
        """All that was exported, as text."""
        return "\n".join(MessageToJson(request) for request in list(self.requests))


@contextmanager
def collecting(hangs: bool = False, at: str = "") -> Iterator[Collector]:
    """A collector for the length of a block, at any URL or at this one."""
    collector = Collector(at) if at else Collector()
    if not hangs:
        collector.let_go.set()
    server = Server(("127.0.0.1", int(collector.url.rpartition(":")[2])), _handler(collector))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield collector
    finally:
        collector.let_go.set()
        server.shutdown()
        server.server_close()


def environment(collector: Collector, **more: str) -> dict[str, str]:
    """The settings of a process that exports to it, often, and without losing any."""
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "OTEL_BSP_MAX_QUEUE_SIZE": "100000",
        **more,
    }


def _handler(collector: Collector) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if not collector.let_go.is_set():
                collector.held += 1
                collector.let_go.wait(10 * PATIENCE_S)
                return
            assert self.path == "/v1/traces"
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            collector.headers.append({name.lower(): value for name, value in self.headers.items()})
            collector.requests.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


def _place(resource: Any) -> int:
    return [attribute.key for attribute in resource.resource.attributes].index("service.name")


def _span(service: str, span: ProtoSpan) -> Span:
    return Span(
        service,
        span.name,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        frozenset((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
        {each.key: each.value.int_value or each.value.string_value for each in span.attributes},
        span.status.code == Status.STATUS_CODE_ERROR,
        span.start_time_unix_nano,
        span.end_time_unix_nano,
    )
