"""Errors of a database, classified: refused rows are buried, an outage is waited out, a race is tried again."""

import sqlite3
import sys

from sqlalchemy.exc import DBAPIError, StatementError

# SQLSTATE classes about the data: data exception, integrity constraint, program limit (a row too big for an index).
# All others are about the server: away, read-only, full, not migrated, no right to write.
_REFUSALS = {"22", "23", "54"}
# A value that the driver could not bind: NUL, a lone surrogate, an integer beyond 64 bits.
_UNBINDABLE = (
    ValueError, TypeError, OverflowError, sqlite3.DataError, sqlite3.IntegrityError, sqlite3.InterfaceError,
)  # fmt: skip
_UNMIGRATED = {"42P01", "42703"}  # no such table, no such column
_OF_STATEMENTS = {"42", "55", "P0", "XX"}  # no right, a lock of others, a trigger, a damaged page: of a table or a row
_RACES = {"40001", "40P01"}  # serialization failure, deadlock: a retry succeeds


OTHERS_ID = "id belongs to another message"
"""Why an inbound message is parked whose id another one has (`store/inbound_ids.py`)."""


class IdTaken(Exception):  # noqa: N818 - a fact about the rows
    """An inbound message has the id of another one. Nothing was written."""


class RowAppeared(Exception):  # noqa: N818 - a state, not a fault
    """Another transaction has inserted a row since this one looked for it. Nothing was written."""


def is_refusal(error: Exception) -> bool:
    """Whether a healthy database would refuse the same rows again."""
    original = error.orig if isinstance(error, StatementError) else error
    psycopg = sys.modules.get("psycopg")  # not imported without a connection to PostgreSQL
    unbindable = _UNBINDABLE + ((psycopg.DataError, psycopg.IntegrityError) if psycopg else ())
    return isinstance(original, unbindable) or sqlstate(error)[:2] in _REFUSALS


def is_of_statement(error: Exception) -> bool:
    """Whether a database that works refused what a statement touches, for as long as something lasts."""
    return sqlstate(error)[:2] in _OF_STATEMENTS


def is_of_driver(error: Exception) -> bool:
    """Whether a database's driver raised it, not within a statement: its connection has failed."""
    psycopg = sys.modules.get("psycopg")
    return isinstance(error, (sqlite3.Error, psycopg.Error) if psycopg else sqlite3.Error)


def is_race(error: Exception) -> bool:
    """Whether two writers collided, so that an immediate retry suffices."""
    return isinstance(error, RowAppeared) or (isinstance(error, DBAPIError) and sqlstate(error) in _RACES)


def is_unmigrated(error: Exception) -> bool:
    """Whether a table, column or index of the current schema is missing: the database works, but needs `migrate`."""
    return sqlstate(error) in _UNMIGRATED or str(getattr(error, "orig", "")).startswith(
        ("no such table", "no such col", "no such index")
    )


def sqlstate(error: Exception) -> str:
    """PostgreSQL's error code; empty without one."""
    return getattr(getattr(error, "orig", None), "sqlstate", None) or ""
