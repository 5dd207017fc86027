"""Dispatcher: the process that sends changes to subscribers, `celery -A workers.app worker -Q reactions`.

It alone reads the reactions' file and reaches targets. Workers announce changes; it also looks every second, so that
nothing hangs on an announcement, and goes on without Redis, in threads of its own instead of Celery's.
"""

import sys
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NoReturn

from celery import Celery
from celery.signals import worker_init, worker_ready, worker_shutdown, worker_shutting_down
from kombu.exceptions import OperationalError
from prometheus_client import CollectorRegistry
from redis.exceptions import RedisError

from ledger.announcements import (
    DISPATCH_TASK,
    NOTIFY_TASK,
    REACTIONS,
    changes_seen,
    remote_control_channel,
    request_sender,
)
from ledger.client import Ledger
from ledger.health import unusable_reasons
from reactions.bodies import Bodies
from reactions.dispatch import Dispatch
from reactions.line import Line
from reactions.metrics import BacklogMetrics, ReactionMetrics
from reactions.reaction import Reaction
from reactions.reactions_file import InvalidReactions, read_reactions
from reactions.targets import create_target
from runtime.logs import logger
from runtime.settings.environment import load
from runtime.settings.machine import ReceiverUrlSettings
from runtime.settings.reactions import ReactionSettings
from runtime.settings.types import reveal_all
from runtime.status_server import start_status_server
from runtime.traces import create_traces
from seven.hooks import Addresses
from seven.topics import HEALTH, HEARTBEAT
from store.circuit_breaker import CircuitBreaker
from store.engine import create_store_engine
from store.outbox import Outbox
from store.row_writer import StoreAway
from workers.health_changes import HealthChanges, OwnChanges, checks_of
from workers.settings import WorkerSettings
from workers.watchdog import Watchdog
from workers.worker_info import answer_inspection

log = logger("seven.reactions")

METRICS_PORT = 9104
TICK_S = 1.0
SPARE_THREADS = 2
"""For turns, while every subscriber is sent to."""
SPARE_CONNECTIONS = 2
"""For health changes and heartbeats, and for the status server: each has a thread beside Celery's."""


class DispatcherSettings(WorkerSettings, ReactionSettings, ReceiverUrlSettings):
    """All that a dispatcher reads from its environment."""


class Dispatcher:
    """Runs turns and senders of one process."""

    def __init__(self, app: Celery, ledger: Ledger, create: Callable[[Callable[[str], None]], Dispatch]) -> None:
        """`create` makes the dispatch, from how it requests a sender."""
        self._app, self._ledger = app, ledger
        self._dispatch = create(self.request_sender)
        self._turn = threading.Lock()
        self._stopped = threading.Event()
        self._is_away = False

    def turn(self) -> None:
        """Hand out what changed. While the database is away this does nothing: all is kept there."""
        with self._turn:
            changes_seen(self._ledger.redis)
            self._try(self._dispatch.turn)

    def send(self, name: str) -> None:
        """Send to one subscriber what is due."""
        self._try(partial(self._dispatch.send, name))

    def request_sender(self, name: str) -> None:
        """Have a sender started, by Celery or, while Redis is away, here."""
        try:
            request_sender(self._app, name)
        except (OperationalError, RedisError, OSError):
            threading.Thread(target=self.send, args=(name,), name=f"send-{name}", daemon=True).start()

    def start(self) -> None:
        """Look every second, in a thread of its own."""
        threading.Thread(target=self._look, name="dispatch", daemon=True).start()

    def stop(self) -> None:
        """Let senders end after what they are sending."""
        self._stopped.set()
        self._dispatch.stop()

    def close(self) -> None:
        """Close targets, and the ledger."""
        self._dispatch.close()
        self._ledger.close()

    def _look(self) -> None:
        while not self._stopped.wait(TICK_S):
            try:
                self.turn()
            except Exception:
                log.exception("a turn failed")

    def _try(self, work: Any) -> None:
        try:
            work()
        except StoreAway as error:
            if not self._is_away:
                log.warning("changes wait: the database does not answer", cause=str(error))
            self._is_away = True
        else:
            self._is_away = False


def begin_dispatcher(app: Celery) -> None:
    """Make this process a dispatcher. Ends it with 2 where its settings or the reactions' file are invalid."""
    settings = load(DispatcherSettings)
    reactions = _reactions(settings)
    threads = sum(each.concurrency for each in reactions) + SPARE_THREADS
    ledger = Ledger(settings.redis_url.get_secret_value())
    outbox = Outbox(create_store_engine(settings.store_url, threads + SPARE_CONNECTIONS))
    registry = CollectorRegistry()
    metrics = ReactionMetrics(registry, (each.name for each in reactions))
    lines = [Line(each, create_target(each)) for each in reactions]
    receiver_url = settings.seven_receiver_url or "http://127.0.0.1:8000"
    health = HealthChanges(outbox.engine, checks_of(settings, receiver_url))
    wants_health = any(each.topics.intersection(HEALTH) for each in reactions)
    heartbeats = {each.name: each.heartbeat_s for each in reactions if HEARTBEAT in each.topics}
    own_changes = OwnChanges(outbox.engine, health if wants_health else None, heartbeats)
    bodies = Bodies(outbox.engine, health.finding)
    traces = create_traces(settings, "dispatcher")
    dispatcher = Dispatcher(app, ledger, partial(Dispatch, outbox, lines, bodies, metrics, traces=traces))
    app.task(dispatcher.turn, name=DISPATCH_TASK, send_events=False)
    app.task(dispatcher.send, name=NOTIFY_TASK)
    watchdog = Watchdog(ledger.redis, settings.seven_stall_s)
    answer_inspection(CircuitBreaker(), threads)
    start_status_server(
        settings.metrics_address(METRICS_PORT),
        registry,
        (BacklogMetrics(outbox),),
        ready=partial(unready_reasons, ledger, outbox),
    )

    def size_pool(sender: Any, **_: Any) -> None:
        sender.concurrency = threads  # also against -c: with fewer, a slow target would delay others

    def begin(**_: Any) -> None:
        traces.start()
        watchdog.start((REACTIONS,))
        dispatcher.start()
        own_changes.start()

    def close(**_: Any) -> None:
        own_changes.stop()
        dispatcher.close()
        traces.close()
        outbox.engine.dispose()

    worker_init.connect(size_pool, weak=False)
    worker_ready.connect(begin, weak=False)
    worker_shutting_down.connect(lambda **_: dispatcher.stop(), weak=False)
    worker_shutdown.connect(close, weak=False)


def unready_reasons(ledger: Ledger, outbox: Outbox) -> list[str]:
    """Reasons why nothing could be sent now."""
    reasons = unusable_reasons(ledger.redis, remote_control_channel(ledger.redis), (REACTIONS,))
    try:
        outbox.transact(lambda _, now: now, reads=True)
    except StoreAway as error:
        reasons.append(f"the database does not answer ({error})")
    return reasons


def _reactions(settings: DispatcherSettings) -> list[Reaction]:
    if settings.seven_reactions_file is None:
        _end(["SEVEN_REACTIONS_FILE is not set: it names the file of reactions, see docs/react.md"])
    own = Addresses(settings.seven_public_url, reveal_all(settings.seven_hook_token))
    try:
        return read_reactions(settings.seven_reactions_file, own)
    except InvalidReactions as error:
        _end(error.faults)


def _end(faults: Sequence[str]) -> NoReturn:
    for fault in faults:
        sys.stderr.write(f"{fault}\n")
    raise SystemExit(2)
