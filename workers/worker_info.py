"""Presence: what each living worker says of itself when it is asked, by Celery's remote control.

It proves that a worker's control loop turns, not that it consumes: the age of the oldest waiting batch does that.
"""

import resource
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

from celery import Celery
from celery.worker.control import inspect_command

from ledger.announcements import broker
from store.circuit_breaker import CircuitBreaker
from store.migrate import newest

COMMAND = "presence"


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker, in its own words."""

    name: str
    queues: frozenset[str] = frozenset()
    version: str | None = None
    """None where it does not understand the question: it runs another version of this program."""
    schema: str | None = None
    """The version of the database's schema that it is made for."""
    threads: int = 0
    files: int = -1
    """How many files and connections it may have open; below 0 where there is no bound, or none is known."""
    held: str | None = None
    """Why it holds its batches; None when it does not."""


def ours() -> tuple[str, str]:
    """The versions of this program, and of the schema that it is made for."""
    return version("seven-ingest"), newest()


def tell_presence(breaker: CircuitBreaker, threads: int) -> None:
    """Have this worker answer. To be called before it starts."""
    program, schema = ours()
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)

    def presence(state: Any) -> dict[str, Any]:
        """What this worker is and does."""
        consumer = state.consumer.task_consumer
        return {
            "queues": sorted(queue.name for queue in consumer.queues) if consumer else [],
            "version": program,
            "schema": schema,
            "threads": threads,
            "files": files,
            "held": str(breaker.hold) if breaker.hold else None,
        }

    inspect_command(name=COMMAND)(presence)


def present(redis_url: str, timeout_s: float = 1.0) -> list[Worker]:
    """Every worker that answers in time. Raises kombu's OperationalError or redis.RedisError when Redis is away."""
    with Celery("seven-ingest", set_as_current=False, changes=broker(redis_url)) as app:
        answers: list[dict[str, Any]] = app.control.broadcast(COMMAND, reply=True, timeout=timeout_s) or []
    return sorted((_read(name, told) for one in answers for name, told in one.items()), key=lambda one: one.name)


def _read(name: str, told: Any) -> Worker:
    """A newer version may say more, and any other something else."""
    if not isinstance(told, dict) or "version" not in told:
        return Worker(name)
    known = {key: told[key] for key in asdict(Worker(name)) if key in told and key != "name"}
    return Worker(name, **{**known, "queues": frozenset(known.get("queues", ()))})
