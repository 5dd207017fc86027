"""Tale: what the emulator tells in a run, chapter after chapter without an end, and the records it must become."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from emulator.scenarios import deliveries, scenario
from emulator.seeds import SEEDS
from emulator.wire import LAYOUTS, PlannedDelivery
from seven.events import EVENT_TYPES
from seven.records import Record

MESSAGES = 1000
"""In a chapter, which is about 5,500 deliveries; within it they come in any order."""
DUPLICATES = 0.2

Rows = dict[tuple[Any, ...], Record]


@dataclass(frozen=True, slots=True)
class Tale:
    """What one seed tells of the days before `now`."""

    seed: int
    now: datetime

    def tellings(self) -> Iterator[PlannedDelivery]:
        """All methods and layouts, a fifth told twice, shuffled."""
        first = random.Random(f"{self.seed}/tale").randrange(SEEDS - 10_000)
        for chapter in range(first, first + 10_000):
            told = scenario(chapter, now=self.now, messages=MESSAGES)
            yield from map(_knowable, deliveries(told, layouts=LAYOUTS, duplicates=DUPLICATES, shuffle=True))

    def truth(self, drawn: int) -> dict[type[Record], Rows]:
        """The rows that the first `drawn` tellings must become, by table and key."""
        rows: dict[type[Record], Rows] = {one: {} for one in told_of()}
        for telling in islice(self.tellings(), drawn):
            occurrence = telling.occurrence
            told_at = occurrence.told_at.replace(microsecond=0)  # as webhook_timestamp says it
            for record in EVENT_TYPES[occurrence.event_type].parse(occurrence.fields, told_at, self.now).project():
                place = rows[type(record)]
                known = place.get(record.key)
                place[record.key] = record if known is None else known.merge(record)
        return rows


def told_of() -> set[type[Record]]:
    """The records that events project to: those of which the language alone can say what they must be."""
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    parsed = (event.parse(event.example, noon, noon) for event in EVENT_TYPES.values())
    return {type(record) for event in parsed for record in event.project()}


def _knowable(telling: PlannedDelivery) -> PlannedDelivery:
    """A link's activity told `bare` says no time at all: what it becomes depends on when it is received."""
    if telling.layout == "bare" and telling.occurrence.event_type == "tracking":
        return replace(telling, layout="flat")
    return telling
