"""The hours of the overview are counted after an answer, whether they are missing or only old."""

import asyncio
import re
from datetime import UTC, datetime, timedelta

import pytest
from jinja2 import Environment
from prometheus_client import CollectorRegistry
from sqlalchemy import Connection

from console.database import Reader
from console.hour_cache import HourCounts
from console.markup import create_templates
from console.metrics import ConsoleMetrics
from console.plot import hourly_plot
from console.services import Services
from console.settings import ConsoleSettings
from tests.servers import PATIENCE_S


class Deliveries:
    """Counts of an hour that grow with each count, at a cost of 20 ms by its clock."""

    def __init__(self) -> None:
        self.now, self.counts = 0.0, 0

    def clock(self) -> float:
        return self.now

    def count_hour(self, _: Connection, __: datetime) -> dict[str, int]:
        self.now += 0.02
        self.counts += 1
        return {"dlr": self.counts}


@pytest.fixture
def deliveries() -> Deliveries:
    return Deliveries()


@pytest.fixture
def services(database_url: str, deliveries: Deliveries) -> Services:
    settings = ConsoleSettings(database_url=database_url, redis_url="redis://127.0.0.1:1/0")
    metrics = ConsoleMetrics(CollectorRegistry(), frozenset())
    return Services(settings, Reader(database_url), Environment(autoescape=True), metrics, clock=deliveries.clock)


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_filling_goes_on_until_nothing_is_missing_or_old(services: Services, deliveries: Deliveries):
    """Ten minutes after the last look each hour is old: one look renews them all, once, and then it rests."""
    cache = services.hours(deliveries.count_hour)

    async def fill() -> None:
        async with asyncio.timeout(PATIENCE_S):
            began = deliveries.now
            while not cache.is_fresh(datetime.now(UTC), 24, began):
                services.fill_hours([deliveries.count_hour], 24)  # as looks do: it does nothing while one is under way
                await asyncio.sleep(0.05)

    async def looks() -> None:
        await fill()
        first = deliveries.counts
        deliveries.now += 700
        assert max(hour.stale_for for hour in cache.last(datetime.now(UTC), 24) if hour.stale_for is not None)
        await fill()
        assert not [hour for hour in cache.last(datetime.now(UTC), 24) if hour.stale_for is not None]
        assert first <= 25  # an hour may have ended meanwhile
        assert deliveries.counts <= first + 25
        await services.close()

    asyncio.run(looks())


def test_the_page_says_that_hours_are_old():
    """With their age, beside the figures; nothing of it where all are fresh."""
    template = create_templates([]).from_string(
        '{% from "plots.html" import hourly %}{{ hourly(plot, "deliveries", "24 hours") }}'
    )

    def shown(stale_for: timedelta | None) -> str:
        plot = hourly_plot("x", "X", [HourCounts(datetime(2026, 3, 29, 12, tzinfo=UTC), {"dlr": 7}, stale_for)])
        return re.sub(r"\s+", " ", template.render(plot=plot))

    assert "7 deliveries in 24 hours; some hours are as they were 12 min ago, and still being counted anew" in shown(
        timedelta(minutes=12)
    )
    assert "7 deliveries in 24 hours</p>" in shown(None)
