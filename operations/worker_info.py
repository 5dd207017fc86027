"""Worker info: each running worker's answer to an inspection by Celery's remote control.

It proves that a worker's control loop runs, not that it consumes: the age of the oldest waiting batch does that.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

from celery import Celery
from redis.exceptions import ResponseError

from ledger.announcements import REACTIONS, broker
from ledger.client import Ledger
from seven.events import QUEUES
from store.version import newest

COMMAND = "presence"
_NEVER_S = 10 * 365 * 86_400
"""After so long Celery would put back what another worker has not acknowledged: workers do that."""
BUSY_S = 3.0
"""For a worker that is slow to answer, before it counts as absent."""


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker, as it describes itself."""

    name: str
    queues: frozenset[str] = frozenset()
    version: str | None = None
    """None if it does not know the inspection command: it runs another version of this program."""
    schema: str | None = None
    """The version of the database schema that it requires."""
    threads: int = 0
    files: int = -1
    """The maximum number of open files and connections; negative if unlimited or unknown."""
    held: str | None = None
    """The reason why it holds its batches; None when it does not."""


def consumers(workers: Iterable[Worker]) -> list[Worker]:
    """Those that consume deliveries."""
    return [worker for worker in workers if worker.queues != {REACTIONS}]


def dispatchers(workers: Iterable[Worker]) -> list[Worker]:
    """Those that send changes to subscribers."""
    return [worker for worker in workers if worker.queues == {REACTIONS}]


def own_versions() -> tuple[str, str]:
    """The versions of this program and of the schema that it requires."""
    return version("seven-ingest"), newest()


def living_workers(redis_url: str, timeout_s: float = 1.0) -> list[Worker]:
    """The workers that answer in time. Raises kombu's OperationalError or redis.RedisError when Redis is down."""
    settings = broker(redis_url)
    settings["broker_transport_options"]["visibility_timeout"] = _NEVER_S  # the caller may have no right to queues
    with Celery("seven-ingest", set_as_current=False, changes=settings) as app:
        answers: list[dict[str, Any]] = app.control.broadcast(COMMAND, reply=True, timeout=timeout_s) or []
    workers = (_read(name, info) for answer in answers for name, info in answer.items())
    return sorted(workers, key=lambda worker: worker.name)


def _read(name: str, info: Any) -> Worker:
    """Read one answer. Ignores fields that only a newer version sends."""
    if not isinstance(info, dict) or "version" not in info:
        return Worker(name)
    known = {key: info[key] for key in asdict(Worker(name)) if key in info and key != "name"}
    return Worker(name, **{**known, "queues": frozenset(known.get("queues", ()))})


def answering_workers(ledger: Ledger, redis_url: str) -> list[Worker]:
    """Each worker that is connected at this moment and answers; if a queue has none, busy ones get more time.

    Raises redis.RedisError.
    """
    if _has_no_listener(ledger):  # an unreachable server fails at once
        return []
    workers = living_workers(redis_url)
    consumed = {queue for worker in workers for queue in worker.queues}
    return workers if consumed.issuperset(QUEUES) else living_workers(redis_url, BUSY_S)


def _has_no_listener(ledger: Ledger) -> bool:
    """Whether certainly no worker is connected, so that none need be waited for: they subscribe to patterns."""
    try:
        return int(ledger.redis.pubsub_numpat()) == 0
    except ResponseError:  # a user without the right to see it
        ledger.redis.ping()
        return False
