"""Migrating: bringing a database to the schema of today, whatever it holds and whoever else tries."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from store.partitions import PARTITIONED, provide
from store.schema import SCHEMA
from store.timeouts import lift_bounds

VERSION_TABLE = "seven_ingest_version"
_LOCK = 0x5E7E21  # any number, the same in every process: one migrates, the others wait and find it done


def migrate(engine: Engine) -> tuple[str | None, str]:
    """Bring the database to today's schema. Returns its version before and after; equal when nothing was to do."""
    with _locked(engine) as connection:
        before = _version(connection)
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        for table in PARTITIONED:
            provide(connection, table, datetime.now(UTC))
        return before, newest()


def current(engine: Engine) -> str | None:
    """The version of the database's schema, or None where there is none yet."""
    with engine.connect().execution_options(reads=True) as connection:
        return _version(connection)


def newest() -> str:
    """The version of today's schema."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise AssertionError("no migrations")
    return head


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


@contextmanager
def _locked(engine: Engine) -> Iterator[Connection]:
    """A transaction that no other migration runs beside. SQLite's own lock does for SQLite."""
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            lift_bounds(connection)
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
        yield connection


def _version(connection: Connection) -> str | None:
    schema = SCHEMA if connection.dialect.name == "postgresql" else None
    options = {"version_table": VERSION_TABLE, "version_table_schema": schema}
    return MigrationContext.configure(connection, opts=options).get_current_revision()
