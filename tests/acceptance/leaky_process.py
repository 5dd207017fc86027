"""Leaky process: the product with an access log and spans that leak tokens, to prove that the leak tests detect it.

`python -m tests.acceptance.leaky_process MODULE ARGUMENTS…` adds both to this process, then runs the program.
"""

import sys
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

from ingest.endpoint import Endpoint
from runtime.logs import logger
from runtime.span_export import ExportedTraces
from runtime.trace_ids import Trace
from runtime.traces import Step
from tests.chaos.processes import launch

PATH: ContextVar[str] = ContextVar("path")


def log_paths() -> None:
    """Log the path of every request, as an access log does."""
    answer = Endpoint.__call__

    async def log_and_answer(endpoint: Endpoint, door: Any, scope: Any, receive: Any, send: Any) -> None:
        logger("seven.ingest").info("requested", path=scope["path"])
        PATH.set(scope["path"])
        await answer(endpoint, door, scope, receive, send)

    Endpoint.__call__ = log_and_answer  # type: ignore[method-assign]


def trace_urls() -> None:
    """Record the URL of every request, as the usual instrumentation does."""
    record_first = ExportedTraces.record_first

    def record_with_url(traces: ExportedTraces, trace: Trace, step: Step) -> None:
        record_first(traces, trace, replace(step, attributes={**step.attributes, "url.full": PATH.get()}))

    ExportedTraces.record_first = record_with_url  # type: ignore[method-assign]


if __name__ == "__main__":
    log_paths()
    trace_urls()
    launch(sys.argv[1:])
