"""Registry: all checks, by concern; `status` runs those about now, `doctor` those about later."""

from collections.abc import Callable, Iterable, Iterator
from urllib.parse import urlsplit

from ledger.stats import LedgerStats
from operations.checks import (
    balance,
    clocks,
    database,
    erasure_key,
    flow,
    hooks,
    journal,
    machine,
    processes,
    public_url,
    reactions,
    receivers,
    redis_server,
    schedules,
    secret_strength,
    verification,
)
from operations.checks.check import Check, Unread, good, unknown, warning, wrong
from operations.checks.readings import DoctorReadings, RedisReadings, StatusReadings, Unmigrated
from operations.checks.subject import Subject
from runtime.redis_url import RedisServer
from runtime.settings.registry import unknown_names
from store.row_counts import RowCounts


def _in_ledger(now: StatusReadings, subject: Subject) -> Iterator[Check]:
    if isinstance(now.redis, Unread):
        finding = f"Redis does not answer ({now.redis.reason})"
        yield unknown("ledger", finding, "start it on its own file; nothing is lost")
        return
    yield flow.room(now.redis.ledger, subject.settings)
    yield flow.applied(now.redis.ledger, subject.settings)


def _tables(now: StatusReadings, _: Subject) -> Iterator[Check]:
    store = now.store
    if isinstance(store, Unread):
        finding = f"it does not answer: {store.reason}"
        yield unknown("database", finding, "bring it back; until then everything waits in the ledger")
    elif isinstance(store, Unmigrated):
        version = store.version
        older = f"it is at version {version}, an older one"
        finding = "it has none of seven-ingest's tables" if version is None else older
        yield wrong("database", finding, "seven-ingest migrate")
    else:
        yield good("database", "answers, and is migrated")


def _scheduled(now: StatusReadings, subject: Subject) -> Iterator[Check]:
    if not isinstance(now.redis, RedisReadings):
        yield unknown("beat, hooks, audit", "Redis knows")
        return
    ledger = now.redis.ledger
    yield processes.beat(ledger)
    missing = hooks.unconfigured(subject.account) if subject.knows_account else None
    yield missing or hooks.reconciled(now.redis.hooks, subject.settings, ledger.figures.now)
    if now.redis.balance is not None:
        settings = subject.settings
        yield balance.check(
            now.redis.balance, settings.seven_hooks_s, settings.seven_balance_low_euros, ledger.figures.now
        )
    if now.redis.journal is not None:
        counts = now.store.missed_webhooks if isinstance(now.store, RowCounts) else None
        every_s, at = subject.settings.seven_backfill_s, ledger.figures.now
        yield journal.check(now.redis.journal, counts, every_s, at, emulated=subject.emulated)
    yield schedules.audit(now.redis.audit, subject.settings, ledger.figures.now)
    yield from schedules.retention(ledger, subject.settings)


def _flow(now: StatusReadings, _: Subject) -> Iterator[Check]:
    yield flow.coming_in(_stats(now), _rows(now), can_send=receivers.any_ready(now.receivers))


def _stats(now: StatusReadings) -> LedgerStats | None:
    return None if isinstance(now.redis, Unread) else now.redis.ledger


def _rows(now: StatusReadings) -> RowCounts | None:
    return now.store if isinstance(now.store, RowCounts) else None


NOW: dict[str, Callable[[StatusReadings, Subject], Iterable[Check]]] = {
    "coming in": _flow,
    "receivers": lambda now, _: [receivers.check(now.receivers)],
    "replicas": lambda now, subject: processes.replicas(now.workers, now.receivers, subject.replicas),
    "ledger": _in_ledger,
    "workers": lambda now, _: [processes.working(now.workers)],
    "database": _tables,
    "not applied": lambda now, _: flow.unapplied(_rows(now)),
    "schedules": _scheduled,
    "reactions": lambda now, _: reactions.check(now.reactions, now.dispatchers),
}
"""In the order in which a delivery travels."""


def _database(later: DoctorReadings, subject: Subject) -> Iterator[Check]:
    workers = [] if isinstance(later.workers, Unread) else later.workers
    threads = max((worker.threads for worker in workers), default=subject.settings.seven_worker_threads)
    yield from database.checks(later.database, database.wanted(max(1, len(workers)), threads))
    if later.reader is not None:
        yield database.reader(later.reader)


def _outside(later: DoctorReadings, subject: Subject) -> Iterator[Check]:
    if later.offline:
        yield good("outside", "nothing was asked: --offline")
        return
    if later.visits is None:
        finding = "SEVEN_PUBLIC_URL or SEVEN_HOOK_TOKEN is not set: unknown whether the gateway reaches us"
        yield warning("public URL", finding, "set both")
    elif isinstance(later.visits, Unread):
        yield unknown("public URL", later.visits.reason)
    else:
        yield from public_url.checks(later.visits, later.expiries, later.at)
    if missing := hooks.unconfigured(subject.account):
        yield missing
    elif later.comparison is not None:
        yield hooks.compared(later.comparison, subject.settings.seven_hooks_mode)


def _secrets(later: DoctorReadings, subject: Subject) -> Iterator[Check]:
    used_at = None if isinstance(later.verifiers, Unread) else later.verifiers.tokens
    yield from secret_strength.checks(subject.settings, subject.page_passwords, used_at, emulated=subject.emulated)
    yield erasure_key.check(subject.erasure_key, later.hashes)


def _machine(later: DoctorReadings, subject: Subject) -> Iterator[Check]:
    alone = machine.is_local(urlsplit(subject.flower_url).hostname)
    return machine.checks(later.disks, machine.open_files(), unknown_names(), later.flower, alone=alone)


LATER: dict[str, Callable[[DoctorReadings, Subject], Iterable[Check]]] = {
    "The ledger: Redis": lambda later, subject: redis_server.checks(
        later.redis,
        subject.settings.seven_ledger_limit,
        subject.settings.seven_replicas_confirm,
        fails_over=RedisServer.parse(subject.redis_url).sentinels is not None,
    ),
    "The database": _database,
    "Clocks": lambda later, _: clocks.checks(later.skews),
    "Processes": lambda later, subject: processes.checks(later.workers, later.ledger, subject.settings),
    "From outside": _outside,
    "Guards": lambda later, subject: verification.checks(later.verifiers, subject.settings, later.at),
    "Secrets": _secrets,
    "Here": _machine,
}
"""By concern, as `doctor` shows them."""


def judge_now(now: StatusReadings, subject: Subject) -> list[Check]:
    """Every check about now."""
    return [check for judge in NOW.values() for check in judge(now, subject)]


def judge_later(later: DoctorReadings, subject: Subject) -> dict[str, list[Check]]:
    """Every check about later, by concern."""
    return {concern: list(judge(later, subject)) for concern, judge in LATER.items()}
