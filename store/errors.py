"""Failures: whether a database refused what it was given, or was away. The one is buried, the other is held."""

import sqlite3

import psycopg
from sqlalchemy.exc import DBAPIError, StatementError

# SQLSTATE classes that speak of the data: data exception, integrity constraint, program limit (a row too big for an
# index). All else speaks of the server: away, read-only, full, not migrated, no right to write.
_REFUSALS = {"22", "23", "54"}
# A value that could not even be bound: NUL, a lone surrogate, an integer beyond 64 bits.
_UNBINDABLE = (
    ValueError, TypeError, OverflowError, psycopg.DataError, psycopg.IntegrityError,
    sqlite3.DataError, sqlite3.IntegrityError, sqlite3.InterfaceError,
)  # fmt: skip
_UNMIGRATED = {"42P01", "42703"}  # no such table, no such column
_RACES = {"40001", "40P01"}  # serialization failure, deadlock: the same again succeeds


def is_refusal(error: Exception) -> bool:
    """Whether the same rows would be refused again, by a database in the best of health."""
    cause = error.orig if isinstance(error, StatementError) else error
    return isinstance(cause, _UNBINDABLE) or sqlstate(error)[:2] in _REFUSALS


def is_race(error: Exception) -> bool:
    """Whether two writers met, and trying again at once is all that is needed."""
    return isinstance(error, DBAPIError) and sqlstate(error) in _RACES


def is_unmigrated(error: Exception) -> bool:
    """Whether a table or column of today is not there: the database works, and waits for `migrate`."""
    return sqlstate(error) in _UNMIGRATED or str(getattr(error, "orig", "")).startswith(
        ("no such table", "no such col")
    )


def sqlstate(error: Exception) -> str:
    """PostgreSQL's code for what happened; empty where there is none."""
    return getattr(getattr(error, "orig", None), "sqlstate", None) or ""
