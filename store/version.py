"""Version: of a database's schema, and of the current one; read without Alembic, which takes long to import."""

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from store.schema import SCHEMA

VERSION_TABLE = "seven_ingest_version"


def current(engine: Engine) -> str | None:
    """The version of the database's schema; None without a schema."""
    with engine.connect().execution_options(reads=True) as connection:
        return read_version(connection)


def newest() -> str:
    """The version of the current schema: the number of the last file in `migrations/versions/`."""
    versions = Path(__file__).parent / "migrations/versions"
    return max(file.name.partition("_")[0] for file in versions.glob("[0-9]*_*.py"))


def read_version(connection: Connection) -> str | None:
    """The version that the database records; None without a schema."""
    schema = SCHEMA if connection.dialect.name == "postgresql" else None
    if not inspect(connection).has_table(VERSION_TABLE, schema):
        return None
    name = f"{schema}.{VERSION_TABLE}" if schema else VERSION_TABLE
    version: str | None = connection.execute(text(f"SELECT version_num FROM {name}")).scalar()  # noqa: S608
    return version
