"""Plots and the counts behind them: exact figures, bounded reads, and nothing outside of its picture."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, Engine

from console.hour_cache import MOST_HOURS, Budget, HourCache, HourCounts, refresh_all
from console.plot import HEIGHT, LEFT, OTHERS, WIDTH, hourly_plot
from operations.hourly_counts import (
    HOUR,
    OTHER_TYPES,
    UNLABELLED,
    count_calls,
    count_clicks,
    count_deliveries,
    count_messages,
)
from store.archive import first_id
from store.schema import calls, deliveries, link_events, links, messages

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)


def hours(*counts: Mapping[str, int] | None) -> list[HourCounts]:
    return [HourCounts(NOON + HOUR * index, count) for index, count in enumerate(counts)]


def test_bars_are_within_the_picture_and_true_to_scale():
    """Heights are proportional, series stacked without gaps; totals are exact."""
    plot = hourly_plot("x", "X", hours({"a": 30, "b": 10}, {}, {"a": 5}, None))

    assert [(series.kind, series.total) for series in plot.series] == [("a", 35), ("b", 10)]
    assert plot.total == 45
    assert [bar.total for bar in plot.bars] == [40, 0, 5, 0]
    assert [bar.is_read for bar in plot.bars] == [True, True, True, False]
    assert not plot.is_complete
    assert not plot.is_current
    for bar in plot.bars:
        assert LEFT <= bar.x < bar.x + plot.bar_width <= WIDTH
        assert all(0 <= segment.y <= HEIGHT and segment.height > 0 for segment in bar.segments)
    tall, low = plot.bars[0].segments
    assert tall.height == pytest.approx(3 * low.height, abs=0.05)
    assert low.y + low.height == pytest.approx(tall.y, abs=0.02)
    assert plot.ticks[-1][0] == 40


def test_a_plot_says_how_old_its_counts_are():
    """It is current if every hour is; and empty only once every hour has been counted."""
    old = [HourCounts(NOON, {"a": 1}, timedelta(minutes=5)), HourCounts(NOON + HOUR, {}, timedelta(minutes=3))]
    plot = hourly_plot("x", "X", old)
    assert plot.is_complete
    assert not plot.is_current
    assert plot.stale_for == timedelta(minutes=5)
    assert hourly_plot("x", "X", hours({}, {})).is_current
    assert [hourly_plot("x", "X", hours({}, count)).is_empty for count in ({}, {"a": 1}, None)] == [True, False, False]


def test_many_kinds_become_six():
    """The five largest, and all others together; colours that mean something stay with their kind."""
    plot = hourly_plot("x", "X", hours({f"kind {n}": n for n in range(1, 11)}), {"kind 10": "good"})

    assert [series.kind for series in plot.series] == ["kind 10", "kind 9", "kind 8", "kind 7", "kind 6", OTHERS]
    assert plot.series[-1].total == 1 + 2 + 3 + 4 + 5
    assert plot.series[0].colour == "good"
    assert plot.bars[0].total == 55


@pytest.mark.parametrize("count", [0, 1, 3, 999, 10**9])
def test_any_height_fits(count: int):
    """Nothing at all, and a thousand million."""
    plot = hourly_plot("x", "X", hours({"a": count} if count else {}))
    assert plot.total == count
    assert all(0 <= y <= HEIGHT for _, y in plot.ticks)


class Counter:
    """Counts the reads of each hour."""

    def __init__(self) -> None:
        self.reads: list[datetime] = []
        self.now = 0.0

    def __call__(self, _: Connection, hour: datetime) -> dict[str, int]:
        self.reads.append(hour)
        self.now += 0.05
        return {"a": 1}

    def clock(self) -> float:
        return self.now


def test_hours_that_are_over_are_read_once(engine: Engine):
    """The present hours are read anew after seconds, the others later; a budget ends a look, and the next goes on."""
    counter = Counter()
    cache = HourCache(counter, counter.clock)
    with engine.connect() as connection:
        refresh_all([cache], connection, NOON, 24, Budget(0.12, counter.clock))
        assert counter.reads == [NOON, NOON - HOUR, NOON - 2 * HOUR]
        assert not cache.is_fresh(NOON, 24, counter.now)
        refresh_all([cache], connection, NOON, 24, Budget(9, counter.clock))
        assert len(counter.reads) == len(set(counter.reads)) == 24
        assert cache.is_fresh(NOON, 24, counter.now)

        counter.now += 11
        refresh_all([cache], connection, NOON, 24, Budget(9, counter.clock))
        assert counter.reads[24:] == [NOON, NOON - HOUR]  # the second has just ended


def test_looks_at_any_interval_keep_every_hour_up_to_date(engine: Engine):
    """Each look goes on with what has been due longest: at two hours a look beside the present one, none waits longer
    than twelve looks."""
    counter = Counter()
    cache = HourCache(counter, counter.clock)
    now = NOON
    with engine.connect() as connection:
        for look in range(36):
            refresh_all([cache], connection, now, 24, Budget(0.12, counter.clock))
            counts = cache.last(now, 24)
            if look >= 12:
                stale = [entry.stale_for for entry in counts if entry.stale_for is not None]
                assert all(entry.counts is not None for entry in counts)
                assert max(stale) <= timedelta(minutes=61)
            counter.now += 300
            now += timedelta(seconds=300)


def test_the_present_hour_is_read_whatever_the_rest_costs(engine: Engine):
    """Of each kind, however small the budget."""
    counters = [Counter(), Counter()]
    with engine.connect() as connection:
        refresh_all([HourCache(counter) for counter in counters], connection, NOON, 24, Budget(0))
    assert [counter.reads for counter in counters] == [[NOON], [NOON]]


def test_what_is_older_than_a_week_is_forgotten(engine: Engine):
    """Memory stays the same, however long it runs."""
    counter = Counter()
    cache = HourCache(counter, counter.clock)
    with engine.connect() as connection:
        for day in range(30):
            refresh_all([cache], connection, NOON + timedelta(days=day), MOST_HOURS, Budget(99, counter.clock))
    assert len(cache._read) == MOST_HOURS


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_counts_by_hour_are_exact(engine: Engine):
    """Of each kind of record, by both databases; the end of an hour belongs to the next."""
    half = timedelta(minutes=30)
    with engine.begin() as connection:
        for at, kind in (
            (NOON, "dlr"),
            (NOON + half, "dlr"),
            (NOON + HOUR, None),
            (NOON + 2 * HOUR, "dlr"),
            (NOON - half, "dlr"),
        ):
            connection.execute(
                deliveries.insert().values(
                    id=first_id(at) + f"-{kind}", received_at=at, event_type=kind, outcome="applied"
                )
            )
        for number, (at, result) in enumerate(
            ((NOON, "delivered"), (NOON + half, "failed"), (NOON + half, "failed"), (NOON - half, "failed"))
        ):
            connection.execute(
                messages.insert().values(msg_id=str(number), first_seen_at=at, result=result, changed_at=at)
            )
            connection.execute(
                calls.insert().values(call_id=str(number), started_at=at, direction="inbound", changed_at=at)
            )
        connection.execute(links.insert().values(sms_id="1", tracking_url="u", label="spring", changed_at=NOON))
        for nth, (key, kind) in enumerate((("1", "click"), ("1", "click"), ("1", "view"), ("2", "click"))):
            connection.execute(
                link_events.insert().values(sms_id=key, tracking_url="u", type=kind, nth=nth, at=NOON + half)
            )

    with engine.connect() as connection:
        assert count_deliveries(connection, NOON) == {"dlr": 2}
        assert count_deliveries(connection, NOON + HOUR) == {OTHER_TYPES: 1}
        assert count_messages(connection, NOON) == {"delivered": 1, "failed": 2}
        assert count_calls(connection, NOON) == {"inbound": 3}
        assert count_clicks(connection, NOON) == {"spring": 2, UNLABELLED: 1}
        assert count_messages(connection, NOON + HOUR) == {}
