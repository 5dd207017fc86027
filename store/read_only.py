"""Read only: SQL that people write, one statement in a transaction that changes nothing and ends in time.

What protects the data is a role that can only read, on PostgreSQL, and the mode in which SQLite opens the file. The
transaction protects users with more rights from mistakes, but does not bind a superuser: functions that read files
or run programs of the server are no writes to it.
"""

import re
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.pool import NullPool

from seven.field_types import storable
from store.engine import create_store_engine, database_url, sqlite_file
from store.first_ids import add_first_delivery_id
from store.schema import SCHEMA
from store.transactions import Patience

BEGINNINGS = ("SELECT", "WITH", "VALUES", "TABLE", "EXPLAIN", "SHOW")
"""Statements that only read; what others do within them, the transaction refuses."""
_SKIPPED = re.compile(r"[\s(;]+|--[^\n]*|/\*.*?\*/", re.DOTALL)
_OUR_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}\+00:00", re.ASCII)
_WORD = re.compile(r"[A-Za-z]+")
_SUPERUSER = text(
    "SELECT coalesce(bool_or(rolsuper OR rolname IN ('pg_read_server_files', 'pg_write_server_files',"
    " 'pg_execute_server_program')), true) FROM pg_roles WHERE pg_has_role(session_user, oid, 'MEMBER')"
)
_STEPS = 10_000
"""Steps of SQLite's virtual machine between two looks at the clock: less than a millisecond."""
_ROWS_AT_ONCE = 100
_READING = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE}
_PRAGMAS = {"table_info", "table_xinfo", "table_list", "index_list", "index_info", "index_xinfo", "foreign_key_list"}
"""Those that describe tables, whatever their argument."""
_REFUSED_FUNCTIONS = {"load_extension", "fts3_tokenizer"}


class UnfitStatement(ValueError):  # noqa: N818 - whoever wrote it is told why
    """A text that is no single statement that reads; the message is a sentence for people."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a query: the names of its columns, and its rows, read as they are asked for."""

    columns: tuple[str, ...]
    rows: Iterator[Sequence[Any]]


@contextmanager
def read_only(url: str, timeout_s: int) -> Iterator[Connection]:
    """A connection in a read-only transaction, in which no statement takes longer than that. It is rolled back.

    On PostgreSQL the session is in UTC, and tables need no `seven.` before their name. Raises SQLAlchemyError; a
    statement that takes too long ends with SQLSTATE 57014 or SQLITE_INTERRUPT.
    """
    engine, prepare = _open(url, timeout_s)
    try:
        with engine.connect().execution_options(snapshot=True, reads=True) as connection:
            with prepare(connection, timeout_s):
                yield connection
            connection.rollback()
    finally:
        engine.dispose()


def is_boundless(connection: Connection) -> bool:
    """Whether the role may do what no transaction can refuse: a superuser's, or one of its machine's files."""
    return connection.dialect.name == "postgresql" and bool(connection.execute(_SUPERUSER).scalar_one())


def check_statement(statement: str) -> None:
    """Raise UnfitStatement for what does not begin as a statement that reads. Whether it is one, the database says."""
    if storable(statement) != statement:
        raise UnfitStatement("The statement is no text: it contains NUL, or bytes that are no UTF-8.")
    begin = 0
    while skipped := _SKIPPED.match(statement, begin):
        begin = skipped.end()
    word = _WORD.match(statement, begin)
    if word is None or word[0].upper() not in BEGINNINGS:
        expected = ", ".join(BEGINNINGS[:-1])
        raise UnfitStatement(f"A statement that reads is expected: it begins with {expected} or {BEGINNINGS[-1]}.")


def run_statement(connection: Connection, statement: str) -> Answer:
    """Run one statement that people wrote. Raises UnfitStatement, or the driver's own errors, also between two rows.

    PostgreSQL gets it by the extended protocol, which takes one statement only; so does SQLite's own interface.
    """
    check_statement(statement)
    driver: Any = connection.connection.dbapi_connection
    if connection.dialect.name == "sqlite":
        cursor = driver.execute(statement)
        return Answer(tuple(column[0] for column in cursor.description or ()), (_with_times(row) for row in cursor))
    cursor = driver.cursor()
    rows = cursor.stream(statement, size=_rows_at_once())
    first = list(islice(rows, 1))
    columns = tuple(column.name for column in cursor.description or ()) if first else _described(driver, statement)
    return Answer(columns, chain(first, rows))


def _with_times(row: Sequence[Any]) -> tuple[Any, ...]:
    """A row in which our times are times, as on PostgreSQL: SQLite has text for them."""
    return tuple(_time_or(value) if isinstance(value, str) else value for value in row)


def _time_or(value: str) -> datetime | str:
    with suppress(ValueError):  # text of people may look like one
        return datetime.fromisoformat(value) if _OUR_TIME.fullmatch(value) else value
    return value


def _described(driver: Any, statement: str) -> tuple[str, ...]:
    """The columns of a statement that has no rows: a stream tells them with its first."""
    from psycopg import generators  # noqa: PLC0415 - it takes long to import, and SQLite does without

    driver.pgconn.send_prepare(b"", statement.encode())
    driver.wait(generators.execute(driver.pgconn))
    driver.pgconn.send_describe_prepared(b"")
    (described,) = driver.wait(generators.execute(driver.pgconn))
    return tuple((described.fname(number) or b"").decode() for number in range(described.nfields))


def _rows_at_once() -> int:
    from psycopg import capabilities  # noqa: PLC0415 - as above

    return _ROWS_AT_ONCE if capabilities.has_stream_chunked() else 1


def _open(url: str, timeout_s: int) -> tuple[Engine, Any]:
    file = sqlite_file(database_url(url))
    if file is None:
        patience = Patience(statement_s=timeout_s + 5.0, transaction_s=timeout_s + 60.0)
        return create_store_engine(url, 1, patience), _postgresql

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(f"file:{quote(str(file))}?mode=ro", timeout=10, isolation_level=None, uri=True)
        add_first_delivery_id(connection)
        return connection

    translated = {"schema_translate_map": {SCHEMA: None}}
    return create_engine(
        "sqlite://", creator=connect, poolclass=NullPool, hide_parameters=True, execution_options=translated
    ), _sqlite


@contextmanager
def _postgresql(connection: Connection, timeout_s: int) -> Iterator[None]:
    from store.timeouts import lift_bounds  # noqa: PLC0415 - as above

    lift_bounds(connection, timeout_s)
    connection.exec_driver_sql(f"SET LOCAL search_path = {SCHEMA}, public")
    connection.exec_driver_sql("SET LOCAL TIME ZONE 'UTC'")
    yield


def end_after(driver: sqlite3.Connection, seconds: float) -> None:
    """Let no statement of this connection run on after that time, since SQLite has no timeout of its own."""
    ends_at = time.monotonic() + seconds
    driver.set_progress_handler(lambda: time.monotonic() > ends_at, _STEPS)


@contextmanager
def _sqlite(connection: Connection, timeout_s: int) -> Iterator[None]:
    driver: Any = connection.connection.dbapi_connection
    driver.execute("PRAGMA query_only = ON")
    driver.execute("BEGIN")
    end_after(driver, timeout_s)
    driver.set_authorizer(_authorize)
    try:
        yield
    finally:
        driver.set_authorizer(None)
        driver.set_progress_handler(None, 0)


def _authorize(action: int, first: str | None, second: str | None, _database: str | None, _trigger: str | None) -> int:
    """Whether SQLite may do this for a statement: read, compute and describe, and nothing else."""
    allowed = (
        action in _READING
        or (action == sqlite3.SQLITE_FUNCTION and (second or "").lower() not in _REFUSED_FUNCTIONS)
        or (action == sqlite3.SQLITE_UPDATE and first == "sqlite_master")  # how `pragma_table_info` is declared, once
        or (action == sqlite3.SQLITE_PRAGMA and (first or "").lower() in _PRAGMAS)
    )
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY
