"""Transactions on PostgreSQL: each asks for itself what its commit is worth, and how long it may wait.

Behind a transaction pooler (PgBouncer and its like) the next transaction runs in another session: what was set in the
first does not hold there, and what stays behind in it holds for the pool's other clients. So nothing is set for a
session, and the driver begins nothing by itself: BEGIN and its settings are one message, and no further round trip.
"""

from functools import cache
from typing import Any

import psycopg
from sqlalchemy import Connection

BOUNDS_MS = {"lock_timeout": 10_000, "statement_timeout": 30_000, "idle_in_transaction_session_timeout": 30_000}
TRANSACTION_MS = 60_000
"""No transaction is longer: a reader of `changed_at` who looks back two minutes then misses nothing."""
BACKEND = "SELECT pg_backend_pid()"
WEAK_COMMITS = ("off", "local")
"""A commit must be on disk before its batch is settled; a server that promises more than `on` keeps its promise."""

# where rows are to be streamed SQLAlchemy would make a cursor on the server of a BEGIN, too
_ALL_NOW = {"stream_results": False, "yield_per": None}
_TRANSACTION_TIMEOUT_SINCE = 170_000
_COMMIT_ON_DISK = (
    f"SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') IN {WEAK_COMMITS}"
)


def begin(connection: Connection) -> None:
    """Begin a transaction (SQLAlchemy's `begin`). With the option `snapshot` it reads only, and sees one moment."""
    options = connection.get_execution_options()
    if options.get("isolation_level") != "AUTOCOMMIT":
        driver: Any = connection.connection.dbapi_connection
        bounds_whole = driver.info.server_version >= _TRANSACTION_TIMEOUT_SINCE
        # through SQLAlchemy, whose errors everybody knows: a server that goes just before BEGIN is one that is away
        connection.exec_driver_sql(_statement(bounds_whole, options.get("snapshot", False)), execution_options=_ALL_NOW)


def is_pooled(connection: psycopg.Connection[Any]) -> bool:
    """Whether a pooler stands between us and PostgreSQL: the backend that answers is not the one that greeted us."""
    answer = connection.execute(BACKEND).fetchone()
    return answer is None or answer[0] != connection.info.backend_pid


@cache
def _statement(bounds_whole: bool, snapshot: bool) -> str:
    statements = [f"SET LOCAL {name} = {bound}" for name, bound in BOUNDS_MS.items()]
    if bounds_whole:  # a timer that runs already, by the server's default, is only replaced once it is ended
        statements += [f"SET LOCAL transaction_timeout = {bound}" for bound in (0, TRANSACTION_MS)]
    if snapshot:  # SET takes no snapshot, SELECT would
        return "; ".join(("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", *statements))
    return "; ".join(("BEGIN ISOLATION LEVEL READ COMMITTED", *statements, _COMMIT_ON_DISK))
