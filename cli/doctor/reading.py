"""What `doctor` reads: everybody is asked at the same time, and each by itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine

from cli.checks import Silence, Together, heard
from cli.context import Context, living
from cli.database import sqlite_file
from cli.doctor import clocks, guards, hooks, machine, public_url
from cli.status_reading import PATIENCE
from gateway.client import GatewayFailure
from gateway.comparison import Comparison
from gateway.public_url import Visit
from ledger import server_info, stats
from ledger.client import Ledger
from store import database_info as store_inspecting
from store.engine import create_store_engine
from workers.worker_info import Worker


@dataclass(frozen=True, slots=True)
class Read:
    """All that was read; a Silence where somebody did not answer, None where nobody was asked."""

    at: datetime
    redis: server_info.Server | Silence
    beat_ages_s: Sequence[float] | Silence
    sent: Mapping[str, stats.Sent] | Silence
    guards: guards.Standing | Silence
    database: store_inspecting.Database | Silence
    skews: Mapping[str, clocks.Skew | Silence]
    workers: list[Worker] | Silence
    visits: list[Visit] | Silence | None
    expiries: Mapping[str, datetime]
    plan: Comparison | GatewayFailure | Silence | None
    disks: Mapping[str, tuple[int, int]]
    flower: int | None


def read(told: Context, *, offline: bool) -> Read:
    """Ask all of them. `offline` leaves out who is outside: the public URL, and the gateway."""
    settings = told.settings
    ledger = Ledger(told.redis_url, timeout_s=3)
    engine = create_store_engine(settings.store_url, 2, PATIENCE)
    addresses = None if offline else settings.account.addresses
    compares = not offline and settings.account.missing_settings is None
    try:
        with Together() as servers:
            redis = servers.ask(lambda: server_info.inspect(ledger.redis))
            beats = servers.ask(lambda: stats.beats(ledger))
            sent = servers.ask(lambda: stats.sent(ledger))
            standing = servers.ask(lambda: guards.read(ledger.redis, stats.tokens(ledger)))
            workers = servers.ask(lambda: living(ledger, told.redis_url))
            database = servers.ask(lambda: _database(engine))
            visits = servers.ask(lambda: public_url.visit(addresses)) if addresses else None
            expiries = servers.ask(lambda: public_url.expiries(addresses)) if addresses else None
            plan = servers.ask(lambda: hooks.read(settings, ledger.redis, engine)) if compares else None
            flower = servers.ask(lambda: machine.flower_status(told.flower_url))
            found, answered = database.result(), flower.result()
        expiring = expiries.result() if expiries else {}
        return Read(
            at=datetime.now(UTC),
            redis=redis.result(),
            beat_ages_s=beats.result(),
            sent=sent.result(),
            guards=standing.result(),
            database=found,
            skews=_skews(ledger, engine, found),
            workers=workers.result(),
            visits=visits.result() if visits else None,
            expiries={} if isinstance(expiring, Silence) else expiring,
            plan=plan.result() if plan else None,
            disks=machine.free(_places(told, engine)),
            flower=None if isinstance(answered, Silence) else answered,
        )
    finally:
        ledger.close()
        engine.dispose()


def _database(engine: Engine) -> store_inspecting.Database:
    file = sqlite_file(engine)
    if file is not None and not file.exists():  # to connect would make one
        raise FileNotFoundError(file)
    return store_inspecting.inspect(engine)


def _skews(
    ledger: Ledger, engine: Engine, database: store_inspecting.Database | Silence
) -> dict[str, clocks.Skew | Silence]:
    """Asked one after the other, once nobody keeps this machine busy."""
    skews = {"Redis": heard(lambda: clocks.skew(lambda: stats.clock(ledger)))}
    if isinstance(database, store_inspecting.Database) and database.dialect == "postgresql":
        skews["the database"] = heard(lambda: _database_skew(engine))
    return skews


def _database_skew(engine: Engine) -> clocks.Skew:
    with engine.connect().execution_options(reads=True) as connection:
        store_inspecting.clock(connection)  # to connect takes longer than to ask
        return clocks.skew(lambda: store_inspecting.clock(connection))


def _places(told: Context, engine: Engine) -> list[Path]:
    file = sqlite_file(engine)
    return [told.settings.seven_data_dir.resolve(), *([file.parent] if file else [])]
