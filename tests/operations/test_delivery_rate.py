"""The delivery rate: which messages count, in which hours, and what is usual."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event, text

from operations.delivery_rate import Decided, delivery_rate, mean_rate
from seven.records import Message
from store.row_writer import Store

NOW = datetime(2026, 3, 29, 12, 34, 56, tzinfo=UTC)
FULL = NOW.replace(minute=0, second=0)
HOUR, WEEK, TICK = timedelta(hours=1), timedelta(weeks=1), timedelta(microseconds=1)


def message(
    first_seen_at: datetime | None, result: str | None = "delivered", status_at: datetime | None = None
) -> Message:
    status = {"delivered": "DELIVERED", "failed": "EXPIRED", "pending": "TRANSMITTED"}.get(result or "", "COINED")
    return Message(
        msg_id="", status=status, result=result, status_at=status_at or first_seen_at, first_seen_at=first_seen_at
    )


def write(engine: Engine, *rows: Message) -> None:
    Store(engine).write(replace(row, msg_id=str(n)) for n, row in enumerate(rows))


@pytest.mark.parametrize("weeks", [0, 1, 4])
def test_the_day_begins_28_and_ends_4_hours_ago(engine: Engine, weeks: int):
    """By full hours, and in earlier weeks to the hour the same."""
    ago = weeks * WEEK
    inside = [FULL - 28 * HOUR - ago, FULL - 16 * HOUR - ago, FULL - 4 * HOUR - TICK - ago]
    outside = [FULL - 28 * HOUR - TICK - ago, FULL - 4 * HOUR - ago]
    write(engine, *map(message, inside), *map(message, outside))
    rate = delivery_rate(engine, NOW)
    assert [day.number for day in (rate.day, *rate.weeks)] == [3 * (week == weeks) for week in range(5)]


def test_weeks_before_the_fourth_do_not_count(engine: Engine):
    """What is usual is recent."""
    write(engine, message(FULL - 16 * HOUR - 5 * WEEK))
    assert delivery_rate(engine, NOW).weeks == (Decided(),) * 4


def test_only_final_results_count(engine: Engine):
    """Delivered and failed; neither what is on its way, nor what nobody understands, nor what has no time."""
    at = FULL - 16 * HOUR
    results = ("delivered", "delivered", "delivered", "failed", "pending", "unknown", None)
    write(engine, *(message(at, result) for result in results), message(None))
    rate = delivery_rate(engine, NOW)
    assert rate.day == Decided(3, 1)
    assert (rate.day.rate, rate.usual) == (0.75, None)
    assert Decided().rate is None


def test_earlier_weeks_stand_as_they_stood(engine: Engine):
    """A result that came later than by the same hour would make each day look better than those before it."""
    at = FULL - 16 * HOUR - WEEK
    times = [at + HOUR, NOW - WEEK, NOW - WEEK + TICK, at + 48 * HOUR]
    write(engine, *(message(at, "failed", status_at) for status_at in times))
    assert delivery_rate(engine, NOW).weeks[0] == Decided(0, 2)


def test_a_result_without_a_time_counts(engine: Engine):
    """It may have come in time."""
    write(engine, replace(message(FULL - 16 * HOUR - WEEK), status_at=None))
    assert delivery_rate(engine, NOW).weeks[0] == Decided(1, 0)


@pytest.mark.parametrize(
    ("weeks", "mean"),
    [
        pytest.param([], None, id="none"),
        pytest.param([Decided(180, 20), Decided(160, 40)], 0.85, id="two weeks"),
        pytest.param([Decided(180, 20), Decided(500_000, 500_000)], 0.7, id="a large week counts as others do"),
        pytest.param([Decided(180, 20), Decided(0, 199), Decided()], 0.9, id="small weeks do not count"),
        pytest.param([Decided(0, 199)], None, id="only a small week"),
    ],
)
def test_the_usual_rate_is_the_mean_of_weeks(weeks: list[Decided], mean: float | None):
    """Of those with enough messages."""
    assert mean_rate(weeks) == pytest.approx(mean) if mean else mean_rate(weeks) is None


def test_it_reads_an_index(engine: Engine):
    """With an empty table PostgreSQL would scan: so it is told that a scan is dear."""
    statements: list[tuple[str, Any]] = []
    event.listen(engine, "before_cursor_execute", lambda *call: statements.append((call[2], call[3])))
    delivery_rate(engine, NOW)
    statement, parameters = [each for each in statements if "messages" in each[0]][-1]
    with engine.connect() as connection:
        explain = "EXPLAIN QUERY PLAN"
        if engine.dialect.name == "postgresql":
            explain = "EXPLAIN"
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        cursor: Any = connection.connection.dbapi_connection
        plan = " ".join(str(row) for row in cursor.execute(f"{explain} {statement}", parameters).fetchall())
    assert "ix_messages_first_seen_hour" in plan
    assert "SCAN messages" not in plan
