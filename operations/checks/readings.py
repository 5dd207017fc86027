"""Readings: what checks judge, read from all servers at once; an Unread where one did not answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine

from gateway.api import GatewayFailure
from gateway.balance_state import BalanceState
from gateway.comparison import Comparison
from gateway.hook_state import HookState, HookStates, latest_state
from gateway.public_url import Visit
from ledger import server_info
from ledger.client import Ledger
from ledger.clock import clock
from ledger.stats import LedgerStats, ledger_stats
from operations.audit_schedule import load_figures
from operations.checks import balance, clocks, hooks, journal, machine, public_url, receivers, verification
from operations.checks.check import Queries, Unread, answer_of
from operations.checks.receivers import ReceiverAnswer
from operations.checks.subject import Subject
from operations.journal_state import JournalState
from operations.reaction_states import ReactionState, read_reaction_states
from operations.worker_info import Worker, answering_workers, consumers, dispatchers
from seven.events import EVENT_TYPES, QUEUES
from store import database_info
from store.database_info import Database
from store.engine import create_store_engine, missing_file
from store.forgotten import HashCounts, count_hashes
from store.reader_role import ReaderRights, reader_rights
from store.row_counts import RowCounts, count_rows
from store.row_writer import NotMigrated, StoreAway
from store.transactions import Patience
from store.version import current, newest

PATIENCE = Patience(statement_s=5, ping_s=3, connect_s=2, transaction_s=8)
"""With a database while a person waits."""


@dataclass(frozen=True, slots=True)
class RedisReadings:
    """What Redis knows."""

    ledger: LedgerStats
    hooks: HookState
    audit: Mapping[str, Any] | None
    balance: BalanceState | None
    """None where none is read."""
    journal: JournalState | None = None
    """None where it is not read."""


@dataclass(frozen=True, slots=True)
class Unmigrated:
    """The database lacks the current tables."""

    version: str | None


@dataclass(frozen=True, slots=True)
class StatusReadings:
    """Readings for the checks about now."""

    at: datetime
    redis: RedisReadings | Unread
    store: RowCounts | Unmigrated | Unread
    workers: list[Worker] | Unread
    """Those that consume deliveries."""
    receivers: list[ReceiverAnswer] | Unread
    dispatchers: list[Worker] | Unread
    reactions: list[ReactionState] | Unread


@dataclass(frozen=True, slots=True)
class DoctorReadings:
    """Readings for the checks about later; None where nothing was asked."""

    at: datetime
    redis: server_info.Server | Unread
    ledger: LedgerStats | Unread
    verifiers: verification.Verifiers | Unread
    database: Database | Unread
    skews: Mapping[str, clocks.Skew | Unread]
    workers: list[Worker] | Unread
    offline: bool
    visits: list[Visit] | Unread | None
    expiries: Mapping[str, datetime]
    comparison: Comparison | GatewayFailure | Unread | None
    disks: Mapping[str, tuple[int, int]]
    flower: int | None
    reader: ReaderRights | Unread | None = None
    """The role of SEVEN_READER_URL; None where it is not set."""
    hashes: HashCounts | Unread | None = None
    """The forgotten numbers; None without tables of ours."""


def _reactions(engine: Engine) -> list[ReactionState] | Unread:
    if missing_file(engine.url):
        return []
    try:
        return read_reaction_states(engine, counts_settled=False)
    except NotMigrated:
        return []
    except StoreAway as error:
        return Unread(str(error))


def read_now(subject: Subject) -> StatusReadings:
    """Read for `status`. Each wait is bounded: an unreachable server costs some seconds."""
    ledger = Ledger(subject.redis_url, timeout_s=2)
    engine = create_store_engine(subject.store_url, 1, PATIENCE)
    at = datetime.now(UTC)
    try:
        with Queries() as queries:
            redis = queries.start(lambda: _in_redis(ledger, subject))
            workers = queries.start(lambda: answering_workers(ledger, subject.redis_url))
            store = queries.start(lambda: _rows(engine, at))
            receiver = queries.start(lambda: receivers.read(subject.receiver_url))
            reactions = queries.start(lambda: _reactions(engine))
            answers = workers.result()
            return StatusReadings(
                at,
                redis.result(),
                store.result(),
                consumers(answers) if isinstance(answers, list) else answers,
                receiver.result(),
                dispatchers(answers) if isinstance(answers, list) else answers,
                reactions.result(),
            )
    finally:
        ledger.close()
        engine.dispose()


def read_later(subject: Subject, *, offline: bool) -> DoctorReadings:
    """Read for `doctor`. `offline` leaves out what is outside: the public URL, and the gateway."""
    ledger = Ledger(subject.redis_url, timeout_s=3)
    engine = create_store_engine(subject.store_url, 2, PATIENCE)
    addresses = None if offline else subject.account.addresses
    compares = not offline and subject.account.missing_settings is None
    try:
        with Queries() as queries:
            redis = queries.start(lambda: server_info.inspect(ledger.redis))
            statistics = queries.start(lambda: ledger_stats(ledger, QUEUES))
            verifiers = queries.start(lambda: verification.read(ledger.redis))
            workers = queries.start(lambda: answering_workers(ledger, subject.redis_url))
            database = queries.start(lambda: _database(engine))
            hashes = queries.start(lambda: _hashes(engine, subject))
            reader = queries.start(lambda: _reader(subject.reader_url or "")) if subject.reader_url else None
            visits = queries.start(lambda: public_url.visit(addresses)) if addresses else None
            expiries = queries.start(lambda: public_url.expiries(addresses)) if addresses else None
            comparison = queries.start(lambda: hooks.read(subject.account, ledger.redis, engine)) if compares else None
            flower = queries.start(lambda: machine.flower_status(subject.flower_url))
        expiring = expiries.result() if expiries else {}
        status, answers = flower.result(), workers.result()
        return DoctorReadings(
            at=datetime.now(UTC),
            redis=redis.result(),
            ledger=statistics.result(),
            verifiers=verifiers.result(),
            database=database.result(),
            skews=_skews(ledger, engine, database.result()),
            workers=answers if isinstance(answers, Unread) else consumers(answers),
            offline=offline,
            visits=visits.result() if visits else None,
            expiries={} if isinstance(expiring, Unread) else expiring,
            comparison=comparison.result() if comparison else None,
            disks=machine.free(subject.places),
            flower=None if isinstance(status, Unread) else status,
            reader=reader.result() if reader else None,
            hashes=hashes.result(),
        )
    finally:
        ledger.close()
        engine.dispose()


def _in_redis(ledger: Ledger, subject: Subject) -> RedisReadings:
    if subject.knows_account:
        state = HookStates(ledger.redis, subject.account.identity).load()
    else:
        state = latest_state(ledger.redis)
    left = balance.read(ledger.redis, subject.account, knows_account=subject.knows_account)
    read = journal.read(ledger.redis, subject)
    return RedisReadings(ledger_stats(ledger, ledger.queues()), state, load_figures(ledger.redis), left, read)


def _rows(engine: Engine, at: datetime) -> RowCounts | Unmigrated:
    if missing_file(engine.url):
        return Unmigrated(None)
    version = current(engine)
    if version is None or version < newest():
        return Unmigrated(version)
    with engine.connect().execution_options(reads=True) as connection:
        return count_rows(connection, at, frozenset(EVENT_TYPES))


def _database(engine: Engine) -> Database:
    if file := missing_file(engine.url):
        raise FileNotFoundError(file)
    return database_info.inspect(engine)


def _hashes(engine: Engine, subject: Subject) -> HashCounts | None:
    if missing_file(engine.url) or (current(engine) or "") < newest():
        return None
    with engine.connect().execution_options(reads=True) as connection:
        return count_hashes(connection, subject.erasure_key)


def _reader(url: str) -> ReaderRights:
    engine = create_store_engine(url, 1, PATIENCE)
    try:
        return reader_rights(engine)
    finally:
        engine.dispose()


def _skews(ledger: Ledger, engine: Engine, database: Database | Unread) -> dict[str, clocks.Skew | Unread]:
    """Read one after the other, once no other query keeps this machine busy."""
    skews = {"Redis": answer_of(lambda: clocks.skew(lambda: clock(ledger.redis)))}
    if isinstance(database, Database) and database.dialect == "postgresql":
        skews["the database"] = answer_of(lambda: _database_skew(engine))
    return skews


def _database_skew(engine: Engine) -> clocks.Skew:
    with engine.connect().execution_options(reads=True) as connection:
        database_info.clock(connection)  # connecting takes longer than the query
        return clocks.skew(lambda: database_info.clock(connection))
