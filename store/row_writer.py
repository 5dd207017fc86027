"""Row writer: merges records into their tables, all in one transaction."""

import time
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from itertools import groupby
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from runtime.logs import logger
from seven.forgotten_numbers import ForgottenNumbers
from seven.record import Record, fold
from store import fence, inbound_ids
from store.changes import NO_DEMAND, Deliveries, Demand, demanded_topics, merge_and_note
from store.engine import expire
from store.error_reasons import database_reason
from store.errors import (
    IdTaken,
    RowAppeared,
    is_of_driver,
    is_of_statement,
    is_race,
    is_refusal,
    is_unmigrated,
    sqlstate,
)
from store.forgotten import NO_REGISTER, ForgottenRegister
from store.transactions import TRANSACTION_S
from store.upsert import upsert

Result = TypeVar("Result")

log = logger("seven.workers")

RACES = 5  # attempts before a deadlock counts as an outage


class StoreAway(Exception):  # noqa: N818 - a state, not a fault
    """The database accepts no writes now. Nothing was written; hold and retry."""


class Hindered(StoreAway):
    """The database works, and refused this transaction: another session's lock, a missing right. Others may succeed."""


class NotMigrated(StoreAway):
    """The database lacks a table or column of the current schema: run `seven-ingest migrate`."""


class Refused(Exception):  # noqa: N818 - a fact about the rows
    """These rows can never be written; its text is the reason. Nothing was written."""


_NOT_ABOUT_ROWS = (StoreAway, fence.Fenced, RowAppeared, SQLAlchemyError, OSError, MemoryError)
"""Of a server or of this machine: the same rows may be written later."""


def unwritable_reason(error: Exception) -> str | None:
    """Why the rows that this error is about can never be written: as the database says, or for a fault of ours.

    None where a server or this machine failed. The error's own text would quote the rows.
    """
    if isinstance(error, (Refused, IdTaken)):
        return str(error)
    if is_refusal(error):
        return f"refused by the database: {error_reason(error)}"
    is_ours = not isinstance(error, _NOT_ABOUT_ROWS) and not is_of_driver(error)
    return f"could not be merged: {type(error).__name__}" if is_ours else None


def fold_rows(records: Iterable[Record]) -> list[Record]:
    """Fold records. Raises Refused for a fault in them, such as a key without a value."""
    try:
        return fold(records)
    except MemoryError:
        raise
    except Exception as error:
        raise Refused(f"could not be merged: {type(error).__name__}") from error


class Store:
    """Transactions on the store's database."""

    def __init__(self, engine: Engine, register: ForgottenRegister = NO_REGISTER) -> None:
        self.engine, self.register = engine, register
        self.forgotten: ForgottenNumbers | None = None
        """Of a fenced store, the numbers that were forgotten when it was made."""
        self._demand = NO_DEMAND
        self._on_noted: Callable[[], object] = lambda: None
        self._generation: int | None = None

    def noting(self, topics: frozenset[str], on_noted: Callable[[], object] = lambda: None) -> "Store":
        """A store that notes changes of these topics in the same transactions, and calls `on_noted` afterwards."""
        store = copy(self)
        store._demand, store._on_noted = Demand(topics), on_noted
        return store

    def demanded_topics(self) -> frozenset[str]:
        """The topics that somebody subscribes to now. Raises StoreAway."""
        try:
            with self.engine.connect().execution_options(reads=True) as connection:
                return demanded_topics(connection)
        except SQLAlchemyError as error:
            raise self._away(error) from None

    def fenced(self) -> "Store":
        """A store whose transactions raise Fenced once an erasure has begun since now. Raises StoreAway."""
        store = copy(self)
        try:
            with self.engine.connect().execution_options(reads=True) as connection:  # waits for no writer of SQLite
                store._generation = fence.current(connection)
                store.forgotten = self.register.read(connection, store._generation)
        except SQLAlchemyError as error:
            raise self._away(error) from None
        return store

    def write(self, records: Iterable[Record]) -> None:
        """Merge the records into their tables; on return they are on disk. Raises StoreAway, Refused or Fenced."""
        rows = list(records)
        folded = fold_rows(rows)

        def attempt(connection: Connection) -> int:
            inbound_ids.lock(connection, rows)
            inbound_ids.refuse_others(connection, rows)
            return merge_rows(connection, folded, self._demand)

        try:
            self._note(attempt)
        except Refused:
            raise
        except Exception as error:
            if reason := unwritable_reason(error):
                raise Refused(reason) from error
            raise

    def write_apart(self, groups: Sequence[Sequence[Record]], bury: Callable[[int, str], Iterable[Record]]) -> None:
        """Merge groups of records one by one, still in one transaction. Raises StoreAway or Fenced.

        `bury(index, reason)` returns the records that replace a group which cannot be written.
        """

        def attempt(connection: Connection) -> int:
            inbound_ids.lock(connection, (record for group in groups for record in group))
            noted = 0
            for index, group in enumerate(groups):
                try:
                    with connection.begin_nested():
                        inbound_ids.refuse_others(connection, group)
                        changed = merge_rows(connection, fold_rows(group), self._demand)
                except Exception as error:
                    reason = unwritable_reason(error)
                    if reason is None:
                        raise
                    changed = merge_rows(connection, fold_rows(bury(index, reason)), self._demand)
                noted += changed
            return noted

        self._note(attempt)

    def _note(self, work: Callable[[Connection], int]) -> None:
        """Run work that returns how many changes it noted."""
        if self.transact(work):
            self._on_noted()

    def transact(self, work: Callable[[Connection], Result]) -> Result:
        """Run work in one transaction, and return its result; after a race between writers it is run again.

        Raises StoreAway, Refused or Fenced.
        """
        for attempt in range(1, RACES + 1):
            try:
                with self.engine.begin() as connection:
                    fence.enter(connection, self._generation)
                    return _in_time(work, connection)
            except Exception as error:
                if is_race(error) and attempt < RACES:
                    log.info("two writers collided; trying again", attempt=attempt, at_most=RACES)
                elif isinstance(error, RowAppeared):
                    raise StoreAway("other writers were always first") from None
                elif is_refusal(error):
                    raise Refused(unwritable_reason(error)) from None  # its text would quote the row
                elif isinstance(error, SQLAlchemyError):
                    raise self._away(error) from None
                else:
                    raise
        raise AssertionError

    def _away(self, error: SQLAlchemyError) -> "StoreAway":
        """The failure to raise; no older connection is used again."""
        expire(self.engine)
        hindered = Hindered if is_of_statement(error) else StoreAway
        return (NotMigrated if is_unmigrated(error) else hindered)(database_reason(error))


def _in_time(work: Callable[[Connection], Result], connection: Connection) -> Result:
    """Do the work, but refuse a commit that comes too late. PostgreSQL enforces that itself since version 17."""
    began = time.monotonic()
    result = work(connection)
    if time.monotonic() - began > TRANSACTION_S:
        raise StoreAway("too slow")
    return result


def merge_rows(connection: Connection, folded: Sequence[Record], demand: Demand = NO_DEMAND) -> int:
    """Merge folded records into their tables, in the current transaction; returns how many changes it noted."""
    deliveries, noted = Deliveries(folded) if demand.topics else None, 0
    for table, records in groupby(folded, key=lambda record: record.table):
        if deliveries is None:
            upsert(connection, table, records)
        else:
            noted += merge_and_note(connection, table, list(records), demand, deliveries)
    return noted


def error_reason(error: Exception) -> str:
    """The kind of error and the part of the schema that it concerns; its own text would quote what people wrote."""
    original = getattr(error, "orig", None) or error
    diagnostics = getattr(original, "diag", None)
    parts = (getattr(diagnostics, name, None) for name in ("table_name", "column_name", "constraint_name"))
    codes = (sqlstate(error), getattr(original, "sqlite_errorname", ""))
    return " ".join(filter(None, (type(original).__name__, *codes, *parts)))
