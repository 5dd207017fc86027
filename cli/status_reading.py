"""What `status` reads: each server by itself and at the same time, for a screen at three in the morning."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine

from cli.checks import Silence, Together
from cli.context import Context, Receiver, living, receivers
from cli.database import sqlite_file
from gateway.hook_state import HookState, HookStates
from ledger.client import Ledger
from ledger.stats import LedgerStats, ledger_stats
from operations.audit_schedule import recall
from seven.events import EVENT_TYPES, QUEUES
from store.engine import create_store_engine
from store.migrate import current, newest
from store.row_counts import RowCounts, count_rows
from store.timeouts import Patience
from workers.settings import WorkerSettings
from workers.worker_info import Worker

PATIENCE = Patience(statement_s=5, ping_s=3, connect_s=2, transaction_s=8)
"""With a database that is asked by somebody who waits."""


@dataclass(frozen=True, slots=True)
class InRedis:
    """What Redis knows."""

    ledger: LedgerStats
    hooks: HookState
    audit: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Unmigrated:
    """That the database has no tables of today."""

    version: str | None


@dataclass(frozen=True, slots=True)
class Status:
    """All that was read; a Silence where somebody did not answer."""

    at: datetime
    redis: InRedis | Silence
    store: RowCounts | Unmigrated | Silence
    workers: list[Worker] | Silence
    receivers: list[Receiver] | Silence


def read(told: Context) -> Status:
    """Ask all of them. Each wait is bounded: those who are away cost some seconds."""
    ledger = Ledger(told.redis_url, timeout_s=2)
    engine = create_store_engine(told.settings.store_url, 1, PATIENCE)
    at = datetime.now(UTC)
    try:
        with Together() as servers:
            redis = servers.ask(lambda: _redis(ledger, told.settings))
            workers = servers.ask(lambda: living(ledger, told.redis_url))
            store = servers.ask(lambda: _store(engine, at))
            asked = servers.ask(lambda: receivers(told.receiver_url))
            return Status(at, redis.result(), store.result(), workers.result(), asked.result())
    finally:
        ledger.close()
        engine.dispose()


def _redis(ledger: Ledger, settings: WorkerSettings) -> InRedis:
    memories = HookStates(ledger.redis, settings.account.identity)
    return InRedis(ledger_stats(ledger, QUEUES), memories.recall(), recall(ledger.redis))


def _store(engine: Engine, at: datetime) -> RowCounts | Unmigrated:
    file = sqlite_file(engine)
    if file is not None and not file.exists():  # to connect would make one
        return Unmigrated(None)
    version = current(engine)
    if version is None or version < newest():
        return Unmigrated(version)
    with engine.connect().execution_options(reads=True) as connection:
        return count_rows(connection, at, frozenset(EVENT_TYPES))
