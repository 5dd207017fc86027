"""Transactions on PostgreSQL: each one sets its own durability and timeouts.

Behind a transaction pooler (such as PgBouncer) the next transaction runs in another session: session settings would be
lost there, and would affect the pool's other clients. So nothing is set for a session, and the driver does not begin
transactions: BEGIN and its settings are one message, without a further round trip.
"""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

if TYPE_CHECKING:  # it takes long to import, and SQLite does without
    import psycopg

BOUNDS_MS = {"lock_timeout": 10_000, "statement_timeout": 30_000, "idle_in_transaction_session_timeout": 30_000}
TRANSACTION_S = 60.0
"""So that a reader of `changed_at` that looks back two minutes misses nothing."""
BACKEND = "SELECT pg_backend_pid()"
WEAK_COMMITS = ("off", "local")
"""Raised to `on`: a commit must be on disk before its batch is settled. Stronger server defaults stay."""

# with streamed rows SQLAlchemy would open a server-side cursor for BEGIN, too
_NOT_STREAMED = {"stream_results": False, "yield_per": None}
_TRANSACTION_TIMEOUT_SINCE = 170_000
_COMMIT_ON_DISK = (
    f"SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') IN {WEAK_COMMITS}"
)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a server may be silent before it counts as away."""

    statement_s: float = 35.0
    """Within a transaction: beyond the server's `statement_timeout`, so that a working server reports first."""
    ping_s: float = 10.0
    """Outside of a transaction, where only short statements run: the ping of the pool, and BEGIN."""
    connect_s: int = 5
    """For establishing a connection; libpq's minimum is 2."""
    transaction_s: float = TRANSACTION_S
    """For a whole transaction, whether or not the server is silent."""


PATIENCE = Patience()


def begin(connection: Connection) -> None:
    """Begin a transaction (a listener for SQLAlchemy's `begin`); option `snapshot`: repeatable read, read-only."""
    options = connection.get_execution_options()
    if options.get("isolation_level") != "AUTOCOMMIT":
        driver: Any = connection.connection.dbapi_connection
        has_transaction_timeout = driver.info.server_version >= _TRANSACTION_TIMEOUT_SINCE
        # through SQLAlchemy: callers recognise its errors as an outage if the server fails just before BEGIN
        connection.exec_driver_sql(
            _statement(has_transaction_timeout, options.get("snapshot", False)), execution_options=_NOT_STREAMED
        )


def is_pooled(connection: "psycopg.Connection[Any]") -> bool:
    """Whether a pooler stands in between: another backend answers than the one that accepted the connection."""
    answer = connection.execute(BACKEND).fetchone()
    return answer is None or answer[0] != connection.info.backend_pid


@cache
def _statement(has_transaction_timeout: bool, snapshot: bool) -> str:
    statements = [f"SET LOCAL {name} = {bound}" for name, bound in BOUNDS_MS.items()]
    if has_transaction_timeout:  # 0 first: it stops the timer of the server's default, which may run already
        statements += [f"SET LOCAL transaction_timeout = {bound}" for bound in (0, int(TRANSACTION_S * 1000))]
    if snapshot:  # SELECT would take the snapshot, SET does not
        return "; ".join(("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", *statements))
    return "; ".join(("BEGIN ISOLATION LEVEL READ COMMITTED", *statements, _COMMIT_ON_DISK))
