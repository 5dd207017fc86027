"""Partitions: rows go to their week, weeks are created in time and dropped when expired, an old table is kept."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from alembic.util.exc import CommandError
from sqlalchemy import Engine, text

from ledger.client import Ledger
from seven.archive_records import ArchivedDelivery
from seven.records import MessageStatus
from store.engine import create_store_engine
from store.migrate import migrate
from store.partitions import AHEAD, PARTITIONED, WEEK, Partition, monday, partitions, provide
from store.row_writer import Store
from store.schema import deliveries, message_statuses
from store.version import newest
from tests.factories.aged_rows import DAY, NOW, keep_days, retain, row, rows_of, tallied_ranges
from tests.servers import PATIENCE_S, eventually

FENCES = "CREATE TABLE seven.fences (name text PRIMARY KEY, generation bigint)"


@pytest.fixture
def dialect() -> str:
    """Only PostgreSQL has partitions."""
    return "postgresql"


def partitions_of(engine: Engine, table: Any = deliveries) -> list[Partition]:
    with engine.connect() as connection:
        return partitions(connection, table)


def partition_by_key(engine: Engine, table: str, column: str) -> dict[str, str]:
    """The partition of each row."""
    with engine.connect() as connection:
        rows = connection.execute(text(f"SELECT {column}, tableoid::regclass::text FROM seven.{table}"))
        return {key: name.removeprefix("seven.").removeprefix(f"{table}_") for key, name in rows}


def day(at: datetime) -> str:
    return f"{monday(at):%Y%m%d}"


def test_rows_go_to_their_week(engine: Engine):
    """Each row is in the partition of its week, or else in the rest; keys stay unique."""
    written = [row(1, timedelta()), row(2, -WEEK), row(3, 100 * DAY), row(4, -100 * DAY)]
    foreign = ArchivedDelivery(id="none of ours", queue="dlr", received_at=NOW, ledger="life", ordinal=5)
    store = Store(engine)
    store.write([*written, foreign])
    store.write([*written, foreign])
    expected = {written[0].id: day(NOW), written[1].id: day(NOW + WEEK)}
    expected |= dict.fromkeys((written[2].id, written[3].id, foreign.id), "rest")
    assert partition_by_key(engine, "deliveries", "id") == expected
    monday_morning = monday(NOW + WEEK)
    store.write([MessageStatus("a", "X", monday_morning - timedelta(microseconds=1))])
    store.write([MessageStatus("b", "X", monday_morning)])
    assert partition_by_key(engine, "message_statuses", "msg_id") == {"a": day(NOW), "b": day(NOW + WEEK)}


def test_weeks_are_provided(engine: Engine):
    """AHEAD weeks exist without a gap, each once, and later calls add the next ones."""
    weeks = [partition for partition in partitions_of(engine) if partition.since]
    assert [week.since for week in weeks] == [monday(NOW) + number * WEEK for number in range(AHEAD + 1)]
    with engine.begin() as connection:
        assert [name for table in PARTITIONED for name in provide(connection, table, NOW)] == []
        later = NOW + 2 * WEEK
        assert len(provide(connection, deliveries, later)) == 2
    assert max(week.until for week in partitions_of(engine) if week.until) == monday(later) + (AHEAD + 1) * WEEK


def test_expired_weeks_are_dropped(engine: Engine, ledger: Ledger):
    """A history's week is dropped at once; a week of deliveries only after each row is tallied, and none has to stay."""
    with engine.begin() as connection:
        for weeks in (60, 20):
            for table in PARTITIONED:
                provide(connection, table, NOW - weeks * WEEK)
    old, younger = 60 * WEEK, 20 * WEEK
    Store(engine).write(
        [
            *(row(number, old) for number in range(1, 4)),
            row(4, old - WEEK),
            row(5, old - WEEK, "dead"),
            row(6, younger),
            *(MessageStatus(f"{number}", "X", NOW - old) for number in range(7)),
            MessageStatus("younger", "X", NOW - younger),
        ]
    )
    result = retain(ledger, engine, keep_days(histories=365, deliveries=365))
    assert +result.removed == {"deliveries": 4, "message_statuses": 7}
    assert tallied_ranges(engine) == [(1, 4)]
    assert [delivery.ordinal for delivery in rows_of(engine, "deliveries").values()] == [5, 6]
    assert [key[0] for key in rows_of(engine, "message_statuses")] == ["younger"]
    limit = NOW - 365 * DAY
    assert all(part.until > limit for part in partitions_of(engine, message_statuses) if part.until)
    expired = [part.name[-8:] for part in partitions_of(engine) if part.until and part.until <= limit]
    assert expired == [day(NOW - old + WEEK)]


def test_a_week_with_a_reader_stays(engine: Engine, ledger: Ledger, database_url: str):
    """A week that another transaction reads is left for the next pass; this pass continues."""
    with engine.begin() as connection:
        provide(connection, message_statuses, NOW - 60 * WEEK)
    Store(engine).write([MessageStatus("a", "X", NOW - 60 * WEEK), row(1, 400 * DAY)])
    before = partitions_of(engine, message_statuses)
    with psycopg.connect(database_url) as reader:
        reader.execute("SELECT FROM seven.message_statuses")
        result = retain(ledger, engine, keep_days(histories=365, deliveries=365))
        assert result.done
        assert result.removed["deliveries"] == 1
        assert partitions_of(engine, message_statuses) == before
    retain(ledger, engine, keep_days(histories=365))
    assert len(partitions_of(engine, message_statuses)) == len(before) - AHEAD - 1


@pytest.fixture
def unpartitioned(empty_database: str) -> Any:
    """A database with the schema before partitions."""
    engine = create_store_engine(empty_database)
    migrate(engine, "0004")
    yield engine
    engine.dispose()


def test_an_old_table_becomes_a_partition(unpartitioned: Engine):
    """Its rows stay in place, except those from a wrong clock; grants stay as they were."""
    written = [row(1, timedelta()), row(2, 100 * DAY), row(3, -100 * DAY)]
    store = Store(unpartitioned)
    with unpartitioned.begin() as connection:
        connection.execute(
            text(f"ALTER TABLE seven.deliveries ADD remark text, ADD record text; {FENCES}")
        )  # for today's code to write
    store.write(written)
    with unpartitioned.begin() as connection:
        connection.execute(
            text("ALTER TABLE seven.deliveries DROP remark, DROP record; DROP TABLE seven.fences; CREATE ROLE reader")
        )
        before = {*map(tuple, connection.execute(text("SELECT * FROM seven.deliveries")))}
        connection.execute(text("INSERT INTO seven.message_statuses VALUES ('a', 'X', :at)"), {"at": NOW})
        connection.execute(text("GRANT SELECT ON seven.deliveries TO reader, PUBLIC"))
    migrate(unpartitioned)
    until = f"until_{monday(NOW + WEEK):%Y%m%d}"
    written.append(row(4, -WEEK))
    store.write([*written, MessageStatus("a", "X", NOW)])
    by_id = partition_by_key(unpartitioned, "deliveries", "id")
    assert [by_id[delivery.id] for delivery in written] == [until, until, "rest", day(NOW + WEEK)]
    assert partition_by_key(unpartitioned, "message_statuses", "msg_id") == {"a": until}
    with unpartitioned.connect() as connection:
        added = len(("remark", "record"))
        assert before <= {tuple(row)[:-added] for row in connection.execute(text("SELECT * FROM seven.deliveries"))}
        right = "has_table_privilege('reader', 'seven.deliveries', '{}')".format
        assert connection.execute(text(f"SELECT {right('SELECT')}, {right('INSERT')}")).one() == (True, False)


@pytest.mark.parametrize(
    ("create", "drop"),
    [
        pytest.param("CREATE VIEW public.mine AS SELECT id FROM seven.deliveries", "DROP VIEW public.mine", id="view"),
        pytest.param(
            "ALTER TABLE seven.deliveries ENABLE ROW LEVEL SECURITY",
            "ALTER TABLE seven.deliveries DISABLE ROW LEVEL SECURITY",
            id="row security",
        ),
        pytest.param(
            "CREATE PUBLICATION mine FOR TABLE seven.deliveries", "DROP PUBLICATION mine", id="publication mine"
        ),
        pytest.param(
            "CREATE TABLE public.theirs (id text REFERENCES seven.deliveries)",
            "DROP TABLE public.theirs",
            id="foreign key",
        ),
        pytest.param(
            "CREATE UNIQUE INDEX mine ON seven.deliveries (ordinal)", "DROP INDEX seven.mine", id="unique index"
        ),
    ],
)
def test_dependent_objects_stop_the_migration(unpartitioned: Engine, request: Any, create: str, drop: str):
    """The error names them: they would stay with the old partition only, unnoticed."""
    with unpartitioned.begin() as connection:
        connection.execute(text(create))
    with pytest.raises(CommandError, match=request.node.callspec.id):
        migrate(unpartitioned)
    with unpartitioned.begin() as connection:
        connection.execute(text(drop))
    assert migrate(unpartitioned) == ("0004", newest())


def test_a_migration_waits_and_blocks_others_only_briefly(unpartitioned: Engine):
    """A transaction that holds one table and needs another one gets it; grants and indexes stay as they were."""
    with unpartitioned.begin() as connection:
        connection.execute(text("CREATE INDEX mine ON seven.deliveries (digest)"))
        connection.execute(text("CREATE ROLE some_columns"))
        connection.execute(text("GRANT SELECT (id) ON seven.deliveries TO some_columns WITH GRANT OPTION"))
    with ThreadPoolExecutor(1) as threads, unpartitioned.connect() as other:
        other.execute(text("INSERT INTO seven.call_statuses VALUES ('inbound', '1', 'X', now())"))
        migration = threads.submit(migrate, unpartitioned)
        eventually(lambda: _waiting(unpartitioned))
        other.execute(text("INSERT INTO seven.deliveries (id) VALUES ('a')"))
        other.commit()
        assert migration.result(PATIENCE_S) == ("0004", newest())
    with unpartitioned.connect() as connection:
        grant = "has_column_privilege('some_columns', 'seven.deliveries', 'id', 'SELECT WITH GRANT OPTION')"
        assert connection.execute(text(f"SELECT {grant}, to_regclass('seven.mine') IS NOT NULL")).one() == (True, True)
    assert partition_by_key(unpartitioned, "deliveries", "id") == {"a": "rest"}


def _waiting(engine: Engine) -> bool:
    with engine.connect() as connection:
        query = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        return connection.execute(text(query)).first() is not None


def test_retention_without_the_privilege_to_create_tables(engine: Engine, ledger: Ledger, database_url: str):
    """With a role that may only read and write rows, retention creates no weeks, and does everything else."""
    with engine.begin() as connection:
        connection.execute(text("CREATE ROLE worker LOGIN"))
        connection.execute(text("GRANT USAGE ON SCHEMA seven TO worker"))
        connection.execute(text("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA seven TO worker"))
        for week in [partition for partition in partitions(connection, deliveries) if partition.until][3:]:
            connection.execute(text(f"DROP TABLE seven.{week.name}"))
        provide(connection, message_statuses, NOW - 60 * WEEK)
    Store(engine).write([row(1, 400 * DAY), MessageStatus("a", "X", NOW - 60 * WEEK)])
    restricted = create_store_engine(database_url.replace("seven@", "worker@"))
    result = retain(ledger, restricted, keep_days(histories=365, deliveries=365))
    restricted.dispose()
    assert (result.done, result.removed["deliveries"]) == (True, 1)


def test_mondays():
    """Weeks begin on Mondays, UTC, whatever the offset of the time."""
    assert monday(datetime.fromisoformat("2026-11-30T00:30:00+01:00")) == datetime(2026, 11, 23, tzinfo=UTC)
    assert monday(datetime(2026, 11, 30, tzinfo=UTC)) == datetime(2026, 11, 30, tzinfo=UTC)


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_sqlite_has_no_partitions(engine: Engine):
    """On SQLite `partitions` and `provide` return nothing."""
    with engine.begin() as connection:
        assert partitions(connection, deliveries) == provide(connection, deliveries, NOW) == []
