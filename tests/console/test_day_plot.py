"""Day plot: the answer of a named query as bars, where its first column is a day or an hour."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from console.day_plot import LEAST_BARS, MOST_BARS, day_plot
from operations.queries import QUERIES, NamedQuery

COUNTS = NamedQuery("counts", "Counts", "By day.", "SELECT 1", plot=("delivered", "failed"))
COLUMNS = ("day", "delivered", "failed")


def test_days_without_rows_are_bars_without_height():
    """A day on which nothing happened is no day that is left out; a few days are not as wide as the page."""
    plot = day_plot(COUNTS, COLUMNS, [("2026-03-28", 5, 1), ("2026-03-30", 7, None)])
    assert plot is not None
    assert len(plot.bars) == LEAST_BARS
    assert [bar.total for bar in plot.bars[-3:]] == [6, 0, 7]
    assert plot.bars[-1].hour == datetime(2026, 3, 30, tzinfo=UTC)
    assert [label for label, _ in plot.hours][-1] == "30 Mar"
    assert {series.kind: (series.colour, series.total) for series in plot.series} == {
        "delivered": ("good", 12),
        "failed": ("bad", 1),
    }


def test_hours_are_bars_as_either_database_returns_them():
    """PostgreSQL returns a time, SQLite its text."""
    at = datetime(2026, 3, 29, 12, tzinfo=UTC)
    for value in (at, at.isoformat(" ")):
        plot = day_plot(COUNTS, ("hour", "delivered", "failed"), [(value, 1, 2)])
        assert plot is not None
        assert (plot.bars[-1].hour, plot.bars[-1].total) == (at, 3)


@pytest.mark.parametrize(
    ("columns", "rows"),
    [
        pytest.param(COLUMNS, [], id="no rows"),
        pytest.param(("label", "delivered", "failed"), [("spring", 1, 2)], id="no time"),
        pytest.param(("day", "other"), [("2026-03-28", 1)], id="nothing to draw"),
        pytest.param(COLUMNS, [("soon", 1, 2)], id="no day"),
        pytest.param(COLUMNS, [("2026-03-28", 1.5, 2)], id="no counts"),
        pytest.param(COLUMNS, [("2020-01-01", 1, 2), ("2026-03-28", 1, 2)], id="too many bars"),
    ],
)
def test_what_is_not_drawn(columns: tuple[str, ...], rows: list[tuple[Any, ...]]):
    """The table has it all the same."""
    assert day_plot(COUNTS, columns, rows) is None


def test_a_year_of_days_is_drawn():
    """As many labels as there is room for."""
    first = datetime(2025, 3, 29, tzinfo=UTC)
    rows = [(f"{first + timedelta(days=number):%Y-%m-%d}", 1, 0) for number in range(MOST_BARS)]
    plot = day_plot(QUERIES["deliveries_by_day"], COLUMNS, rows)
    assert plot is not None
    assert len(plot.bars) == MOST_BARS
    assert len(plot.hours) <= 6
