"""Panels of the business over ranges that begin and end within an hour: each figure equals the rows in the range.

In PostgreSQL alone, since Grafana queries no other.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, insert

from store.engine import create_store_engine
from store.schema import inbound_messages, link_events, links, messages, missed_webhooks
from tests.databases import Databases
from tests.deploy.panels import as_grafana, targets

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
STATUSES = {
    "DELIVERED": "delivered",
    "FAILED": "failed",
    "TRANSMITTED": "pending",
    "UNKNOWN": "unknown",
    "NEW": "unknown",
}
RANGES = (
    *((timedelta(minutes=a), timedelta(minutes=b)) for a, b in ((-30, 0), (-23, 7), (-390, -30), (-361, -1))),
    *((timedelta(minutes=a), timedelta(minutes=b)) for a, b in ((-360, 0), (-10, -5), (-1440, 1440), (600, 700))),
)

Times = list[tuple[datetime, str]]


@pytest.fixture(scope="module")
def rows() -> Times:
    """Times of messages of two days, with their statuses."""
    random = Random(5)
    times = [
        (NOON + timedelta(seconds=random.uniform(-86_400, 86_400)), random.choice([*STATUSES])) for _ in range(3000)
    ]
    return times + [(NOON + whole * HOUR, "DELIVERED") for whole in range(-6, 6)]


def fill(engine: Engine, times: Times) -> None:
    """Each message has an inbound message and a click of the same time."""
    with engine.begin() as connection:
        for table, values in (
            (messages, [{"msg_id": str(n), "status": status, "result": STATUSES[status], "first_seen_at": at, "changed_at": NOON}
                        for n, (at, status) in enumerate(times)]),
            (inbound_messages, [{"id": str(n), "recipient": "49301", "sent_at": at, "changed_at": NOON} for n, (at, _) in enumerate(times)]),
            (links, [{"sms_id": "1", "tracking_url": "u", "label": "spring", "changed_at": NOON}]),
            (link_events, [{"sms_id": "1", "tracking_url": "u", "type": "click", "nth": n, "at": at}
                           for n, (at, _) in enumerate(times)]),
            (missed_webhooks, [{"event_type": "dlr", "id": "1", "status": "DELIVERED", "journal_at": NOON, "state": "missed"}]),
        ):  # fmt: skip
            connection.execute(insert(table), values)


@pytest.fixture(scope="module")
def filled(rows: Times, databases: Databases) -> Iterator[str]:
    """The URL of a database with these rows, which the tests only read."""
    with databases.lent() as url:
        engine = create_store_engine(url)
        fill(engine, rows)
        engine.dispose()
        yield url


@pytest.fixture
def connection(filled: str) -> Iterator["psycopg.Connection[Any]"]:
    with psycopg.connect(filled) as connection:
        connection.read_only = True
        yield connection


@pytest.mark.parametrize(("begin", "end"), RANGES)
def test_figures_are_those_of_the_range(
    rows: Times, connection: "psycopg.Connection[Any]", begin: timedelta, end: timedelta
):
    """Messages by status and result, and inbound messages, count the rows of the range; clicks those of its hours."""
    since, until = NOON + begin, NOON + end
    results = {
        panel["title"]: connection.execute(as_grafana(target["rawSql"], since, until).encode()).fetchall()
        for panel, target in targets("business")
    }
    within = [status for at, status in rows if since <= at <= until]
    counts = Counter(STATUSES[status] for status in within)

    assert results["Messages"] == results["Inbound messages"] == [(len(within),)]
    assert results["Failed"] == [(counts["failed"],)]
    assert results["On their way"] == [(counts["pending"],)]
    assert results["Unknown"] == [(counts["unknown"],)]
    final = counts["delivered"] + counts["failed"]
    assert results["Delivered"] == [(pytest.approx(counts["delivered"] / final) if final else None,)]
    assert by_metric(results["Messages by status"]) == Counter(within)
    assert by_metric(results["Messages by result"]) == counts
    touched = [at for at, _ in rows if since < hour_of(at) + HOUR and hour_of(at) <= until]
    assert by_metric(results["Clicks by label"]) == Counter({"spring": len(touched)} if touched else {})


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/Los_Angeles"])
def test_days_are_those_of_utc(connection: "psycopg.Connection[Any]", zone: str):
    """Whatever the zone of the session: a webhook that never came counts in ranges of its day in UTC, and in no others."""
    (query,) = (
        target["rawSql"] for panel, target in targets("business") if panel["title"] == "Webhooks that never came"
    )
    connection.execute(f"SET TIME ZONE '{zone}'".encode())
    midnight = NOON.replace(hour=0)

    def missed(begin: datetime) -> Any:
        return connection.execute(as_grafana(query, begin, begin + HOUR / 2).encode()).fetchall()

    begins = (midnight - HOUR, midnight, midnight + 23 * HOUR, midnight + 24 * HOUR)
    assert [missed(begin) for begin in begins] == [[(0,)], [(1,)], [(1,)], [(0,)]]


def by_metric(series: list[tuple[Any, ...]]) -> Counter[str]:
    """The sums of a time series by its legend."""
    sums: Counter[str] = Counter()
    for _, metric, value in series:
        sums[metric] += int(value)
    return sums


def hour_of(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)
