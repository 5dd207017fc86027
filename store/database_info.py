"""Inspecting: what a database says of itself, as our own sessions get it, and whether it takes a write."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, insert, text
from sqlalchemy.exc import DBAPIError

from store.errors import is_unmigrated
from store.migrate import current, newest
from store.partitions import provided_until
from store.schema import ledger_marks
from store.transactions import BACKEND

# What a commit is worth, and how many may come. `reset_val` is what a session has before we ask for more.
_SETTINGS = text(
    "SELECT name, setting, reset_val FROM pg_settings WHERE name IN ('synchronous_commit', 'fsync', 'full_page_writes',"
    " 'server_encoding', 'server_version_num', 'max_connections', 'superuser_reserved_connections',"
    " 'transaction_isolation', 'lock_timeout', 'statement_timeout', 'idle_in_transaction_session_timeout')"
)
# Outside of our transactions: what somebody has set for the whole session. We set nothing there.
_LEFT_BEHIND = text(
    "SELECT name FROM pg_settings WHERE source = 'session' AND name IN ('synchronous_commit', 'lock_timeout',"
    " 'statement_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout', 'search_path',"
    " 'default_transaction_isolation', 'default_transaction_read_only') ORDER BY name"
)
_STATE = text(
    "SELECT pg_is_in_recovery(), pg_database_size(current_database()),"
    " (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')"
)


@dataclass(frozen=True, slots=True)
class Database:
    """A database's own words."""

    dialect: str
    version: str | None
    """Of its schema; None for one without tables of ours."""
    newest: str
    """Of today's schema."""
    settings: dict[str, str]
    """What our transactions have."""
    defaults: dict[str, str]
    """What a session would have that asks for nothing; PostgreSQL only."""
    size: int
    """Bytes."""
    connections: int
    """Those that are open; PostgreSQL only."""
    standby: bool
    provided_until: datetime | None
    """By when the weeks end that have partitions, in every table; PostgreSQL only."""
    refusal: str | None
    """Why it took no write; None when it did, or when it has no tables yet."""
    pooled: bool = False
    """Whether a pooler stands between us and it; PostgreSQL only."""
    left_behind: tuple[str, ...] = ()
    """Settings that another client has left in a session that we got; PostgreSQL only."""


def inspect(engine: Engine) -> Database:
    """Ask it, and write a row that is rolled back. Raises sqlalchemy's SQLAlchemyError when it does not answer."""
    version, refusal = current(engine), None
    if version is not None:
        refusal = _refusal(engine)
    with engine.connect().execution_options(reads=True) as connection:
        read = _postgresql if engine.dialect.name == "postgresql" else _sqlite
        told = read(connection)
    if engine.dialect.name == "postgresql":
        told |= _session(engine)
    return Database(engine.dialect.name, version, newest(), refusal=refusal, **told)


def clock(connection: Connection) -> datetime:
    """The time by the database's own clock; SQLite has none but this machine's."""
    if connection.dialect.name == "postgresql":
        told: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        return told.astimezone(UTC)
    return datetime.now(UTC)


def _refusal(engine: Engine) -> str | None:
    """A write as workers write; what it touches is nobody's, and it never was."""
    try:
        with engine.connect() as connection, connection.begin() as transaction:
            connection.execute(insert(ledger_marks).values(ledger="", queue="", last_ordinal=0))
            transaction.rollback()
    except DBAPIError as error:
        return "a table or column of today is not there" if is_unmigrated(error) else type(error.orig).__name__
    return None


def _postgresql(connection: Connection) -> dict[str, Any]:
    rows = connection.execute(_SETTINGS).all()
    standby, size, connections = connection.execute(_STATE).one()
    return {
        "settings": {name: setting for name, setting, _ in rows},
        "defaults": {name: default for name, _, default in rows},
        "size": size,
        "connections": connections,
        "standby": standby,
        "provided_until": provided_until(connection),
    }


def _session(engine: Engine) -> dict[str, Any]:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        greeted: Any = connection.connection.dbapi_connection
        # asked through SQLAlchemy: what the driver itself raises nobody takes for a database that is away
        answering = connection.exec_driver_sql(BACKEND).scalar_one()
        return {
            "pooled": answering != greeted.info.backend_pid,
            "left_behind": tuple(connection.execute(_LEFT_BEHIND).scalars()),
        }


def _sqlite(connection: Connection) -> dict[str, Any]:
    names = ("journal_mode", "synchronous", "encoding", "page_count", "page_size")
    told = {name: str(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()) for name in names}
    size = int(told.pop("page_count")) * int(told.pop("page_size"))
    return {"settings": told, "defaults": {}, "size": size, "connections": 0, "standby": False, "provided_until": None}
