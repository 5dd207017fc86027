"""Workers and beat, put together: `celery -A workers.app worker`, `… beat`, `… flower`."""

from collections.abc import Callable
from functools import partial
from typing import Any

import celery.apps.beat
import celery.apps.worker
from celery import Celery
from celery.signals import (
    beat_init,
    celeryd_init,
    setup_logging,
    task_postrun,
    task_prerun,
    worker_init,
    worker_ready,
    worker_shutdown,
)
from prometheus_client import CollectorRegistry

from gateway.factory import reconciler
from gateway.hook_state import HookStates
from ledger.announcements import CLOCK, announce, broker, task_name
from ledger.client import Ledger
from operations.audit import Auditor
from operations.audit_schedule import AuditMetrics, audit_on_schedule, mark_on_schedule
from operations.retention import Retention, retain_on_schedule
from operations.retention_metrics import RetentionMetrics
from runtime.logs import configure_logging, logger
from runtime.multiprocess_metrics import share
from runtime.settings import load, warn_of_unknown_names
from runtime.shutdown import end_in_bounds
from runtime.status_server import listen
from seven.events import QUEUES
from store.circuit_breaker import CircuitBreaker
from store.engine import create_store_engine
from store.row_writer import Store
from workers import scheduler
from workers.consumer import Consumer
from workers.heartbeat import EVERY_S, Heartbeat
from workers.metrics import HookMetrics, LedgerMetrics, StoreMetrics, WorkerMetrics, hindrances
from workers.redaction import RedactedTask
from workers.settings import WorkerSettings
from workers.sweep import Sweep
from workers.transport import bring_transport
from workers.watchdog import Watchdog
from workers.worker_info import tell_presence

log = logger("seven.workers")

ASKED_S = 1.0
"""For Redis to answer each of the questions of one scrape; it gives up after ten."""
WORKER_METRICS, BEAT_METRICS = 9102, 9103
"""Ports where they tell how they stand, unless told otherwise."""

CONSUMING: dict[str, Any] = {
    # A message is acknowledged when its task has ended; one that failed is, too: its batches are still pending.
    "task_acks_late": True,
    # Threads: prefork hung at SIGTERM under load, and with batches threads are faster too.
    "worker_pool": "threads",
    "worker_prefetch_multiplier": 1,
    "worker_send_task_events": True,  # for Flower
    "worker_soft_shutdown_timeout": 10,
    # Outlive any outage of the broker, a full Redis, and what is no message.
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
    "broker_channel_error_retry": True,
    "beat_scheduler": "workers.scheduler:BoundedScheduler",
    "beat_max_loop_interval": EVERY_S,
}


def create_app(settings: WorkerSettings) -> Celery:
    """Celery with one task for each queue, and those of the clock. It connects to nothing before it works."""
    redis_url = settings.redis_url.get_secret_value()
    bring_transport()
    app = Celery("seven-ingest", task_cls=f"{RedactedTask.__module__}:Wordless", changes=broker(redis_url) | CONSUMING)
    app.conf.worker_concurrency = settings.seven_worker_threads
    app.conf.beat_schedule = {}
    ledger = Ledger(redis_url)
    engine = create_store_engine(settings.store_url, settings.seven_worker_threads)
    breaker = CircuitBreaker()
    registry = CollectorRegistry()
    shared = share(settings.prometheus_multiproc_dir, "worker")
    metrics = WorkerMetrics(registry)
    consumer = Consumer(ledger, Store(engine), breaker, metrics)
    auditor = Auditor(ledger, engine)
    watchdog = Watchdog(ledger.redis, settings.seven_stall_s)
    sweep = Sweep(
        ledger,
        partial(announce, app),
        metrics,
        overdue_s=settings.seven_overdue_s,
        at_most=settings.seven_sweep_limit,
    )

    def enter(queue: str) -> None:
        def consume(batch_ids: list[str]) -> None:
            consumer.consume(queue, batch_ids)

        app.task(consume, name=task_name(queue))

    def every(seconds: float, name: str, work: Callable[[], object]) -> None:
        """A task on the clock's queue."""

        def once() -> None:
            work()

        app.task(once, name=name)
        app.conf.beat_schedule[name] = {"task": name, "schedule": scheduler.every(seconds), "options": {"queue": CLOCK}}

    def reconcile() -> None:
        with reconciler(settings.account, ledger.redis, engine) as run:
            run.run(apply=settings.seven_hooks_mode == "apply")

    retention = Retention(ledger, engine, breaker, settings)
    again = partial(app.send_task, "retain", queue=CLOCK)
    retain = partial(retain_on_schedule, retention, again, threads=settings.seven_worker_threads)
    for queue in QUEUES:
        enter(queue)
    every(settings.seven_sweep_s, "sweep", sweep.run)
    every(settings.seven_sweep_s, "mark", partial(mark_on_schedule, auditor, breaker))
    every(settings.seven_audit_s, "audit", watchdog.excused()(partial(audit_on_schedule, auditor, ledger, breaker)))
    every(settings.seven_retain_s, "retain", watchdog.excused()(retain))
    worker_ready.connect(lambda **_: app.send_task("audit", queue=CLOCK), weak=False)
    if missing := settings.account.missing_settings:
        log.info("hooks are not watched: a setting is missing", missing=missing)
    else:
        every(settings.seven_hooks_s, "reconcile", reconcile)
        worker_ready.connect(lambda **_: app.send_task("reconcile", queue=CLOCK), weak=False)

    def close(**_: Any) -> None:
        engine.dispose()
        ledger.close()

    worker_shutdown.connect(close, weak=False)
    watch_over(app, watchdog, breaker)
    tell_at(settings.metrics_address(WORKER_METRICS), own=registry, shared=shared, **standing(settings, breaker))
    beat_init.connect(partial(follow, ledger, settings.metrics_address(BEAT_METRICS)), weak=False)
    return app


def standing(settings: WorkerSettings, breaker: CircuitBreaker) -> dict[str, Any]:
    """How things stand, and whether a worker could work; with little patience, for whoever scrapes has no more."""
    asked = Ledger(settings.redis_url.get_secret_value(), ASKED_S)
    account = settings.account
    figures = (
        LedgerMetrics(asked),
        StoreMetrics(breaker),
        HookMetrics(HookStates(asked.redis, account.identity), watched=account.missing_settings is None),
        AuditMetrics(asked.redis),
        RetentionMetrics(asked.redis),
    )
    return {"live": figures, "ready": partial(hindrances, asked.redis, breaker)}


def tell_at(address: str | None, **told: Any) -> None:
    """Have a worker that starts tell how it stands."""
    worker_init.connect(lambda **_: listen(address, **told), weak=False)


def follow(ledger: Ledger, address: str | None, sender: Any, **_: Any) -> None:
    """Have a beat that starts note its pulse, and tell how it stands."""
    share(None, "beat")
    registry = CollectorRegistry()
    sender.scheduler.pulse = pulse = Heartbeat(ledger, registry, periods=sender.scheduler.periods)
    listen(address, registry, alive=pulse.silence, ready=pulse.hindrances)


def watch_over(app: Celery, watchdog: Watchdog, breaker: CircuitBreaker) -> None:
    """Bound the end of worker and beat, have a worker say how it is when asked, and end itself when it stalls."""
    tell_presence(breaker, app.conf.worker_concurrency)
    for signal in (task_prerun, task_postrun):
        signal.connect(watchdog.excuse, weak=False)
    worker_ready.connect(lambda **_: watchdog.start(tuple(app.amqp.queues.consume_from)), weak=False)
    for signal in (worker_ready, beat_init):
        signal.connect(lambda **_: end_in_bounds(), weak=False)


def _without_banner(instance: Any, **_: Any) -> None:
    """Standard output is not where logs are."""
    instance.quiet = True


class _Beat(celery.apps.beat.Beat):  # type: ignore[misc] # Celery has no types
    def __init__(self, **told: Any) -> None:
        super().__init__(**told | {"quiet": True})


def from_environment() -> Celery:
    """The workers as the environment describes them."""
    settings = load(WorkerSettings)
    configure_logging(settings.seven_log_level, settings.seven_log_format)
    setup_logging.connect(lambda **_: None, weak=False)  # else Celery would configure its own
    celeryd_init.connect(_without_banner, weak=False)
    celery.apps.worker.safe_say = lambda said, *_: log.warning(said.removeprefix("worker: "))  # else past all logging
    warn_of_unknown_names()
    made = create_app(settings)
    made.Beat = made.subclass_with_self(_Beat)
    return made


app = from_environment()
