"""Timed transactions: each with the database's own time, by which leases, pauses and ages go."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection, Engine, select, type_coerce
from sqlalchemy.exc import SQLAlchemyError

from store.engine import expire
from store.error_reasons import database_reason
from store.errors import is_unmigrated
from store.row_writer import NotMigrated, StoreAway
from store.types import Time
from store.upsert import NOW

Result = TypeVar("Result")


def transact(engine: Engine, work: Callable[[Connection, datetime], Result], *, reads: bool = False) -> Result:
    """Do work in one transaction, with the database's time. Raises StoreAway."""
    try:
        with engine.connect().execution_options(reads=reads) as connection, connection.begin():
            return work(connection, database_time(connection))
    except SQLAlchemyError as error:
        expire(engine)
        raise (NotMigrated if is_unmigrated(error) else StoreAway)(database_reason(error)) from None


def database_time(connection: Connection) -> datetime:
    """The database's own time."""
    now: datetime = connection.execute(select(type_coerce(NOW[connection.dialect.name], Time))).scalar_one()
    return now
