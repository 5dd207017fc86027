"""Migrate: migrations lead to the schema that the code expects, also when processes run them at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, inspect, text

from seven.archive_records import ArchivedDelivery
from store.engine import create_store_engine, database_url
from store.migrate import migrate
from store.partitions import PARTITIONED, partitions
from store.row_writer import Store
from store.schema import SCHEMA, tables
from store.version import VERSION_TABLE, current, newest
from store.views import VIEWS
from tests.factories.rows import stored_rows


def test_migrated_schema_is_the_schema(engine: Engine):
    """After all migrations the database has exactly the tables and columns of the schema."""
    inspector = inspect(engine)
    schema = SCHEMA if engine.dialect.name == "postgresql" else None
    expected_tables = tables(engine.dialect.name)
    with engine.connect() as connection:
        parts = {part.name for table in PARTITIONED for part in partitions(connection, table)}
    assert set(inspector.get_table_names(schema)) - parts == {*(table.name for table in expected_tables), VERSION_TABLE}
    assert set(inspector.get_view_names(schema)) == set(VIEWS)
    for table in expected_tables:
        actual = {
            column["name"]: (str(column["type"].compile(engine.dialect)), column["nullable"])
            for column in inspector.get_columns(table.name, schema)
        }
        expected = {
            column.name: (str(column.type.compile(engine.dialect)), column.nullable) for column in table.columns
        }
        assert actual == expected, table.name
        key = inspector.get_pk_constraint(table.name, schema)["constrained_columns"]
        assert key == [column.name for column in table.primary_key.columns]


def test_empty_views_can_be_read(engine: Engine):
    """Every view can be queried while the tables are empty."""
    with engine.connect() as connection:
        schema = "seven." if connection.dialect.name == "postgresql" else ""
        for view in VIEWS:
            assert connection.execute(text(f"SELECT * FROM {schema}{view}")).all() == []


def test_rows_from_before_remarks_have_none(empty_database: str):
    """A migration from the version before keeps every row, and today's code reads and writes it."""
    engine = create_store_engine(empty_database)
    migrate(engine, "0005")
    insert = "INSERT INTO {}deliveries (id, outcome, reason) VALUES ('1', 'parked', 'dlr: timestamp: no such time')"
    with engine.begin() as connection:
        schema = "seven." if connection.dialect.name == "postgresql" else ""
        connection.execute(text(insert.format(schema)))
    assert migrate(engine) == ("0005", newest())
    assert [(row[10], row[12]) for row in stored_rows(engine)["deliveries"]] == [("parked", None)]
    Store(engine).write([ArchivedDelivery(id="1", outcome="applied", remark="timestamp: no such time")])
    with engine.begin() as connection:  # a worker of that version may still run
        connection.execute(text(insert.format(schema).replace("'1'", "'2'")))
    assert [(row[10], row[11], row[12]) for row in stored_rows(engine)["deliveries"]] == [
        ("applied", None, "timestamp: no such time"),
        ("parked", "dlr: timestamp: no such time", None),
    ]
    engine.dispose()


def test_concurrent_migrations(empty_database: str):
    """Of several processes that start together one migrates; the others wait, and find it done."""

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
    """Other applications' tables in the same database stay as they are, and ours do not collide with them."""
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
    ("url", "driver"),
    [
        pytest.param("postgres://u@h/d", "postgresql+psycopg", id="postgres"),
        pytest.param("postgresql://u@h/d", "postgresql+psycopg", id="postgresql"),
        pytest.param("sqlite:////x.db", "sqlite", id="sqlite"),
    ],
)
def test_database_urls(url: str, driver: str):
    """Both spellings of PostgreSQL select our driver."""
    assert database_url(url).drivername == driver


def test_other_databases_are_refused():
    """An unsupported database is a configuration error at once."""
    with pytest.raises(ValueError, match="postgresql"):
        database_url("mysql://h/d")
