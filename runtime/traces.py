"""Traces: one of each delivery that is sampled, over all processes. Off unless OTEL_… variables name a collector.

Whether a delivery is sampled follows from its id, the same in every process. A span is made when its step is over,
and handed to a thread that exports: nothing waits for a collector.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from runtime.logs import logger
from runtime.settings.traces import TraceSettings
from runtime.trace_ids import Trace

log = logger("seven.traces")

Attributes = Mapping[str, str | int]
"""Ids, counts and words of ours; never a number, a text, a token or a query."""


@dataclass(frozen=True, slots=True)
class Step:
    """What happened to a delivery; times are by `time.monotonic()`."""

    name: str
    began: float
    ended: float
    error: str | None = None
    """Why it failed: a word, or the class of an exception."""
    batch: str | None = None
    """The batch that it was a part of."""
    attributes: Attributes = field(default_factory=dict)
    inside: Sequence["Step"] = ()


class Traces:
    """The traces of one process. These are off: nothing is sampled, nothing is recorded."""

    is_on = False

    def start(self) -> None:
        """Begin to export; spans of earlier steps are lost."""

    def close(self) -> None:
        """Export what waits, for two seconds at most."""

    def of(self, delivery_id: str) -> Trace | None:  # noqa: ARG002 - of those that are on
        """A delivery's trace; None if it is not sampled."""
        return None

    def record_first(self, trace: Trace, step: Step) -> None:
        """Record the first step of a delivery."""

    def record(self, trace: Trace, step: Step) -> None:
        """Record a further step."""

    def record_batch(self, batch: str, step: Step, traces: Sequence[Trace]) -> None:
        """Record a batch, with links to the traces of its deliveries."""


OFF = Traces()


def create_traces(settings: TraceSettings, service: str) -> Traces:
    """The traces of a process, off where nothing is set, or where the extra is not installed, which is logged."""
    if not settings.exports_traces:
        return OFF
    cause = settings.trace_fault
    if cause is None:
        try:
            from runtime.span_export import ExportedTraces  # noqa: PLC0415 - an extra

            return ExportedTraces(settings, service)
        except ModuleNotFoundError:
            cause = "seven-ingest[otel] is not installed"
        except Exception as error:  # noqa: BLE001 - whatever the library thinks of OTEL_…, the process has to start
            cause = refused(error)
    log.warning("traces are off", cause=cause)
    return OFF


def refused(error: Exception) -> str:
    """Why the library takes no settings; its own words may quote them."""
    return f"OpenTelemetry's library refuses a setting: {type(error).__name__}"


class Laps:
    """Times the steps inside of a step, one after the other."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._ended: list[Step] = []
        self._open: tuple[str, float] | None = None

    def begin(self, name: str) -> None:
        """End the last step inside, and begin the next."""
        now = time.monotonic()
        self._end(now)
        self._open = name, now

    def step(self, name: str, error: str | None = None, **attributes: str | int) -> Step:
        """The whole, ended now; an error is of the last step inside, too."""
        now = time.monotonic()
        self._end(now, error)
        return Step(name, self._began, now, error, attributes=attributes, inside=tuple(self._ended))

    def _end(self, now: float, error: str | None = None) -> None:
        if self._open is not None:
            self._ended.append(Step(*self._open, now, error))
            self._open = None
