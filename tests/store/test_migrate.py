"""Migrations lead to the schema that the code expects, whoever else tries at the same time."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, inspect, text

from store.engine import create_store_engine, database_url
from store.migrate import VERSION_TABLE, current, migrate, newest
from store.partitions import PARTITIONED, partitions
from store.schema import SCHEMA, metadata
from store.views import VIEWS


def test_migrated_schema_is_the_schema(engine: Engine):
    """After all migrations the database has exactly the tables, columns and indexes of tables.py."""
    found = inspect(engine)
    schema = SCHEMA if engine.dialect.name == "postgresql" else None
    with engine.connect() as connection:
        parts = {part.name for table in PARTITIONED for part in partitions(connection, table)}
    assert set(found.get_table_names(schema)) - parts == {table.name for table in metadata.tables.values()} | {
        VERSION_TABLE
    }
    assert set(found.get_view_names(schema)) == set(VIEWS)
    for table in metadata.tables.values():
        columns = {one["name"]: one for one in found.get_columns(table.name, schema)}
        described = {
            column.name: (str(column.type.compile(engine.dialect)), column.nullable) for column in table.columns
        }
        assert {
            name: (str(one["type"].compile(engine.dialect)), one["nullable"]) for name, one in columns.items()
        } == described, table.name
        key = found.get_pk_constraint(table.name, schema)["constrained_columns"]
        assert key == [column.name for column in table.primary_key.columns]
        indexes = {(one["name"], *one["column_names"]) for one in found.get_indexes(table.name, schema)}
        assert indexes == {(index.name, *index.columns.keys()) for index in table.indexes}, table.name


def test_views_answer(engine: Engine):
    """Every view can be read, also while there is nothing in it."""
    with engine.connect() as connection:
        schema = "seven." if connection.dialect.name == "postgresql" else ""
        for view in VIEWS:
            assert connection.execute(text(f"SELECT * FROM {schema}{view}")).all() == []


def test_many_migrate_at_once(empty_database: str):
    """Of several processes that start together one migrates, the others find it done."""

    def attempt(_: int) -> tuple[str | None, str]:
        engine = create_store_engine(empty_database)
        try:
            return migrate(engine)
        finally:
            engine.dispose()

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(attempt, range(4)), key=str) == sorted(
            [(newest(), newest())] * 3 + [(None, newest())], key=str
        )


def test_a_shared_database_is_left_alone(empty_database: str):
    """Other people's tables in the same database survive, and ours are in no one's way."""
    engine = create_store_engine(empty_database)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num text)"))
        if connection.dialect.name == "postgresql":
            connection.execute(text("CREATE TABLE messages (theirs text)"))
    assert current(engine) is None
    migrate(engine)
    assert current(engine) == newest()
    with engine.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM alembic_version")).scalar() == 0
    engine.dispose()


@pytest.mark.parametrize(
    ("told", "driver"),
    [
        pytest.param("postgres://u@h/d", "postgresql+psycopg", id="postgres"),
        pytest.param("postgresql://u@h/d", "postgresql+psycopg", id="postgresql"),
        pytest.param("sqlite:////x.db", "sqlite", id="sqlite"),
    ],
)
def test_database_urls(told: str, driver: str):
    """Both spellings of PostgreSQL mean the driver that we bring."""
    assert database_url(told).drivername == driver


def test_other_databases_are_refused():
    """A database that we do not know is a configuration error, not a surprise later."""
    with pytest.raises(ValueError, match="postgresql"):
        database_url("mysql://h/d")
