"""Database info: version, settings and state as our sessions see them, and whether the database accepts a write."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, insert, text
from sqlalchemy.exc import DBAPIError

from store.database_roles import WORKER, made_here
from store.error_reasons import database_reason
from store.partitions import PARTITIONED, holes, provided_until
from store.schema import ledger_marks
from store.transactions import BACKEND
from store.version import current, newest

# Durability of commits and number of connections. `reset_val` is what a session has before we change it.
_SETTINGS = text(
    "SELECT name, setting, reset_val FROM pg_settings WHERE name IN ('synchronous_commit', 'fsync', 'full_page_writes',"
    " 'server_encoding', 'server_version_num', 'max_connections', 'superuser_reserved_connections',"
    " 'reserved_connections', 'transaction_isolation', 'lock_timeout', 'statement_timeout',"
    " 'idle_in_transaction_session_timeout')"
)
# Session settings outside of our transactions. We never set one, so another client did.
_LEFT_BEHIND = text(
    "SELECT name FROM pg_settings WHERE source = 'session' AND name IN ('synchronous_commit', 'lock_timeout',"
    " 'statement_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout', 'search_path',"
    " 'default_transaction_isolation', 'default_transaction_read_only') ORDER BY name"
)
_STATE = text(
    "SELECT pg_is_in_recovery(), pg_database_size(current_database()),"
    " (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),"
    " (SELECT min(most) FROM (SELECT datconnlimit FROM pg_database WHERE datname = current_database()"
    " UNION ALL SELECT rolconnlimit FROM pg_roles WHERE NOT rolsuper AND rolname = coalesce(:workers, current_user)"
    ") AS of(most) WHERE most >= 0)"
)


@dataclass(frozen=True, slots=True)
class Database:
    """State and settings of a database."""

    dialect: str
    version: str | None
    """Of its schema; None without tables of ours."""
    newest: str
    """Of the current schema."""
    settings: dict[str, str]
    """In effect within our transactions."""
    defaults: dict[str, str]
    """In effect in a session that sets nothing; PostgreSQL only."""
    size: int
    """Bytes."""
    connections: int
    """Open ones; PostgreSQL only."""
    connection_limit: int | None
    """Of the workers' role or of the database; None without one. PostgreSQL only."""
    standby: bool
    provided_until: datetime | None
    """The end of the last week for which every table has a partition; PostgreSQL only."""
    holes: tuple[str, ...]
    """Weeks without a partition although later ones have one, each after its table; PostgreSQL only."""
    write_error: str | None
    """Why the database refused a test write; None when it accepted one, or has no tables yet."""
    pooled: bool = False
    """Whether a connection pooler stands in between; PostgreSQL only."""
    left_behind: tuple[str, ...] = ()
    """Settings that another client left behind in our session; PostgreSQL only."""


def inspect(engine: Engine) -> Database:
    """Query the database, and write a row that is rolled back. Raises SQLAlchemyError when it does not answer."""
    version = current(engine)
    write_error = None if version is None else _try_write(engine)
    with engine.connect().execution_options(reads=True) as connection:
        read = _postgresql if engine.dialect.name == "postgresql" else _sqlite
        properties = read(connection)
    if engine.dialect.name == "postgresql":
        properties |= _session(engine)
    return Database(engine.dialect.name, version, newest(), write_error=write_error, **properties)


def clock(connection: Connection) -> datetime:
    """The time by the database's own clock; SQLite has only this machine's."""
    if connection.dialect.name == "postgresql":
        now: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        return now.astimezone(UTC)
    return datetime.now(UTC)


def _try_write(engine: Engine) -> str | None:
    """Write as workers do, to a row that no ledger has, and roll back. Returns the error."""
    try:
        with engine.connect() as connection, connection.begin() as transaction:
            connection.execute(insert(ledger_marks).values(ledger="", queue="", last_ordinal=0))
            transaction.rollback()
    except DBAPIError as error:
        return database_reason(error)
    return None


def _postgresql(connection: Connection) -> dict[str, Any]:
    rows = connection.execute(_SETTINGS).all()
    workers = WORKER if WORKER in made_here(connection) else None  # otherwise workers have our role
    standby, size, connections, connection_limit = connection.execute(_STATE, {"workers": workers}).one()
    return {
        "settings": {name: setting for name, setting, _ in rows},
        "defaults": {name: default for name, _, default in rows},
        "size": size,
        "connections": connections,
        "connection_limit": connection_limit,
        "standby": standby,
        "provided_until": provided_until(connection),
        "holes": tuple(
            f"{table.name} {week:%Y-%m-%d}"
            for table in PARTITIONED
            for week in holes(connection, table, datetime.now(UTC))
        ),
    }


def _session(engine: Engine) -> dict[str, Any]:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        driver: Any = connection.connection.dbapi_connection
        # through SQLAlchemy: callers do not recognise the driver's own errors as an outage
        backend = connection.exec_driver_sql(BACKEND).scalar_one()
        return {
            "pooled": backend != driver.info.backend_pid,
            "left_behind": tuple(connection.execute(_LEFT_BEHIND).scalars()),
        }


def _sqlite(connection: Connection) -> dict[str, Any]:
    names = ("journal_mode", "synchronous", "encoding", "page_count", "page_size")
    values = {name: str(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()) for name in names}
    size = int(values.pop("page_count")) * int(values.pop("page_size"))
    return {
        "settings": values,
        "defaults": {},
        "size": size,
        "connections": 0,
        "connection_limit": None,
        "standby": False,
        "provided_until": None,
        "holes": (),
    }
