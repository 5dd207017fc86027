"""Workload of a run: an endless series of the emulator's scenarios, and the records expected from them."""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from emulator.journal.journals import Journals
from emulator.journal.rows import JOURNALS, JournalName, Row
from emulator.journal.rows import journal_rows as listed_rows
from emulator.losses import with_losses
from emulator.scenario_request import ScenarioRequest
from emulator.scenarios import plan_deliveries, scenario
from emulator.seeds import SEEDS
from emulator.vendor_event import VendorEvent
from emulator.wire import LAYOUTS, PlannedDelivery
from seven.aggregates import aggregates
from seven.events import EVENT_TYPES
from seven.journal import JOURNALED, JournalRow
from seven.journal_records import journal_records
from seven.record import Record
from seven.records import Call
from tests.factories.journal import journal_rows
from tests.factories.kept_fields import kept_fields

MESSAGES = 1000
"""Messages in a scenario, about 5,500 deliveries; within it, deliveries are shuffled."""
DUPLICATES = 0.2
ENDED = timedelta(days=4)
"""How long ago the scenarios end: the gateway has given up what was dropped, so the meter counts it at once."""

Rows = dict[tuple[Any, ...], Record]


@dataclass(frozen=True, slots=True)
class Played:
    """What has happened at the gateway, by the end of a run."""

    lists: Mapping[JournalName, Sequence[Row]]
    """Its journal."""
    missed: Sequence[JournalRow]
    """The rows of messages and calls whose last webhook was dropped."""
    repaired: Sequence[JournalRow]
    """Those of them that tell what is not known here.

    The journal dates a call's status to when the call began. So where a run ends in the middle of a call, ringing, which
    a webhook reported with its own time, stands above the journal's in-progress.
    """


@dataclass(frozen=True, slots=True)
class Workload:
    """The deliveries of one seed, about the days before `now`, of which a share is `dropped`."""

    seed: int
    now: datetime
    drop: float = 0.0

    def deliveries(self) -> Iterator[PlannedDelivery]:
        """Deliveries in all methods and layouts, a fifth of them duplicated, shuffled."""
        first_seed = random.Random(f"{self.seed}/tale").randrange(SEEDS - 10_000)
        for seed in range(first_seed, first_seed + 10_000):
            chapter_scenario = scenario(seed, now=self.now, messages=MESSAGES)
            planned = plan_deliveries(chapter_scenario, layouts=LAYOUTS, duplicates=DUPLICATES, shuffle=True)
            yield from map(_with_timestamp, with_losses(planned, self._losses(seed)))

    def truth(self, drawn: int) -> dict[type[Record], Rows]:
        """The expected rows of the first `drawn` deliveries, by record type and key; what was dropped is repaired."""
        rows = self._received(drawn)
        for row in self.played(drawn).repaired if self.drop else ():
            _merge(rows, self._reported(row))
        return rows

    def played(self, drawn: int) -> Played:
        """What has happened at the gateway once so many deliveries were drawn."""
        deliveries = [*islice(self.deliveries(), drawn)]
        events = sorted({id(each.event): each.event for each in deliveries}.values(), key=_time)
        dropped = {id(each.event) for each in deliveries if each.dropped}
        journals = Journals()
        journals.add(listed_rows(events))
        last = {
            (row.event_type, row.id): (event, row)
            for event in events
            if event.event_type in JOURNALED
            for row in journal_rows([event])
        }
        for event in events:  # the status that a pressed key brings is a call's, too
            key = ("voice_status", str(event.fields.get("id")))
            if event.event_type == "voice_dtmf" and key in last and last[key][0].occurred_at < event.occurred_at:
                last[key] = (event, last[key][1])
        lists = {name: journals.read(name) for name in JOURNALS}
        missed, rows = [row for event, row in last.values() if id(event) in dropped], self._received(drawn)
        return Played(
            lists, missed, [row for row in missed if any(_is_news(rows, each) for each in self._reported(row))]
        )

    def _received(self, drawn: int) -> dict[type[Record], Rows]:
        """The rows of what was delivered."""
        rows: dict[type[Record], Rows] = {record_type: {} for record_type in projected_records()}
        for delivery in islice(self.deliveries(), drawn):
            if not delivery.dropped:
                event = delivery.event
                occurred_at = event.occurred_at.replace(microsecond=0)  # as webhook_timestamp says it
                parsed = EVENT_TYPES[event.event_type].parse(kept_fields(event), occurred_at, self.now)
                _merge(rows, parsed.project())
        return rows

    def _reported(self, row: JournalRow) -> Sequence[Record]:
        """What a row of the journal adds."""
        parsed = EVENT_TYPES[row.event_type].parse(dict(row.data), row.at or self.now, self.now)
        return [*journal_records(parsed.project())]

    def _losses(self, seed: int) -> ScenarioRequest:
        return ScenarioRequest(
            seed=seed,
            messages=MESSAGES,
            layouts=LAYOUTS,
            duplicates=DUPLICATES,
            shuffle=True,
            drop=self.drop,
            drop_types=JOURNALED,
            concurrency=1,
            compression=1,
            resign_retries=False,
        )


def _merge(rows: dict[type[Record], Rows], records: Iterable[Record]) -> None:
    for record in records:
        of_type = rows[type(record)]
        known = of_type.get(record.key)
        of_type[record.key] = record if known is None else known.merge(record)


def _is_news(rows: Mapping[type[Record], Rows], record: Record) -> bool:
    """Whether a record is not known, or a call that is known has another status with it."""
    known = rows[type(record)].get(record.key)
    return known is None or not isinstance(known, Call) or known.merge(record).status != known.status


def _time(event: VendorEvent) -> datetime:
    return event.occurred_at


def projected_records() -> set[type[Record]]:
    """The record types that events project to; their expected rows follow from the events alone."""
    return {record for aggregate in aggregates() for record in aggregate.records}


def _with_timestamp(delivery: PlannedDelivery) -> PlannedDelivery:
    """Avoid the layout `bare` for `tracking`: it has no timestamp, so its record depends on the time of receipt."""
    if delivery.layout == "bare" and delivery.event.event_type == "tracking":
        return replace(delivery, layout="flat")
    return delivery
