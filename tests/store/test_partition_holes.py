"""Holes: a week whose rows a wrong clock wrote to the rest gets its partition, and its rows."""

import pytest
from sqlalchemy import Engine, text

from seven.records import MessageStatus
from store.migrate import migrate
from store.partitions import AHEAD, WEEK, holes, partitions, provide
from store.row_writer import Store
from store.schema import SCHEMA, deliveries, message_statuses
from store.version import VERSION_TABLE, current
from tests.factories.aged_rows import NOW, row, rows_of
from tests.store.test_partitions import day, dialect, partition_by_key

__all__ = ["dialect"]  # a fixture


@pytest.mark.parametrize("weeks_later", [AHEAD + 3, AHEAD + 5], ids=["in its own week", "two weeks late"])
def test_a_week_with_rows_in_the_rest_is_moved(engine: Engine, weeks_later: int):
    """Rows of a clock that was ahead do not keep their week in the rest: they move, once it is provided or is a hole."""
    ahead = NOW + (AHEAD + 3) * WEEK
    Store(engine).write([MessageStatus("a", "X", ahead), row(1, NOW - ahead)])
    now = NOW + weeks_later * WEEK
    before = {table: rows_of(engine, table) for table in ("message_statuses", "deliveries")}
    with engine.begin() as connection:
        for table in (message_statuses, deliveries):
            assert len(provide(connection, table, now)) >= AHEAD
            assert holes(connection, table, now) == []
    Store(engine).write([MessageStatus("b", "X", ahead)])
    assert partition_by_key(engine, "message_statuses", "msg_id") == {"a": day(ahead), "b": day(ahead)}
    assert set(partition_by_key(engine, "deliveries", "id").values()) == {day(ahead)}
    assert before["deliveries"] == rows_of(engine, "deliveries")


def test_a_past_week_without_rows_is_no_hole(engine: Engine):
    """Its partition may have been dropped; a missing week that has rows, or will have some, is one."""
    with engine.begin() as connection:
        weeks = [part for part in partitions(connection, message_statuses) if part.since]
        for week in weeks[1:3]:
            connection.execute(text(f"DROP TABLE {SCHEMA}.{week.name}"))
        assert holes(connection, message_statuses, NOW) == [week.since for week in weeks[1:3]]
    Store(engine).write([MessageStatus("a", "X", NOW + WEEK)])
    with engine.begin() as connection:
        assert holes(connection, message_statuses, NOW + 3 * WEEK) == [weeks[1].since]
        assert weeks[1].name in provide(connection, message_statuses, NOW + 3 * WEEK)
    assert partition_by_key(engine, "message_statuses", "msg_id") == {"a": day(NOW + WEEK)}


@pytest.mark.parametrize("weeks", [-1000, 300])
def test_a_partition_of_another_century_makes_no_holes(engine: Engine, weeks: int):
    """A program whose clock was wrong made it; the weeks between are neither searched one by one nor created."""
    with engine.begin() as connection:
        provide(connection, message_statuses, NOW + weeks * WEEK)
        assert holes(connection, message_statuses, NOW) == []
        assert provide(connection, message_statuses, NOW) == []


def test_migrate_makes_partitions_of_a_newer_schema(engine: Engine):
    """After a rollback the weekly `migrate` of the older program still provides weeks, and drops empty ones."""
    newer, long_ago = "9999", NOW - 60 * WEEK
    with engine.begin() as connection:
        weeks = {part.name for part in partitions(connection, message_statuses) if part.since}
        for week in weeks:
            connection.execute(text(f"DROP TABLE {SCHEMA}.{week}"))
        (old, *_) = provide(connection, deliveries, long_ago)
        connection.execute(text(f"UPDATE {SCHEMA}.{VERSION_TABLE} SET version_num = '{newer}'"))

    assert migrate(engine) == (newer, newer)

    with engine.connect() as connection:
        assert weeks <= {part.name for part in partitions(connection, message_statuses)}
        assert old not in {part.name for part in partitions(connection, deliveries)}
    assert current(engine) == newer
