"""Indexes: they are those of the schema, are built beside traffic, and answer what people ask."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import psycopg
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateIndex

from seven.archive_records import ArchivedDelivery
from seven.records import Message
from store.archive import first_id
from store.beside_traffic import NewIndex, build_index
from store.comments import comments
from store.engine import create_store_engine
from store.migrate import migrate
from store.partitions import WEEK, monday, provide
from store.row_writer import Store
from store.schema import deliveries, metadata, tables
from store.version import newest
from tests.factories.rows import NOON
from tests.servers import Postgres, eventually

ON_SERVER = pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
ON_FILE = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
MINE = NewIndex("deliveries", "ix_deliveries_digest", "digest", "digest IS NOT NULL")
RUNNING = (
    "SELECT pid FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONCURRENTLY%' AND wait_event_type = 'Lock'"
    " AND datname = current_database()"
)
INVALID = "SELECT count(*) FROM pg_index WHERE NOT indisvalid"
DEFINITIONS = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'seven' AND tablename = ANY(:tables)"


@ON_SERVER
def test_migrated_indexes_are_those_of_the_schema(engine: Engine, postgres: Postgres):
    """After all migrations PostgreSQL has the indexes of the schema, and all of them are valid."""
    made = create_store_engine(postgres.database())
    with made.begin() as connection:
        connection.execute(text("CREATE SCHEMA seven"))
        metadata.create_all(connection)
    names = {"tables": [table.name for table in metadata.tables.values()]}
    with made.connect() as expected, engine.connect() as connection:
        assert set(connection.execute(text(DEFINITIONS), names)) == set(expected.execute(text(DEFINITIONS), names))
        assert connection.execute(text(INVALID)).scalar() == 0
    made.dispose()


@ON_FILE
def test_migrated_indexes_of_a_file_are_those_of_the_schema(engine: Engine):
    """After all migrations SQLite has the indexes of the schema."""

    def plain(statement: str) -> str:
        return re.sub(r"[\s()\"]|\bseven\.", "", statement)

    declared = [index for table in tables("sqlite") for index in table.indexes]
    expected = {plain(str(CreateIndex(index).compile(dialect=sqlite.dialect()))) for index in declared}
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"))
        assert {plain(sql) for (sql,) in rows} == expected


@ON_SERVER
def test_everything_has_its_comment(engine: Engine):
    """PostgreSQL shows what the schema says of each table, column, index and view."""
    queries = {
        "COLUMN": "SELECT col_description(attrelid, attnum) FROM pg_attribute"
        " WHERE attrelid = to_regclass('seven.' || split_part(:name, '.', 1)) AND attname = split_part(:name, '.', 2)",
        "other": "SELECT obj_description(to_regclass('seven.' || :name), 'pg_class')",
    }
    with engine.connect() as connection:
        for kind, name, comment in comments():
            query = text(queries.get(kind, queries["other"]))
            assert comment
            assert comment.isascii(), name
            assert connection.execute(query, {"name": name}).scalar() == comment, name


@ON_SERVER
def test_a_killed_build_is_made_again(engine: Engine, database_url: str):
    """An index of which a killed run left an invalid part is valid after the next run; writers went on meanwhile."""
    now = datetime.now(UTC)
    part = f"deliveries_{monday(now):%Y%m%d}"
    with ThreadPoolExecutor(1) as threads, psycopg.connect(database_url, autocommit=True) as observer:
        with psycopg.connect(database_url) as writer:  # a transaction for which the build waits
            writer.execute(f"INSERT INTO seven.{part} (id) VALUES ('{first_id(now)}-0')")
            build = threads.submit(build_index, engine, MINE)
            pids = eventually(lambda: observer.execute(RUNNING).fetchall())
            Store(engine).write([ArchivedDelivery(id=first_id(now), digest="1")])  # waits for no lock
            observer.execute("SELECT pg_terminate_backend(%s)", pids[0])
            with pytest.raises(DBAPIError):
                build.result()
        assert observer.execute(INVALID).fetchone() != (0,)
        for _ in range(2):  # the second time it is there
            build_index(engine, MINE)
            assert observer.execute(INVALID).fetchone() == (0,)


@ON_SERVER
def test_coming_weeks_have_the_indexes(engine: Engine):
    """A partition that is made later has each index of its table."""
    later = datetime.now(UTC) + 9 * WEEK
    with engine.begin() as connection:
        (name, *_) = provide(connection, deliveries, later)
        count = text("SELECT count(*) FROM pg_indexes WHERE schemaname = 'seven' AND tablename = :name")
        assert connection.execute(count, {"name": name}).scalar() == 1 + len(deliveries.indexes)


def test_first_delivery_id(engine: Engine):
    """The function in SQL is that of Python, to the millisecond, and gives what a query compares ids with."""
    function = "seven.first_delivery_id" if engine.dialect.name == "postgresql" else "first_delivery_id"
    times = ["1970-01-01 00:00:00+00:00", "2026-01-01 00:00:00+00:00", "2026-11-28 19:00:00.001999+00:00"]
    with engine.connect() as connection:
        for at in times:
            expected = first_id(datetime.fromisoformat(at))
            assert connection.execute(text(f"SELECT {function}('{at}')")).scalar() == expected
        if engine.dialect.name == "sqlite":  # the documented expression, for other connections
            documented = (
                "SELECT printf('%08x-%04x', 1000 * strftime('%s', :at) >> 16, 1000 * strftime('%s', :at) & 65535)"
            )
            assert connection.execute(text(documented), {"at": times[1]}).scalar() == first_id(
                NOON.replace(year=2026, month=1, day=1, hour=0, minute=0, second=0, microsecond=0)
            )


@pytest.mark.parametrize("statuses", [True, False], ids=["with a history", "without a history"])
def test_messages_of_an_earlier_version_know_when_they_were_delivered(empty_database: str, statuses: bool):
    """The migration takes the earliest report from the history, or what stands where that is gone; twice does no harm."""
    engine = create_store_engine(empty_database)
    migrate(engine, "0010")
    at = NOON.isoformat(" ", "microseconds")
    schema = "seven." if engine.dialect.name == "postgresql" else ""
    with engine.begin() as connection:
        columns = "(msg_id, status, result, status_at, changed_at)"
        for name, status, result in (("1", "DELIVERED", "delivered"), ("2", "EXPIRED", "failed")):
            values = f"('{name}', '{status}', '{result}', '{at}', '{at}')"
            connection.exec_driver_sql(f"INSERT INTO {schema}messages {columns} VALUES {values}")
            if statuses:
                early = NOON.replace(microsecond=0, hour=1).isoformat(" ", "microseconds")
                connection.exec_driver_sql(
                    f"INSERT INTO {schema}message_statuses (msg_id, status, at)"
                    f" VALUES ('{name}', 'Delivered', '{early}')"
                )
    assert migrate(engine) == ("0010", newest())
    expected = [NOON.replace(microsecond=0, hour=1)] * 2 if statuses else [NOON, None]
    with engine.connect() as connection:
        table = metadata.tables["seven.messages"]
        rows = connection.execute(table.select().order_by(table.c.msg_id))
        assert [row.delivered_at for row in rows] == expected
    engine.dispose()


def test_a_week_of_delivery_rates_reads_an_index(engine: Engine):
    """WHERE hour >= … on the view is answered by the index on the hour, in both databases."""
    Store(engine).write([Message(msg_id="1", status="DELIVERED", result="delivered", first_seen_at=NOON)])
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL enable_seqscan = off"))
            query = "EXPLAIN SELECT * FROM seven.delivery_rates WHERE hour >= '2020-01-01'"
        else:
            query = "EXPLAIN QUERY PLAN SELECT * FROM delivery_rates WHERE hour >= '2020-01-01'"
        plan = " ".join(str(row) for row in connection.execute(text(query)))
    assert "ix_messages_first_seen_hour" in plan
    assert "SCAN messages" not in plan
