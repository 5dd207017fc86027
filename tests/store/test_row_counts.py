"""Row counts: recent and open rows, by indexes only, in both databases."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, event, insert, text

from seven.events import EVENT_TYPES
from store.delivery_rows import Projection
from store.row_counts import RowCounts, count_rows
from store.schema import hook_changes
from tests.factories.archive import LONG_AGO, NOON, delivered, delivery_id, keep, put

DLR = {"msg_id": "7", "status": "DELIVERED", "timestamp": "2026-03-29 10:00:00"}
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def counts(engine: Engine) -> RowCounts:
    with engine.connect().execution_options(reads=True) as connection:
        return count_rows(connection, NOON, frozenset(EVENT_TYPES))


def dlr(number: int, ago: timedelta, **fields: Any) -> Projection:
    return delivered(number, "dlr", DLR | fields, NOON - ago)


def test_an_empty_store(engine: Engine):
    """Every count is zero."""
    row_counts = counts(engine)
    assert (row_counts.received, row_counts.received_before, row_counts.open, row_counts.hook_changes) == (
        {},
        {},
        (),
        {},
    )
    assert set(row_counts.changed.values()) == {0}


def test_deliveries_of_the_last_hour(engine: Engine):
    """Counted by event type; the same hour of yesterday separately, and no other hour."""
    keep(engine, [dlr(n, n * MINUTE) for n in range(1, 4)])
    keep(engine, [delivered(4, "rcs", {"id": 1}, NOON - MINUTE), dlr(5, 61 * MINUTE), dlr(6, DAY + MINUTE)])
    keep(engine, [dlr(7, DAY - MINUTE), dlr(8, DAY + 61 * MINUTE)])
    row_counts = counts(engine)
    assert (row_counts.received, row_counts.received_before) == ({"dlr": 3, "rcs": 1}, {"dlr": 1})


def test_open_deliveries(engine: Engine):
    """Dead and parked deliveries: their number, the oldest, the recent ones, and the most frequent reasons."""
    keep(engine, [dlr(n, n * DAY).dead("a fault") for n in range(1, 4)])
    keep(engine, [dlr(4, MINUTE).dead("another"), dlr(5, MINUTE)])
    keep(engine, [delivered(6, "rcs", {}, NOON - DAY), dlr(7, MINUTE, msg_id=None)])
    dead, parked = counts(engine).open
    assert (dead.outcome, dead.count, dead.recent, dead.since) == ("dead", 4, 1, NOON - 3 * DAY)
    assert dead.reasons == (("a fault", 3), ("another", 1))
    assert (parked.outcome, parked.count, parked.recent, parked.recent_known) == ("parked", 2, 1, 1)


def test_changes_of_the_last_hour(engine: Engine):
    """Rows by the time of their last change, hook changes by action."""
    for number, changed_at in enumerate((LONG_AGO, NOON - MINUTE, NOON - 2 * MINUTE)):
        delivery = dlr(number, DAY, msg_id=str(number))
        put(engine, next(record for record in delivery.records if record.table == "messages"), changed_at)
    with engine.begin() as connection:
        for number, ago in enumerate((MINUTE, 2 * MINUTE, DAY)):
            at = NOON - ago
            connection.execute(insert(hook_changes).values(id=delivery_id(at, number), at=at, action="missing"))
    row_counts = counts(engine)
    assert (row_counts.changed["messages"], row_counts.changed["calls"], row_counts.hook_changes) == (
        2,
        0,
        {"missing": 2},
    )


def test_no_table_is_scanned(engine: Engine):
    """An index answers every query, also where the planner would scan so few rows."""
    keep(engine, [dlr(n, n * MINUTE) for n in range(1, 40)])
    statements: list[tuple[str, Any]] = []
    event.listen(engine, "before_cursor_execute", lambda *arguments: statements.append((arguments[2], arguments[3])))
    counts(engine)
    queries = [(query, parameters) for query, parameters in statements if query.lstrip().startswith("SELECT")]
    assert len(queries) > 8
    postgresql = engine.dialect.name == "postgresql"
    with engine.connect().execution_options(reads=True) as connection:
        if postgresql:
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        for query, parameters in queries:
            explain = f"{'EXPLAIN' if postgresql else 'EXPLAIN QUERY PLAN'} {query}"
            plan = "\n".join(" ".join(map(str, row)) for row in connection.exec_driver_sql(explain, parameters))
            assert "Seq Scan" not in plan, plan
            scans = [line for line in plan.splitlines() if " SCAN " in f" {line}" and "USING" not in line]
            assert not [line for line in scans if "anon" not in line and "SUBQUERY" not in line], plan
