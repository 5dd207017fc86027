"""Plot: the geometry of a bar plot of the last hours, for a template to draw as SVG, and its figures for a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from console.hour_cache import HourCounts

WIDTH, HEIGHT = 360, 150
LEFT, RIGHT, TOP, BOTTOM = 40, 4, 8, 22
"""Margins for the labels of the axes."""
GAP = 2.0
"""Between two bars, where they are wide enough."""
MOST_SERIES = 6
OTHERS = "others"

RESULT_COLOURS = {"delivered": "good", "failed": "bad", "pending": "series-1", "unknown": "series-6"}
"""Colours that mean something, by kind."""


@dataclass(frozen=True, slots=True)
class Series:
    """One kind: its name, the class of its colour, its sum, and what people call it."""

    kind: str
    colour: str
    total: int
    title: str


@dataclass(frozen=True, slots=True)
class Segment:
    """A rectangle of one series in the bar of an hour."""

    colour: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """One hour."""

    hour: datetime
    x: float
    segments: tuple[Segment, ...]
    counts: tuple[int, ...]
    """By series, in their order."""
    is_read: bool
    """Whether the hour has been counted yet."""

    @property
    def total(self) -> int:
        """All series together."""
        return sum(self.counts)


@dataclass(frozen=True, slots=True)
class Plot:
    """Bars of one width, stacked by series."""

    name: str
    """For the ids of its elements."""
    title: str
    series: tuple[Series, ...]
    bars: tuple[Bar, ...]
    bar_width: float
    ticks: tuple[tuple[int, float], ...]
    """Numbers of the vertical axis, with their heights."""
    hours: tuple[tuple[str, float], ...]
    """Labels of the horizontal axis, with the middle of each."""
    stale_for: timedelta | None
    """How long ago the oldest of the counts was read that are due again; None where none is."""

    @property
    def total(self) -> int:
        """Everything that was counted."""
        return sum(series.total for series in self.series)

    @property
    def is_complete(self) -> bool:
        """Whether all hours have been counted."""
        return all(bar.is_read for bar in self.bars)

    @property
    def is_current(self) -> bool:
        """Whether all hours have been counted, and none of them is due again."""
        return self.is_complete and self.stale_for is None

    @property
    def is_empty(self) -> bool:
        """Whether all hours have been counted, and there was nothing in any."""
        return self.is_complete and not self.total


def hourly_plot(
    name: str,
    title: str,
    hours: Sequence[HourCounts],
    colours: Mapping[str, str] | None = None,
    titles: Mapping[str, str] | None = None,
) -> Plot:
    """A plot of hours; the kinds with the most come first, and the last series is all others together."""
    series = _series(hours, colours or {}, titles or {})
    kinds = {entry.kind for entry in series}
    rows = [_row(hour.counts or {}, series, kinds) for hour in hours]
    top = _ceiling(max((sum(row) for row in rows), default=0))
    slot = (WIDTH - LEFT - RIGHT) / max(1, len(hours))
    gap = GAP if slot > 3 * GAP else 0.0
    bars = tuple(
        Bar(hour.hour, round(LEFT + slot * index + gap / 2, 2), _stack(row, series, top), row, hour.counts is not None)
        for index, (hour, row) in enumerate(zip(hours, rows, strict=True))
    )
    ticks = tuple((number, _y(number, top)) for number in sorted({0, top // 2, top}))
    stale_for = max((hour.stale_for for hour in hours if hour.stale_for is not None), default=None)
    return Plot(name, title, series, bars, round(slot - gap, 2), ticks, _labels(hours, slot), stale_for)


def _labels(hours: Sequence[HourCounts], slot: float) -> tuple[tuple[str, float], ...]:
    """Every sixth hour of a day, or the noons of several days."""
    days = len(hours) > 48
    return tuple(
        (entry.hour.strftime("%-d %b" if days else "%H:00"), min(round(LEFT + slot * (index + 0.5), 2), WIDTH - 18))
        for index, entry in enumerate(hours)
        if (entry.hour.hour == 12 if days else entry.hour.hour % 6 == 0)
    )


def _series(hours: Sequence[HourCounts], colours: Mapping[str, str], titles: Mapping[str, str]) -> tuple[Series, ...]:
    totals: dict[str, int] = {}
    for hour in hours:
        for kind, number in (hour.counts or {}).items():
            totals[kind] = totals.get(kind, 0) + number
    ordered = sorted(totals.items(), key=lambda entry: (-entry[1], entry[0]))
    if len(ordered) > MOST_SERIES:
        rest = sum(number for _, number in ordered[MOST_SERIES - 1 :])
        ordered = [*ordered[: MOST_SERIES - 1], (OTHERS, rest)]
    return tuple(
        Series(kind, colours.get(kind, f"series-{index}"), total, titles.get(kind, kind))
        for index, (kind, total) in enumerate(ordered, 1)
    )


def _row(counts: Mapping[str, int], series: Sequence[Series], kinds: set[str]) -> tuple[int, ...]:
    others = sum(number for kind, number in counts.items() if kind not in kinds or kind == OTHERS)
    return tuple(others if entry.kind == OTHERS else counts.get(entry.kind, 0) for entry in series)


def _stack(row: Sequence[int], series: Sequence[Series], top: int) -> tuple[Segment, ...]:
    segments, below = [], 0
    for number, entry in zip(row, series, strict=True):
        if number:
            y = _y(below + number, top)
            segments.append(Segment(entry.colour, y, round(_y(below, top) - y, 2)))
        below += number
    return tuple(segments)


def _y(number: int, top: int) -> float:
    return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * number / top, 2)


def _ceiling(most: int) -> int:
    """A round number that is not below: 2, 4 or 10 times a power of ten."""
    power = 1
    while True:
        for factor in (2, 4, 10):
            if factor * power >= most:
                return factor * power
        power *= 10
