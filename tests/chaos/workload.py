"""Workload of a run: an endless series of the emulator's scenarios, and the records expected from them."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

from emulator.scenarios import plan_deliveries, scenario
from emulator.seeds import SEEDS
from emulator.wire import LAYOUTS, PlannedDelivery
from seven.aggregates import aggregates
from seven.events import EVENT_TYPES
from seven.record import Record
from tests.factories.kept_fields import kept_fields

MESSAGES = 1000
"""Messages in a scenario, about 5,500 deliveries; within it, deliveries are shuffled."""
DUPLICATES = 0.2

Rows = dict[tuple[Any, ...], Record]


@dataclass(frozen=True, slots=True)
class Workload:
    """The deliveries of one seed, about the days before `now`."""

    seed: int
    now: datetime

    def deliveries(self) -> Iterator[PlannedDelivery]:
        """Deliveries in all methods and layouts, a fifth of them duplicated, shuffled."""
        first_seed = random.Random(f"{self.seed}/tale").randrange(SEEDS - 10_000)
        for seed in range(first_seed, first_seed + 10_000):
            chapter_scenario = scenario(seed, now=self.now, messages=MESSAGES)
            yield from map(
                _with_timestamp, plan_deliveries(chapter_scenario, layouts=LAYOUTS, duplicates=DUPLICATES, shuffle=True)
            )

    def truth(self, drawn: int) -> dict[type[Record], Rows]:
        """The expected rows of the first `drawn` deliveries, by record type and key."""
        rows: dict[type[Record], Rows] = {record_type: {} for record_type in projected_records()}
        for delivery in islice(self.deliveries(), drawn):
            event = delivery.event
            occurred_at = event.occurred_at.replace(microsecond=0)  # as webhook_timestamp says it
            for record in EVENT_TYPES[event.event_type].parse(kept_fields(event), occurred_at, self.now).project():
                records = rows[type(record)]
                known = records.get(record.key)
                records[record.key] = record if known is None else known.merge(record)
        return rows


def projected_records() -> set[type[Record]]:
    """The record types that events project to; their expected rows follow from the events alone."""
    return {record for aggregate in aggregates() for record in aggregate.records}


def _with_timestamp(delivery: PlannedDelivery) -> PlannedDelivery:
    """Avoid the layout `bare` for `tracking`: it has no timestamp, so its record depends on the time of receipt."""
    if delivery.layout == "bare" and delivery.event.event_type == "tracking":
        return replace(delivery, layout="flat")
    return delivery
