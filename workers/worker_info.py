"""Worker info: this worker's answer to an inspection (`operations/worker_info.py`), by Celery's remote control."""

import resource
from typing import Any

from celery.worker.control import inspect_command

from operations.worker_info import COMMAND, own_versions
from store.circuit_breaker import CircuitBreaker


def answer_inspection(breaker: CircuitBreaker, threads: int) -> None:
    """Make this worker answer the inspection. Must be called before it starts."""
    program, schema = own_versions()
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)

    def info(state: Any) -> dict[str, Any]:
        """Versions, queues and limits of the worker."""
        consumer = state.consumer.task_consumer
        return {
            "queues": sorted(queue.name for queue in consumer.queues) if consumer else [],
            "version": program,
            "schema": schema,
            "threads": threads,
            "files": files,
            "held": str(breaker.hold) if breaker.hold else None,
        }

    inspect_command(name=COMMAND)(info)
