"""Migrate: brings a database to the current schema, also while other processes try the same."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, text

from store.partitions import PARTITIONED, provide
from store.schema import SCHEMA
from store.timeouts import lift_bounds
from store.version import newest, read_version

_LOCK = 0x5E7E21  # arbitrary, the same in every process: one migrates, the others wait and find it done


def migrate(engine: Engine) -> tuple[str | None, str]:
    """Bring the database to the current schema. Returns its version before and after, equal if it was current."""
    with _locked(engine) as connection:
        before = read_version(connection)
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        for table in PARTITIONED:
            provide(connection, table, datetime.now(UTC), patient=True)
        return before, newest()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


@contextmanager
def _locked(engine: Engine) -> Iterator[Connection]:
    """A transaction that excludes other migrations. On SQLite its own write lock does that."""
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            lift_bounds(connection)
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
        yield connection
