"""The Celery app of workers and beat: `celery -A workers.app worker`, `… beat`, `… flower`."""

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
from ledger.announcements import announce, announce_changes, broker, task_name
from ledger.client import Ledger
from ledger.schedules import BEAT_TICK_S
from operations.audit import Auditor
from operations.audit_schedule import audit_on_schedule, mark_on_schedule
from operations.backfill import Announce
from operations.balance_schedule import balance_reader
from operations.checks.database import BESIDE_THREADS
from operations.delivery_rate_schedule import COUNT_S, count_on_schedule
from operations.opt_out_scan_schedule import SCAN_S, OptOutScan
from operations.projection_options import options_by
from operations.public_url_probe import public_url_probe
from operations.retention import Retention
from runtime.logs import configure_logging, logger
from runtime.multiprocess_metrics import share_metrics
from runtime.settings.environment import load
from runtime.settings.registry import warn_of_unknown_names
from runtime.shutdown import install_signal_handlers
from runtime.status_server import start_status_server
from runtime.traces import create_traces
from seven.events import QUEUES
from store.circuit_breaker import CircuitBreaker
from store.engine import create_store_engine
from store.row_writer import Store
from workers.consumer import Consumer
from workers.heartbeat import Heartbeat
from workers.journal_watch import LOOK_S, journal_watch
from workers.metrics import WorkerMetrics
from workers.redacted_task import RedactedTask
from workers.role import begin_role
from workers.scheduled_tasks import ScheduledTasks
from workers.settings import WorkerSettings
from workers.sweep import Sweep
from workers.transport import register_transport
from workers.urgent_queues import UrgentQueues
from workers.watchdog import Watchdog
from workers.worker_info import answer_inspection
from workers.worker_status import worker_status

log = logger("seven.workers")

WORKER_METRICS_PORT, BEAT_METRICS_PORT = 9102, 9103
"""Default ports of the status servers."""

CELERY_SETTINGS: dict[str, Any] = {
    # A message is acknowledged when its task ends, also when it failed: its batches are still pending.
    "task_acks_late": True,
    # Threads: prefork hung at SIGTERM under load, and with batches threads are also faster.
    "worker_pool": "threads",
    "worker_prefetch_multiplier": 1,
    "worker_send_task_events": True,  # for Flower
    "worker_soft_shutdown_timeout": 10,
    # Survive any outage of the broker, a full Redis, and invalid messages.
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
    "broker_channel_error_retry": True,
    "beat_scheduler": "workers.scheduler:BoundedScheduler",
    "beat_max_loop_interval": BEAT_TICK_S,
}


TASK_CLASS = f"{RedactedTask.__module__}:{RedactedTask.__name__}"


def create_app(settings: WorkerSettings) -> Celery:
    """Celery with one task for each queue, and the scheduled tasks. It connects to nothing before it starts."""
    redis_url = settings.redis_url.get_secret_value()
    register_transport()
    app = Celery("seven-ingest", changes=broker(redis_url) | CELERY_SETTINGS, task_cls=TASK_CLASS)
    app.conf.worker_concurrency = settings.seven_worker_threads
    ledger, breaker = Ledger(redis_url, replicas=settings.seven_replicas_confirm), CircuitBreaker()
    engine = create_store_engine(settings.store_url, settings.seven_worker_threads + BESIDE_THREADS)
    registry = CollectorRegistry()
    shared = share_metrics(settings.prometheus_multiproc_dir, "worker")
    metrics = WorkerMetrics(registry)
    options = options_by(settings)
    store = Store(engine, settings.forgotten_register)
    traces, on_noted = create_traces(settings, "worker"), partial(announce_changes, app, ledger.redis)
    watchdog = Watchdog(ledger.redis, settings.seven_stall_s)
    consumer = Consumer(
        ledger, store, breaker, metrics, options, on_noted=on_noted, on_progress=watchdog.reset, traces=traces
    )
    auditor = Auditor(ledger, engine)
    tasks = ScheduledTasks(app, watchdog.paused)
    sweep = Sweep(
        ledger,
        partial(announce, app),
        metrics,
        overdue_s=settings.seven_overdue_s,
        at_most=settings.seven_sweep_limit,
    )

    def reconcile() -> None:
        with reconciler(settings.account, ledger.redis, engine) as reconciliation:
            reconciliation.run(apply=settings.seven_hooks_mode == "apply")

    retain = partial(Retention(ledger, engine, breaker, settings).run, partial(tasks.again, "retain"))
    scan = partial(OptOutScan(ledger, store, breaker, options).run, partial(tasks.again, "opt-outs"))
    for queue in QUEUES:
        add_consumer(app, queue, consumer)
    # these two run so often that they would bury the deliveries in Flower's history
    tasks.add(settings.seven_sweep_s, "sweep", sweep.run, in_flower=False)
    tasks.add(settings.seven_sweep_s, "mark", partial(mark_on_schedule, auditor, breaker), in_flower=False)
    tasks.add_long(settings.seven_audit_s, "audit", partial(audit_on_schedule, auditor, ledger, breaker), at_start=True)
    # not in the same moment as the audit, whose period is as long by default
    tasks.add_long(settings.seven_retain_s, "retain", retain, ahead_s=settings.seven_retain_s / 2)
    tasks.add_long(COUNT_S, "delivery-rate", partial(count_on_schedule, ledger, engine, breaker), at_start=True)
    tasks.add_long(SCAN_S, "opt-outs", scan, ahead_s=SCAN_S / 2)
    add_journal(tasks, settings, ledger, store, partial(announce, app))
    add_gateway_tasks(tasks, ledger, settings, reconcile)

    urgent = UrgentQueues(ledger, partial(consumer.consume, early=True))

    def own_queues() -> tuple[str, ...]:
        return tuple(app.amqp.queues.consume_from)

    status, address = worker_status(settings, breaker, own_queues), settings.metrics_address(WORKER_METRICS_PORT)
    serve = partial(start_status_server, address, registry, status.collectors, shared=shared, ready=status.ready)

    def close(**_: Any) -> None:
        urgent.stop()
        traces.close()
        engine.dispose()
        ledger.close()

    def begin_worker() -> None:
        answer_inspection(breaker, app.conf.worker_concurrency)
        worker_init.connect(lambda **_: serve(), weak=False)
        for start in (
            traces.start,
            urgent.start,
            tasks.request_first,
            lambda: watchdog.start(own_queues()),
        ):
            worker_ready.connect(partial(_without_arguments, start), weak=False)

    connect_signals(watchdog)
    celeryd_init.connect(partial(begin_role, app, begin_worker), weak=False)
    worker_shutdown.connect(close, weak=False)
    beat_init.connect(partial(start_beat_status, ledger, settings.metrics_address(BEAT_METRICS_PORT)), weak=False)
    return app


def add_consumer(app: Celery, queue: str, consumer: Consumer) -> None:
    """The task that consumes a queue."""

    def consume(batch_ids: list[str]) -> None:
        consumer.consume(queue, batch_ids)

    app.task(consume, name=task_name(queue))


def add_journal(
    tasks: ScheduledTasks, settings: WorkerSettings, ledger: Ledger, store: Store, announce: Announce
) -> None:
    """Schedule the reading of the gateway's journal, unless the settings keep a worker from it."""
    if settings.reads_journal:
        watch = journal_watch(settings, ledger, store, announce)
        tasks.add(LOOK_S, "journal", watch.look, ahead_s=LOOK_S / 2, in_flower=False)
        worker_shutdown.connect(lambda **_: watch.stop(), weak=False)


def add_gateway_tasks(
    tasks: ScheduledTasks, ledger: Ledger, settings: WorkerSettings, reconcile: Callable[[], None]
) -> None:
    """Schedule what asks the gateway, and what asks as the gateway does; each where its settings are there."""
    account = settings.account
    if missing := account.missing_settings:
        log.info("hooks are not watched: a setting is missing", missing=missing)
    else:
        tasks.add_long(settings.seven_hooks_s, "reconcile", reconcile, at_start=True)
    if reader := balance_reader(ledger, account, settings.seven_hooks_s):
        tasks.add_long(settings.seven_hooks_s, "balance", reader.run, at_start=True)
    if probe := public_url_probe(ledger, account, settings.seven_probe_s):
        tasks.add_long(settings.seven_probe_s, "probe", probe.run, at_start=True)


def _without_arguments(call: Callable[[], object], **_: Any) -> None:
    """Receive a signal."""
    call()


def start_beat_status(ledger: Ledger, address: str | None, sender: Any, **_: Any) -> None:
    """Start heartbeat and status server of a starting beat."""
    share_metrics(None, "beat")
    registry = CollectorRegistry()
    sender.scheduler.heartbeat = heartbeat = Heartbeat(ledger, registry, periods=sender.scheduler.periods)
    start_status_server(address, registry, alive=heartbeat.stall_reasons, ready=heartbeat.unready_reasons)


def connect_signals(watchdog: Watchdog) -> None:
    """Bound the shutdown of worker and beat, and let a worker's watchdog know of its tasks."""
    for signal in (task_prerun, task_postrun):
        signal.connect(watchdog.reset, weak=False)
    worker_ready.connect(lambda **_: install_signal_handlers(), weak=False)
    # Celery ends beat with an exception from its signal handler, which is lost where Python or a library ignores it
    beat_init.connect(lambda sender, **_: install_signal_handlers(on_first_signal=sender.stop), weak=False)


def _without_banner(instance: Any, **_: Any) -> None:
    """Keep Celery's banner off standard output."""
    instance.quiet = True


class _Beat(celery.apps.beat.Beat):  # type: ignore[misc] # Celery has no types
    def __init__(self, **options: Any) -> None:
        super().__init__(**options | {"quiet": True})


def from_environment() -> Celery:
    """The app as the environment configures it."""
    settings = load(WorkerSettings)
    configure_logging(settings.seven_log_level, settings.seven_log_format)
    setup_logging.connect(lambda **_: None, weak=False)  # otherwise Celery configures its own logging
    celeryd_init.connect(_without_banner, weak=False)
    celery.apps.worker.safe_say = lambda text, *_: log.warning(text.removeprefix("worker: "))  # otherwise not logged
    warn_of_unknown_names()
    celery_app = create_app(settings)
    celery_app.Beat = celery_app.subclass_with_self(_Beat)
    return celery_app


app = from_environment()
