"""Overview: the first page: whether all is well, what came in lately, and what somebody has to look at."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection
from starlette.responses import Response

from console.database import Away, away_sentence
from console.forms import Unreadable
from console.hour_cache import Budget, HourCounts, refresh_all
from console.page import Page, Visit
from console.plot import RESULT_COLOURS, Plot, hourly_plot
from operations.hourly_counts import (
    NO_REPORT,
    CountHour,
    count_calls,
    count_clicks,
    count_deliveries,
    count_messages,
    count_sent,
)
from operations.masking import masked_words
from operations.trace import latest_deliveries
from seven.events import EVENT_TYPES

DAY, WEEK = 24, 7 * 24
SPANS = {DAY: "24 hours", WEEK: "7 days"}
MOST_LATEST = 10


@dataclass(frozen=True, slots=True)
class HourlyKind:
    """What a plot shows."""

    name: str
    title: str
    unit: str
    count_hour: CountHour
    colours: Mapping[str, str] = field(default_factory=dict)
    """Colours that mean something, by kind."""
    titles: Mapping[str, str] = field(default_factory=dict)
    """What people call the kinds, where their names do not say it."""
    is_optional: bool = False
    """Whether it is left out where there is none."""


MESSAGES = HourlyKind(
    "messages", "Messages by result", "messages, by their first status,", count_messages, RESULT_COLOURS
)
TITLES = {name: event.title for name, event in EVENT_TYPES.items()}
KINDS = (
    HourlyKind("deliveries", "Webhooks by event type", "webhooks", count_deliveries, titles=TITLES),
    MESSAGES,
    HourlyKind(
        "sent",
        "Sent messages by result",
        "messages, by when they were sent,",
        count_sent,
        RESULT_COLOURS | {NO_REPORT: "series-2"},
        is_optional=True,
    ),
    HourlyKind("clicks", "Clicks by label of the link", "clicks", count_clicks),
    HourlyKind("calls", "Calls by direction", "calls", count_calls),
)


async def show(visit: Visit) -> Response:
    """The page. Checks and database are asked at the same time; it is shown without what does not answer."""
    hours = _hours(visit)
    health, rows, _ = await asyncio.gather(
        visit.services.health.look(), _rows(visit, hours), visit.services.look_for_subscribers()
    )
    if not all(plot.is_current for plot, _ in rows["plots"]):
        visit.services.fill_hours([kind.count_hour for kind in KINDS], rows["hours"])
    return visit.render("overview.html", health=health, spans=SPANS, known=EVENT_TYPES, **rows)


def _hours(visit: Visit) -> int | None:
    """The span that is asked for; None for the default. Raises Unreadable for another."""
    text = visit.query.get("hours")
    if text is None:
        return None
    if text not in map(str, SPANS):
        raise Unreadable(f"The overview shows {' or '.join(map(str, SPANS))} hours.")
    return int(text)


async def _rows(visit: Visit, hours: int | None) -> dict[str, Any]:
    try:
        return await visit.read(lambda connection: _read(connection, visit, hours))
    except Away as away:
        return {"away": away_sentence(away), "plots": (), "latest": (), "hours": hours}


def _read(connection: Connection, visit: Visit, hours: int | None) -> dict[str, Any]:
    now, budget = datetime.now(UTC), Budget()
    latest = latest_deliveries(connection, masked=not visit.viewer.sees_texts)[:MOST_LATEST]
    plots = _plots(connection, visit, now, hours or DAY, budget)
    if hours is None and any(plot.is_empty for plot, kind in plots if kind is MESSAGES):  # a quiet day
        hours = WEEK
        plots = _plots(connection, visit, now, hours, budget)
    return {"away": None, "plots": plots, "latest": latest, "hours": hours or DAY}


def _plots(
    connection: Connection, visit: Visit, now: datetime, hours: int, budget: Budget
) -> list[tuple[Plot, HourlyKind]]:
    caches = [visit.services.hours(kind.count_hour) for kind in KINDS]
    refresh_all(caches, connection, now, hours, budget)
    spans = [cache.last(now, hours) for cache in caches]
    if not visit.viewer.sees_texts:
        spans = [[_masked(hour) for hour in span] for span in spans]
    return [
        (hourly_plot(kind.name, kind.title, span, kind.colours, kind.titles), kind)
        for kind, span in zip(KINDS, spans, strict=True)
    ]


def _masked(hour: HourCounts) -> HourCounts:
    """The same with labels as lists show them; those that then look alike are counted together."""
    if hour.counts is None:
        return hour
    counts: Counter[str] = Counter()
    for kind, number in hour.counts.items():
        counts[masked_words(kind)] += number
    return replace(hour, counts=counts)


PAGES = (Page("/", "Overview", show),)
