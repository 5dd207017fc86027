"""Glancing: what is new and what waits, by indexes only, in both databases."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, event, insert, text

from seven.events import EVENT_TYPES
from store.projection import Projection
from store.row_counts import RowCounts, count_rows
from store.schema import hook_changes
from tests.factories.archive import LONG_AGO, NOON, delivered, delivery_id, keep, put

DLR = {"msg_id": "7", "status": "DELIVERED", "timestamp": "2026-03-29 10:00:00"}
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def looked(engine: Engine) -> RowCounts:
    with engine.connect().execution_options(reads=True) as connection:
        return count_rows(connection, NOON, frozenset(EVENT_TYPES))


def dlr(number: int, ago: timedelta, **fields: Any) -> Projection:
    return delivered(number, "dlr", DLR | fields, NOON - ago)


def test_an_empty_store(engine: Engine):
    """Nothing is new, and nothing waits."""
    found = looked(engine)
    assert (found.received, found.received_before, found.open, found.hook_changes) == ({}, {}, (), {})
    assert set(found.changed.values()) == {0}


def test_what_came_within_the_hour(engine: Engine):
    """By event type; the same hour of yesterday apart, and nothing of any other."""
    keep(engine, [dlr(n, n * MINUTE) for n in range(1, 4)])
    keep(engine, [delivered(4, "rcs", {"id": 1}, NOON - MINUTE), dlr(5, 61 * MINUTE), dlr(6, DAY + MINUTE)])
    keep(engine, [dlr(7, DAY - MINUTE), dlr(8, DAY + 61 * MINUTE)])
    found = looked(engine)
    assert (found.received, found.received_before) == ({"dlr": 3, "rcs": 1}, {"dlr": 1})


def test_what_waits_for_somebody(engine: Engine):
    """Dead and parked deliveries: how many, since when, how many of them are new, and mostly why."""
    keep(engine, [dlr(n, n * DAY).dead("a fault") for n in range(1, 4)])
    keep(engine, [dlr(4, MINUTE).dead("another"), dlr(5, MINUTE)])
    keep(engine, [delivered(6, "rcs", {}, NOON - DAY), dlr(7, MINUTE, msg_id=None)])
    dead, parked = looked(engine).open
    assert (dead.outcome, dead.count, dead.recent, dead.since) == ("dead", 4, 1, NOON - 3 * DAY)
    assert dead.reasons == (("a fault", 3), ("another", 1))
    assert (parked.outcome, parked.count, parked.recent, parked.recent_known) == ("parked", 2, 1, 1)


def test_what_changed_within_the_hour(engine: Engine):
    """Rows by the time of their last change, hook changes by their action."""
    for number, changed_at in enumerate((LONG_AGO, NOON - MINUTE, NOON - 2 * MINUTE)):
        told = dlr(number, DAY, msg_id=str(number))
        put(engine, next(one for one in told.records if one.table == "messages"), changed_at)
    with engine.begin() as connection:
        for number, ago in enumerate((MINUTE, 2 * MINUTE, DAY)):
            at = NOON - ago
            connection.execute(insert(hook_changes).values(id=delivery_id(at, number), at=at, action="missing"))
    found = looked(engine)
    assert (found.changed["messages"], found.changed["calls"], found.hook_changes) == (2, 0, {"missing": 2})


def test_no_table_is_read_whole(engine: Engine):
    """Every question is answered by an index, whatever the planner thinks of so few rows."""
    keep(engine, [dlr(n, n * MINUTE) for n in range(1, 40)])
    asked: list[tuple[str, Any]] = []
    event.listen(engine, "before_cursor_execute", lambda *told: asked.append((told[2], told[3])))
    looked(engine)
    queries = [one for one in asked if one[0].lstrip().startswith("SELECT")]
    assert len(queries) > 8
    postgresql = engine.dialect.name == "postgresql"
    with engine.connect().execution_options(reads=True) as connection:
        if postgresql:
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        for query, parameters in queries:
            explain = f"{'EXPLAIN' if postgresql else 'EXPLAIN QUERY PLAN'} {query}"
            plan = "\n".join(" ".join(map(str, row)) for row in connection.exec_driver_sql(explain, parameters))
            assert "Seq Scan" not in plan, plan
            whole = [line for line in plan.splitlines() if " SCAN " in f" {line}" and "USING" not in line]
            assert not [line for line in whole if "anon" not in line and "SUBQUERY" not in line], plan
