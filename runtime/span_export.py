"""Span export: traces by OpenTelemetry's library, an extra; only what has traces imports this.

Whether a delivery is sampled is decided before any span, as the library's own sampler does: by the lower half of the
trace id. A batch has a span if one of its deliveries is sampled. Spans wait in a queue of bounded length, from which
the library's thread exports; a full one drops the oldest.
"""

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, TraceIdRatioBased
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    set_span_in_context,
)
from opentelemetry.util.re import parse_env_headers

from runtime.logs import logger
from runtime.settings.traces import TraceSettings
from runtime.trace_ids import Trace, sampled_trace_of, trace_of
from runtime.traces import Attributes, Step, Traces, refused

log = logger("seven.traces")

CLOSE_S = 2.0
"""The time to export what waits when a process ends; its thread ends with the process."""
CLOCK_SET_S = 0.25
"""A clock that differs by more has been set."""
DELIVERY, BATCH, ERROR = "seven.delivery.id", "seven.batch.id", "error.type"
_EMPTY = Context()
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_KINDS = {
    "receive": SpanKind.SERVER,
    "announce": SpanKind.PRODUCER,
    "consume": SpanKind.CONSUMER,
    "react": SpanKind.CLIENT,
}


class ExportedTraces(Traces):
    """Traces that are exported. Threads may share them."""

    is_on = True

    def __init__(self, settings: TraceSettings, service: str) -> None:
        """`service` is the service's name, unless the environment has one."""
        self._settings, self._service, self._ids = settings, service, _Ids()
        self._clock = _Clock()
        self._bound = TraceIdRatioBased(settings.trace_share).bound
        self._processor: BatchSpanProcessor | None = None
        self._tracer: Tracer | None = None

    def start(self) -> None:
        """Begin to export; spans of earlier steps are lost."""
        try:
            self._begin()
        except Exception as error:  # noqa: BLE001 - as in create_traces
            log.warning("traces are off", cause=refused(error))
            self._bound = 0

    def _begin(self) -> None:
        own = {"service.name": f"seven-ingest-{self._service}", "service.version": version("seven-ingest")}
        resource = Resource.create(own).merge(OTELResourceDetector().detect())
        provider = TracerProvider(ALWAYS_ON, resource, shutdown_on_exit=False, id_generator=self._ids)
        # they log each attempt and where to, and headers that they cannot read
        for name in ("opentelemetry.exporter", "opentelemetry.util.re"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        headers = parse_env_headers(self._settings.trace_headers, liberal=True)
        self._processor = BatchSpanProcessor(_Reported(OTLPSpanExporter(headers=headers)))
        provider.add_span_processor(self._processor)
        self._tracer = provider.get_tracer("seven-ingest", version("seven-ingest"))

    def close(self) -> None:
        """Export what waits, for two seconds at most."""
        if self._processor is not None:
            closing = threading.Thread(target=self._processor.shutdown, name="traces", daemon=True)
            closing.start()
            closing.join(CLOSE_S)

    def of(self, delivery_id: str) -> Trace | None:
        """A delivery's trace; None if it is not sampled."""
        return sampled_trace_of(delivery_id, self._bound)

    def record_first(self, trace: Trace, step: Step) -> None:
        """Record the first step of a delivery."""
        self._try(trace, _EMPTY, step, {DELIVERY: trace.subject})

    def record(self, trace: Trace, step: Step) -> None:
        """Record a further step."""
        self._try(None, _inside(_context(trace)), step, {DELIVERY: trace.subject})

    def record_batch(self, batch: str, step: Step, traces: Sequence[Trace]) -> None:
        """Record a batch, with links to the traces of its deliveries."""
        self._try(trace_of(batch), _EMPTY, step, {BATCH: batch}, [Link(_context(trace)) for trace in traces])

    def _try(
        self, first: Trace | None, context: Context, step: Step, own: Attributes, links: Sequence[Link] = ()
    ) -> None:
        """Record a step, the first one of a trace or not. A fault of the library costs its spans, and nothing else."""
        try:
            with self._ids.given(first):
                self._record(context, step, own, links)
        except Exception:
            log.exception("traces are off: a span could not be made")
            self._tracer, self._bound = None, 0

    def _record(self, context: Context, step: Step, own: Attributes, links: Sequence[Link] = ()) -> None:
        if self._tracer is None:
            return
        if step.batch is not None:
            own, links = {**own, BATCH: step.batch}, [*links, Link(_context(trace_of(step.batch)))]
        error = {} if step.error is None else {ERROR: step.error}
        span = self._tracer.start_span(
            step.name,
            context,
            _KINDS.get(step.name, SpanKind.INTERNAL),
            {**own, **step.attributes, **error},
            links,
            start_time=self._clock.nanoseconds(step.began),
        )
        if step.error is not None:
            span.set_status(Status(StatusCode.ERROR))
        for inner in step.inside:
            self._record(set_span_in_context(span, _EMPTY), inner, own)
        span.end(self._clock.nanoseconds(step.ended))


class _Ids(RandomIdGenerator):
    """Ids of spans are random, except for the first of a trace."""

    def __init__(self) -> None:
        self._local = threading.local()

    @contextmanager
    def given(self, trace: Trace | None) -> Iterator[None]:
        """Give the next span these ids, if any."""
        self._local.trace = trace
        try:
            yield
        finally:
            self._local.trace = None

    def generate_trace_id(self) -> int:
        """Of the span's trace, if it is the first."""
        trace: Trace | None = getattr(self._local, "trace", None)
        return trace.id if trace else super().generate_trace_id()

    def generate_span_id(self) -> int:
        """Of the first span of a trace, or any."""
        trace: Trace | None = getattr(self._local, "trace", None)
        self._local.trace = None
        return trace.root if trace else super().generate_span_id()


class _Clock:
    """Turns times by `time.monotonic()` into those of this machine's clock, and keeps their order."""

    def __init__(self) -> None:
        self._origin = _origin()

    def nanoseconds(self, monotonic_s: float) -> int:
        """Since 1970."""
        if abs(time.time() - time.monotonic() - self._origin) > CLOCK_SET_S:
            self._origin = _origin()
        return int((self._origin + monotonic_s) * 1_000_000_000)


def _origin() -> float:
    """When the monotonic clock was 0. The greatest of some: an interruption between the two clocks makes it less."""
    return max(time.time() - time.monotonic() for _ in range(5))


class _Reported(SpanExporter):
    """Says once that spans cannot be exported, and once that they can again."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter, self._is_away = exporter, False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export, for OTEL_EXPORTER_OTLP_TIMEOUT at most."""
        result = self._exporter.export(spans)
        is_away = result is not SpanExportResult.SUCCESS
        if is_away != self._is_away:
            self._is_away = is_away
            if is_away:
                log.warning("spans cannot be exported: the collector does not take them")
            else:
                log.info("spans are exported again")
        return result

    def shutdown(self) -> None:
        """Close the connection."""
        self._exporter.shutdown()


def _context(trace: Trace) -> SpanContext:
    return SpanContext(trace.id, trace.root, is_remote=True, trace_flags=_SAMPLED)


def _inside(parent: SpanContext) -> Context:
    span: Span = NonRecordingSpan(parent)
    return set_span_in_context(span, _EMPTY)
