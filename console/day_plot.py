"""Day plot: the answer of a named query as bars by day or by hour, where its first column is one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from console.hour_cache import HourCounts
from console.plot import LEFT, RESULT_COLOURS, RIGHT, WIDTH, Plot, hourly_plot
from operations.queries import COLUMN_TITLES, NamedQuery

STEPS = {"day": timedelta(days=1), "hour": timedelta(hours=1)}
LEAST_BARS, MOST_BARS = 7, 400
MOST_LABELS = 6


def day_plot(query: NamedQuery, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Plot | None:
    """The columns that are worth drawing, over every day or hour up to the last; None where none is.

    Only counts are drawn: bars are stacked, and medians or percentages do not add up.
    """
    names = [name for name in query.plot if name in columns]
    step = STEPS.get(columns[0]) if columns else None
    if step is None or not names or not rows:
        return None
    counts: dict[datetime, dict[str, int]] = {}
    for row in rows:
        at = _time(row[0])
        values = dict(zip(columns, row, strict=True))
        if at is None or not all(isinstance(values[name], (int, type(None))) for name in names):
            return None
        of_bar = counts.setdefault(at, dict.fromkeys(names, 0))
        for name in names:
            of_bar[name] += values[name] or 0
    return _drawn(query, step, counts)


def _drawn(query: NamedQuery, step: timedelta, counts: Mapping[datetime, Mapping[str, int]]) -> Plot | None:
    last = max(counts)
    first = min(*counts, last - step * (LEAST_BARS - 1))
    number = (last - first) // step + 1
    if number > MOST_BARS:
        return None
    times = [first + step * index for index in range(number)]
    bars = [HourCounts(at, counts.get(at, {})) for at in times]
    plot = hourly_plot("answer", query.title, bars, RESULT_COLOURS, COLUMN_TITLES)
    slot, every = (WIDTH - LEFT - RIGHT) / number, -(-number // MOST_LABELS)
    written = "%-d %b" if step == STEPS["day"] else "%-d %b %H:00"
    labels = tuple(
        (times[index].strftime(written), min(round(LEFT + slot * (index + 0.5), 2), WIDTH - 18))
        for index in range(0, number, every)
    )
    return replace(plot, hours=labels)


def _time(value: Any) -> datetime | None:
    """The day or hour of a row, as either database returns it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
