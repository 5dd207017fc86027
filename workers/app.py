"""Workers and beat, put together: `celery -A workers.app worker`, `… beat`, `… flower`."""

import logging
from functools import partial
from typing import Any

from celery import Celery
from celery.signals import worker_init, worker_ready, worker_shutdown

from ledger.announcing import CLOCK, announce, broker, task_name
from ledger.logs import configure_logging
from ledger.settings import load, warn_of_unknown_names
from ledger.settling import Ledger
from seven.events import QUEUES
from workers.consuming import Consumer
from workers.holding import Breaker
from workers.metrics import tell_metrics
from workers.remembering import Memories
from workers.settings import WorkerSettings
from workers.store.engine import create_store_engine
from workers.store.writing import Store
from workers.sweeping import Sweep
from workers.watching import account, reconciler, unwatched

log = logging.getLogger("seven.workers")

PROBE_S = 2.0  # between two attempts to reach a database that is away


def create_app(settings: WorkerSettings) -> Celery:
    """Celery with one task for each queue, and the sweep. It connects to nothing before it works."""
    redis_url = settings.redis_url.get_secret_value()
    app = Celery("seven-ingest")
    app.conf.update(
        broker(redis_url),
        # A message is acknowledged when its task has ended; one that failed is, too: its batches are still pending.
        task_acks_late=True,
        # Threads: prefork hung at SIGTERM under load, and with batches threads are faster too.
        worker_pool="threads",
        worker_concurrency=settings.seven_worker_threads,
        worker_prefetch_multiplier=1,
        worker_send_task_events=True,  # for Flower
        worker_soft_shutdown_timeout=10,
        # Outlive any outage of the broker, and a full Redis.
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_channel_error_retry=True,
        # Only intervals, so nothing to remember: a beat that was killed leaves no file that could be damaged.
        beat_scheduler="celery.beat:Scheduler",
        beat_schedule={"sweep": _periodic("sweep", settings.seven_sweep_s)},
    )
    ledger = Ledger(redis_url)
    memories = Memories(ledger.redis, account(settings))
    engine = create_store_engine(settings.store_url, settings.seven_worker_threads)
    consumer = Consumer(ledger, Store(engine), Breaker(PROBE_S))
    sweep = Sweep(
        ledger, partial(announce, app), overdue_s=settings.seven_overdue_s, at_most=settings.seven_sweep_limit
    )

    def enter(queue: str) -> None:
        def consume(batch_ids: list[str]) -> None:
            consumer.consume(queue, batch_ids)

        app.task(consume, name=task_name(queue))

    def sweep_once() -> None:
        sweep.run()

    def close(**_: Any) -> None:
        engine.dispose()
        ledger.close()

    def reconcile() -> None:
        with reconciler(settings, ledger.redis, engine) as run:
            run.run(apply=settings.seven_hooks_mode == "apply")

    for queue in QUEUES:
        enter(queue)
    app.task(sweep_once, name="sweep")
    if missing := unwatched(settings):
        log.info("hooks are not watched: %s is not set", missing)
    else:
        app.task(reconcile, name="reconcile")
        app.conf.beat_schedule["reconcile"] = _periodic("reconcile", settings.seven_hooks_s)
        worker_ready.connect(lambda **_: app.send_task("reconcile", queue=CLOCK, expires=60), weak=False)
    worker_init.connect(lambda **_: tell_metrics(settings.seven_metrics_address, memories), weak=False)
    worker_shutdown.connect(close, weak=False)
    return app


def _periodic(task: str, every_s: float) -> dict[str, Any]:
    """A task on the clock's queue; it expires after one period, so while nobody works nothing piles up."""
    return {"task": task, "schedule": every_s, "options": {"queue": CLOCK, "expires": every_s}}


def from_environment() -> Celery:
    """The workers as the environment describes them."""
    settings = load(WorkerSettings)
    configure_logging(settings.seven_log_level)
    warn_of_unknown_names()
    return create_app(settings)


app = from_environment()
