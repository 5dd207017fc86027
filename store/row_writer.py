"""Writing: records into the store, all of them in one transaction."""

import time
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from runtime.logs import logger
from seven.records import Record, fold
from store.engine import expire
from store.errors import is_race, is_refusal, is_unmigrated, sqlstate
from store.timeouts import TRANSACTION_S
from store.upsert import upsert

log = logger("seven.workers")

RACES = 5  # attempts before a deadlock counts as a database that is away


class StoreAway(Exception):  # noqa: N818 - a fact, and nobody's fault
    """The database cannot take anything now. Nothing was written; hold, and come again."""


class NotMigrated(StoreAway):
    """The database lacks a table or column of today: `seven-ingest migrate` has to be run."""


class Refused(Exception):  # noqa: N818 - a fact about the rows
    """The database will never take these rows. Nothing was written."""


class Store:
    """The store as consumers see it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def write(self, records: Iterable[Record]) -> None:
        """Join the records into their tables; when this returns they are on disk. Raises StoreAway or Refused."""
        folded = fold(records)
        self.transact(lambda connection: join(connection, folded))

    def write_apart(self, groups: Sequence[Iterable[Record]], bury: Callable[[int, str], Iterable[Record]]) -> None:
        """Join groups of records one by one, still in one transaction. Raises StoreAway.

        A group that the database refuses is replaced by what `bury(its index, the reason)` returns.
        """

        def attempt(connection: Connection) -> None:
            for index, group in enumerate(groups):
                try:
                    with connection.begin_nested():
                        join(connection, fold(group))
                except Exception as error:
                    if not is_refusal(error):
                        raise
                    join(connection, fold(bury(index, cause(error))))

        self.transact(attempt)

    def transact(self, work: Callable[[Connection], None]) -> None:
        """Run work in one transaction, again where two writers met. Raises StoreAway or Refused."""
        for attempt in range(1, RACES + 1):
            try:
                with self.engine.begin() as connection:
                    return _in_time(work, connection)
            except Exception as error:
                if is_race(error) and attempt < RACES:
                    log.info("two writers met", attempt=attempt, at_most=RACES)
                elif is_refusal(error):
                    raise Refused(cause(error)) from None  # whose text would quote the row
                elif isinstance(error, SQLAlchemyError):
                    expire(self.engine)
                    raise (NotMigrated if is_unmigrated(error) else StoreAway)(cause(error)) from None
                else:
                    raise
        raise AssertionError


def _in_time(work: Callable[[Connection], None], connection: Connection) -> None:
    """Do the work, and rather nothing than too late a commit. PostgreSQL bounds that by itself since version 17."""
    began = time.monotonic()
    work(connection)
    if time.monotonic() - began > TRANSACTION_S:
        raise StoreAway("too slow")


def join(connection: Connection, folded: Iterable[Record]) -> None:
    """Join folded records into their tables, in the transaction under way."""
    for table, records in groupby(folded, key=lambda record: record.table):
        upsert(connection, table, records)


def cause(error: Exception) -> str:
    """What went wrong, and with which part of the schema; an error's own text would quote what people wrote."""
    told = getattr(error, "orig", None) or error
    named = getattr(told, "diag", None)
    parts = (getattr(named, name, None) for name in ("table_name", "column_name", "constraint_name"))
    return " ".join(filter(None, (type(told).__name__, sqlstate(error), getattr(told, "sqlite_errorname", ""), *parts)))
