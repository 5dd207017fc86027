"""Partitions by week: rows find theirs, weeks are provided in time, what is over is dropped, an old table is kept."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.util.exc import CommandError
from sqlalchemy import Engine, text

from ledger.client import Ledger
from seven.records import ArchivedDelivery, MessageStatus
from store.engine import create_store_engine
from store.migrate import _config, _locked, migrate, newest
from store.partitions import AHEAD, PARTITIONED, WEEK, Partition, monday, partitions, provide
from store.row_writer import Store
from store.schema import deliveries, message_statuses
from tests.factories.aged_rows import DAY, NOW, keeping, of, retained, row, tallied
from tests.servers import eventually


@pytest.fixture
def dialect() -> str:
    """The only one that has any."""
    return "postgresql"


def found(engine: Engine, table: Any = deliveries) -> list[Partition]:
    with engine.connect() as connection:
        return partitions(connection, table)


def where(engine: Engine, table: str, column: str) -> dict[str, str]:
    """In which partition each row is."""
    with engine.connect() as connection:
        told = connection.execute(text(f"SELECT {column}, tableoid::regclass::text FROM seven.{table}"))
        return {key: name.removeprefix("seven.").removeprefix(f"{table}_") for key, name in told}


def day(at: datetime) -> str:
    return f"{monday(at):%Y%m%d}"


def test_rows_find_their_week(engine: Engine):
    """Each row is in its week; what has none is kept all the same, and is as unique as all."""
    told = [row(1, timedelta()), row(2, -WEEK), row(3, 100 * DAY), row(4, -100 * DAY)]
    odd = ArchivedDelivery(id="none of ours", queue="dlr", received_at=NOW, ledger="life", ordinal=5)
    store = Store(engine)
    store.write([*told, odd])
    store.write([*told, odd])
    expected = {told[0].id: day(NOW), told[1].id: day(NOW + WEEK)} | dict.fromkeys(
        (told[2].id, told[3].id, odd.id), "rest"
    )
    assert where(engine, "deliveries", "id") == expected
    monday_morning = monday(NOW + WEEK)
    store.write([MessageStatus("a", "X", monday_morning - timedelta(microseconds=1))])
    store.write([MessageStatus("b", "X", monday_morning)])
    assert where(engine, "message_statuses", "msg_id") == {"a": day(NOW), "b": day(NOW + WEEK)}


def test_weeks_are_provided(engine: Engine):
    """So many ahead without a gap, each once, and the next when its time has come."""
    weeks = [one for one in found(engine) if one.since]
    assert [one.since for one in weeks] == [monday(NOW) + number * WEEK for number in range(AHEAD + 1)]
    with engine.begin() as connection:
        assert [name for table in PARTITIONED for name in provide(connection, table, NOW)] == []
        later = NOW + 2 * WEEK
        assert len(provide(connection, deliveries, later)) == 2
    assert max(one.until for one in found(engine) if one.until) == monday(later) + (AHEAD + 1) * WEEK


def test_a_week_that_has_begun_in_the_rest_stays_there(engine: Engine):
    """Nobody has provided for it in time: nothing is moved, nothing lost, and the weeks after it are made."""
    late = NOW + (AHEAD + 3) * WEEK
    Store(engine).write([MessageStatus("a", "X", late)])
    with engine.begin() as connection:
        made = provide(connection, message_statuses, late)
    assert [name[-8:] for name in made] == [day(late + number * WEEK) for number in range(1, AHEAD + 1)]
    Store(engine).write([MessageStatus("b", "X", late)])
    assert where(engine, "message_statuses", "msg_id") == {"a": "rest", "b": "rest"}


def test_what_is_over_is_dropped(engine: Engine, ledger: Ledger):
    """A history's week at once; one of deliveries when each of them is tallied, and what must stay is gone."""
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
    told = retained(ledger, engine, keeping(histories=365, deliveries=365))
    assert +told.removed == {"deliveries": 4, "message_statuses": 7}
    assert tallied(engine) == [(1, 4)]
    assert [one.ordinal for one in of(engine, "deliveries").values()] == [5, 6]
    assert [key[0] for key in of(engine, "message_statuses")] == ["younger"]
    limit = NOW - 365 * DAY
    assert all(one.until > limit for one in found(engine, message_statuses) if one.until)
    assert [one.name[-8:] for one in found(engine) if one.until and one.until <= limit] == [day(NOW - old + WEEK)]


def test_who_reads_is_not_in_danger(engine: Engine, ledger: Ledger, database_url: str):
    """A week somebody reads in is left for the next pass; the pass goes on."""
    with engine.begin() as connection:
        provide(connection, message_statuses, NOW - 60 * WEEK)
    Store(engine).write([MessageStatus("a", "X", NOW - 60 * WEEK), row(1, 400 * DAY)])
    before = found(engine, message_statuses)
    with psycopg.connect(database_url) as reader:
        reader.execute("SELECT FROM seven.message_statuses")
        told = retained(ledger, engine, keeping(histories=365, deliveries=365))
        assert told.done
        assert told.removed["deliveries"] == 1
        assert found(engine, message_statuses) == before
    retained(ledger, engine, keeping(histories=365))
    assert len(found(engine, message_statuses)) == len(before) - AHEAD - 1


@pytest.fixture
def of_before(empty_database: str) -> Any:
    """A database as it was before there were partitions."""
    engine = create_store_engine(empty_database)
    with _locked(engine) as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
    yield engine
    engine.dispose()


def test_an_old_table_becomes_a_part(of_before: Engine):
    """Its rows stay where they are, also those of a clock gone wrong; who could read them still can."""
    told = [row(1, timedelta()), row(2, 100 * DAY), row(3, -100 * DAY)]
    store = Store(of_before)
    store.write([*told, MessageStatus("a", "X", NOW)])
    kept = of(of_before, "deliveries")
    with of_before.begin() as connection:
        connection.execute(text("CREATE ROLE somebody"))
        connection.execute(text("GRANT SELECT ON seven.deliveries TO somebody, PUBLIC"))
    migrate(of_before)
    until = f"until_{monday(NOW + WEEK):%Y%m%d}"
    assert of(of_before, "deliveries") == kept
    store.write([*told, row(4, -WEEK), MessageStatus("a", "X", NOW)])
    in_parts = [until, until, "rest", day(NOW + WEEK)]
    assert where(of_before, "deliveries", "id") == dict(
        zip((one.id for one in (*told, row(4, -WEEK))), in_parts, strict=True)
    )
    assert where(of_before, "message_statuses", "msg_id") == {"a": until}
    with of_before.connect() as connection:
        readable = "has_table_privilege('somebody', 'seven.deliveries', 'SELECT')"
        written = "has_table_privilege('somebody', 'seven.deliveries', 'INSERT')"
        assert connection.execute(text(f"SELECT {readable}, {written}")).one() == (True, False)


@pytest.mark.parametrize(
    ("made", "undone"),
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
def test_what_hangs_on_an_old_table_is_named(of_before: Engine, request: Any, made: str, undone: str):
    """It would stay with the old part alone, and nobody would notice."""
    with of_before.begin() as connection:
        connection.execute(text(made))
    with pytest.raises(CommandError, match=request.node.callspec.id):
        migrate(of_before)
    with of_before.begin() as connection:
        connection.execute(text(undone))
    assert migrate(of_before) == ("0004", newest())


def test_a_migration_waits_for_readers_and_hinders_nobody_for_long(of_before: Engine):
    """A transaction that holds one table and wants another gets it; what is left of grants and indexes is as it was."""
    with of_before.begin() as connection:
        connection.execute(text("CREATE INDEX mine ON seven.deliveries (digest)"))
        connection.execute(text("CREATE ROLE some_columns"))
        connection.execute(text("GRANT SELECT (id) ON seven.deliveries TO some_columns WITH GRANT OPTION"))
    with ThreadPoolExecutor(1) as threads, of_before.connect() as other:
        other.execute(text("INSERT INTO seven.call_statuses VALUES ('inbound', '1', 'X', now())"))
        told = threads.submit(migrate, of_before)
        eventually(lambda: _waiting(of_before))
        other.execute(text("INSERT INTO seven.deliveries (id) VALUES ('a')"))
        other.commit()
        assert told.result(60) == ("0004", newest())
    with of_before.connect() as connection:
        asked = "has_column_privilege('some_columns', 'seven.deliveries', 'id', 'SELECT WITH GRANT OPTION')"
        assert connection.execute(text(f"SELECT {asked}, to_regclass('seven.mine') IS NOT NULL")).one() == (True, True)
    assert where(of_before, "deliveries", "id") == {"a": "rest"}


def _waiting(engine: Engine) -> bool:
    with engine.connect() as connection:
        asked = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        return connection.execute(text(asked)).first() is not None


def test_who_may_not_make_tables_retains_all_the_same(engine: Engine, ledger: Ledger, database_url: str):
    """A worker's role that may only read and write rows: no new weeks, and everything else as ever."""
    with engine.begin() as connection:
        connection.execute(text("CREATE ROLE worker LOGIN"))
        connection.execute(text("GRANT USAGE ON SCHEMA seven TO worker"))
        connection.execute(text("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA seven TO worker"))
        for one in [week for week in partitions(connection, deliveries) if week.until][3:]:
            connection.execute(text(f"DROP TABLE seven.{one.name}"))
        provide(connection, message_statuses, NOW - 60 * WEEK)
    Store(engine).write([row(1, 400 * DAY), MessageStatus("a", "X", NOW - 60 * WEEK)])
    lesser = create_store_engine(database_url.replace("seven@", "worker@"))
    told = retained(ledger, lesser, keeping(histories=365, deliveries=365))
    lesser.dispose()
    assert (told.done, told.removed["deliveries"]) == (True, 1)


def test_mondays():
    """Weeks begin on Mondays, UTC, wherever one is."""
    assert monday(datetime.fromisoformat("2026-11-30T00:30:00+01:00")) == datetime(2026, 11, 23, tzinfo=UTC)
    assert monday(datetime(2026, 11, 30, tzinfo=UTC)) == datetime(2026, 11, 30, tzinfo=UTC)


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_on_sqlite_there_is_nothing_to_provide(engine: Engine):
    """Pruning is all there is to it."""
    with engine.begin() as connection:
        assert partitions(connection, deliveries) == provide(connection, deliveries, NOW) == []
