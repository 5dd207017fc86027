"""Migrate: brings a database to the current schema, beside traffic, also while other processes try the same."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, text

from store.advisory_locks import MIGRATION, MIGRATION_BEFORE
from store.comments import set_comments
from store.database_roles import renew_rights
from store.partitions import PARTITIONED, drop_past, provide
from store.schema import SCHEMA
from store.timeouts import lift_bounds
from store.version import newest, read_version

_PAUSE_S = 0.2
_EMPTY_FOR = timedelta(weeks=52)
"""Weeks that ended so long ago, and have no rows, get none."""


def migrate(engine: Engine, to: str = "head") -> tuple[str | None, str]:
    """Bring the database to the current schema. Returns its version before and after, equal if it was current.

    A newer schema stays as it is: migrations only add, so an older program works with it, after a rollback for example.
    Its partitions are made and dropped all the same.
    A run that was killed leaves nothing that the next one does not continue or make again.
    """
    if engine.dialect.name != "postgresql":
        with engine.begin() as connection:  # its write lock excludes others
            before = read_version(connection)
            if before is not None and before > newest():
                return before, before
            upgrade(connection, to)
            return before, newest() if to == "head" else to
    with _alone(engine):
        with _transaction(engine) as connection:
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
            before = read_version(connection)
        newer = before if before is not None and before > newest() else None
        if newer is None:
            with engine.connect() as connection:
                upgrade(connection, to)
        with _transaction(engine) as connection:
            for table in PARTITIONED:
                provide(connection, table, datetime.now(UTC), patient=True)
        _drop_empty_weeks(engine)
        if newer is not None:
            return newer, newer
        with _transaction(engine) as connection:
            set_comments(connection)
        if to == "head":
            renew_rights(engine)
    return before, newest() if to == "head" else to


def upgrade(connection: Connection, to: str) -> None:
    """Run the migrations up to a version: in transactions of their own, or in that of the connection if it is in one.

    Only in the first way can migrations run that build indexes beside traffic.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, to)


def _drop_empty_weeks(engine: Engine) -> None:
    """Drop old partitions without rows, one per transaction: workers whose role owns nothing leave them behind."""
    for table in PARTITIONED:
        before = datetime.now(UTC) - _EMPTY_FOR
        dropped: int | None = 0
        while dropped is not None:
            with engine.begin() as connection:
                dropped = drop_past(connection, table, before, only_empty=True)


@contextmanager
def _alone(engine: Engine) -> Iterator[None]:
    """Exclude other migrations, by a lock of a transaction, since a pooler would lose one of a session.

    CREATE INDEX CONCURRENTLY waits for every snapshot, and this transaction is idle without one meanwhile. The others
    do not wait in a statement, which has one, but try again and again in transactions of their own.
    """
    while True:
        with _transaction(engine) as connection:
            if connection.exec_driver_sql(f"SELECT pg_try_advisory_xact_lock({MIGRATION})").scalar_one():
                # the last statement has no parameters: one with them, or a prepared one, keeps its snapshot
                connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
                yield
                return
        time.sleep(_PAUSE_S)


@contextmanager
def _transaction(engine: Engine) -> Iterator[Connection]:
    """A transaction without time limits."""
    with engine.begin() as connection:
        lift_bounds(connection)
        yield connection


def exclude_earlier_versions(connection: Connection) -> None:
    """Wait until no earlier version of ours migrates, and keep it from that until this transaction ends."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_BEFORE})
