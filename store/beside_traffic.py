"""Beside traffic: migrations outside of a transaction that keep nobody waiting for longer than a lock's time limit.

A killed run leaves what the next one continues: an index that is not valid is dropped and built again.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from alembic import op
from alembic.util.exc import CommandError
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from store import transactions
from store.errors import sqlstate
from store.exclusive_lock import ATTEMPTS, PATIENCE, PAUSE_S
from store.schema import SCHEMA
from store.timeouts import GuardedConnection, lift_bounds

_BUSY = {"55P03", "40P01"}  # lock not available, deadlock
_GONE = "42P01"  # no such table
_STATE = text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")
_IS_PARTITIONED = text("SELECT relkind = 'p' FROM pg_class WHERE oid = to_regclass(:table)")
_WITHOUT = text(  # partitions of a table without a part of an index
    "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = to_regclass(:table)"
    " AND NOT EXISTS (SELECT FROM pg_index JOIN pg_inherits AS part ON part.inhrelid = indexrelid"
    " WHERE indrelid = pg_class.oid AND part.inhparent = to_regclass(:index)) ORDER BY relname"
)


@dataclass(frozen=True, slots=True)
class NewIndex:
    """An index as a migration makes it; `columns` and `where` are SQL."""

    table: str
    name: str
    columns: str
    where: str | None = None

    @property
    def definition(self) -> str:
        """Its columns and its condition."""
        return f"({self.columns})" + (f" WHERE {self.where}" if self.where else "")


@contextmanager
def outside_transaction() -> Iterator[Engine]:
    """Commit what the migrations did so far, and go on in a new transaction afterwards; on PostgreSQL alone."""
    with op.get_context().autocommit_block():
        yield op.get_bind().engine
    lift_bounds(op.get_bind())


def in_short_transaction(engine: Engine, work: Callable[[Connection], Any]) -> Any:
    """Run work in a transaction whose wait for a lock is short, again and again until no lock is in its way.

    Raises CommandError where one is for minutes.
    """
    for _ in range(ATTEMPTS):
        try:
            with engine.begin() as connection:
                lift_bounds(connection)
                connection.execute(text(f"SET LOCAL lock_timeout = '{PATIENCE}'"))
                return work(connection)
        except DBAPIError as error:
            if sqlstate(error) not in _BUSY:
                raise
            time.sleep(PAUSE_S)
    raise CommandError("another transaction keeps a table locked: end it, then migrate again")


def build_index(engine: Engine, index: NewIndex) -> None:
    """Build an index of a table of PostgreSQL, with its partitions, unless it is there and valid.

    Partitions that are made meanwhile get it as they are attached.
    """
    name, table = f"{SCHEMA}.{index.name}", f"{SCHEMA}.{index.table}"
    with engine.connect().execution_options(reads=True) as connection:
        partitioned = connection.execute(_IS_PARTITIONED, {"table": table}).scalar_one()
    if not partitioned:
        _build(engine, index.table, index.name, index.definition)
        return
    parent = f"CREATE INDEX IF NOT EXISTS {index.name} ON ONLY {table} {index.definition}"
    in_short_transaction(engine, _statement(parent))
    while parts := _partitions_without(engine, table, name):
        for part in parts:
            child = f"ix_{part}_{index.name.removeprefix(f'ix_{index.table}_')}"[:63]
            attach = f"ALTER INDEX {name} ATTACH PARTITION {SCHEMA}.{child}"
            try:
                _build(engine, part, child, index.definition)
                in_short_transaction(engine, _statement(attach))
            except DBAPIError as error:  # retention may have dropped the partition
                if sqlstate(error) != _GONE or part in _partitions_without(engine, table, name):
                    raise


def drop_index(engine: Engine, name: str) -> None:
    """Drop an index of PostgreSQL if it is there."""
    in_short_transaction(engine, _statement(f"DROP INDEX IF EXISTS {SCHEMA}.{name}"))


def analyze(engine: Engine, table: str) -> None:
    """Let PostgreSQL's planner know a table, however long that takes."""
    in_short_transaction(engine, _statement(f"ANALYZE {SCHEMA}.{table}"))


def _statement(statement: str) -> Callable[[Connection], Any]:
    return lambda connection: connection.exec_driver_sql(statement)


def _partitions_without(engine: Engine, table: str, index: str) -> list[str]:
    with engine.connect().execution_options(reads=True) as connection:
        return list(connection.execute(_WITHOUT, {"table": table, "index": index}).scalars())


def _build(engine: Engine, table: str, name: str, definition: str) -> None:
    """Build an index of one table. Deadlocks with a build that a killed run left behind in the server are retried."""
    for _ in range(ATTEMPTS):
        with engine.connect().execution_options(reads=True) as connection:
            valid = connection.execute(_STATE, {"name": f"{SCHEMA}.{name}"}).scalar_one_or_none()
        if valid:
            return
        try:
            with _autocommit(engine) as connection:
                if valid is False:
                    connection.exec_driver_sql(f"DROP INDEX CONCURRENTLY IF EXISTS {SCHEMA}.{name}")
                connection.exec_driver_sql(f"CREATE INDEX CONCURRENTLY {name} ON {SCHEMA}.{table} {definition}")
        except DBAPIError as error:
            if sqlstate(error) not in _BUSY:
                raise
            time.sleep(PAUSE_S)
    raise CommandError(f"another transaction keeps {name} from being built: end it, then migrate again")


@contextmanager
def _autocommit(engine: Engine) -> Iterator[Connection]:
    """A connection whose statements are transactions of their own, without time limits.

    Behind a pooler the limits of its sessions hold: there, a setting would reach other clients.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        driver: Any = connection.connection.dbapi_connection
        guarded = driver if isinstance(driver, GuardedConnection) else None
        patience, pooled = driver.patience, transactions.is_pooled(driver)
        if guarded is not None:
            guarded.patience = replace(patience, statement_s=math.inf, ping_s=math.inf, transaction_s=math.inf)
        try:
            if not pooled:
                connection.exec_driver_sql("SET statement_timeout = 0")
                connection.exec_driver_sql("SET lock_timeout = 0")
            yield connection
        finally:
            if not pooled and not driver.closed:
                connection.exec_driver_sql("RESET statement_timeout")
                connection.exec_driver_sql("RESET lock_timeout")
            driver.patience = patience
