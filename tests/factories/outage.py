"""An outage: a scenario of which some webhooks never came, so long ago that the gateway has given all of them up."""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from emulator.journal.journals import Journals
from emulator.journal.rows import JOURNALS, Row
from emulator.journal.rows import journal_rows as listed_rows
from emulator.scenarios import scenario
from emulator.vendor_event import VendorEvent
from ledger import keyspace
from ledger.client import Ledger
from operations.audit import Auditor
from operations.journal_presence import Key, key_of
from seven.envelope import Envelope
from seven.events import EVENT_TYPES
from seven.journal import JOURNALED
from seven.record import Record, fold
from seven.records import Call, InboundMessage, Message
from tests.factories.archive import rows
from tests.factories.envelopes import Accept
from tests.factories.journal import journal_rows
from workers.consumer import Consumer

STANDING = {
    Message: ("status", "result", "final", "foreign_id"),
    Call: ("status", "final", "caller", "recipient", "duration_s"),  # the journal has no foreign id of a call
    InboundMessage: ("sender", "recipient", "text", "sent_at"),
}
"""By record, what must be as if every webhook had come."""
BATCH = 100

Standings = dict[tuple[str, tuple[object, ...]], tuple[object, ...]]
"""By table and key."""


@dataclass(frozen=True)
class Outage:
    """What happened, and what came of it."""

    events: list[VendorEvent]
    """All with a list in the journal, in order of time."""
    dropped: frozenset[int]
    """Those whose webhooks never came, by identity."""

    @property
    def came(self) -> list[VendorEvent]:
        """The others."""
        return [event for event in self.events if id(event) not in self.dropped]

    @property
    def lists(self) -> dict[str, list[Row]]:
        """The journal, as the gateway lists it."""
        journals = Journals()
        journals.add(listed_rows(self.events))
        return {name: [*journals.read(name)] for name in JOURNALS}

    @property
    def missed(self) -> set[Key]:
        """The last webhook of every message and call whose last one never came."""
        last = {(row.event_type, row.id): (event, row) for event in self.events for row in journal_rows([event])}
        return {key_of(row) for event, row in last.values() if id(event) in self.dropped}

    @property
    def standings(self) -> Standings:
        """How every message and call stands when all webhooks have come."""
        return _standings(fold(record for event in self.events for record in _records(event)))

    def consume(self, consumer: Consumer, accept: Accept) -> None:
        """Have the webhooks that came consumed."""
        for event_type in JOURNALED:
            of_type = [event for event in self.came if event.event_type == event_type]
            for start in range(0, len(of_type), BATCH):
                batch = accept(*map(_envelope, of_type[start : start + BATCH]), queue=event_type)
                consumer.consume(event_type, [batch])


def outage(seed: int, messages: int, *, share: float = 0.5, ended: timedelta = timedelta(days=4)) -> Outage:
    """An outage of a scenario's three days: this share of its webhooks never came, and it ended so long ago."""
    happened = scenario(seed, now=datetime.now(UTC) - ended, messages=messages)
    events = [event for event in happened if event.event_type in JOURNALED]
    dropped = random.Random(seed).sample(events, round(share * len(events)))
    return Outage(events, frozenset(map(id, dropped)))


def stored_standings(engine: Engine) -> Standings:
    """How the messages and calls of a database stand."""
    return _standings(rows(engine).values())


def assert_as_played(played: Outage, engine: Engine, ledger: Ledger) -> None:
    """Every message and call stands as if all webhooks had come, and the audit is good."""
    assert stored_standings(engine) == played.standings
    assert not Auditor(ledger, engine).audit().lost


def counted(ledger: Ledger) -> dict[str, int]:
    """The meter's counts by event type."""
    return {name.decode(): int(number) for name, number in ledger.redis.hgetall(keyspace.JOURNAL_MISSED).items()}


def _standings(records: Iterable[Record]) -> Standings:
    return {
        (record.table, record.key): tuple(getattr(record, name) for name in STANDING[type(record)])
        for record in records
        if type(record) in STANDING
    }


def _envelope(event: VendorEvent) -> Envelope:
    payload: Mapping[str, Any] = {
        "webhook_event": event.event_type,
        "webhook_timestamp": event.webhook_timestamp,
        "data": dict(event.fields),
    }
    return Envelope(f"webhook-{id(event)}", event.event_type, datetime.now(UTC), "JSON", payload)


def _records(event: VendorEvent) -> Iterable[Record]:
    occurred_at = event.occurred_at.replace(microsecond=0)
    return EVENT_TYPES[event.event_type].parse(dict(event.fields), occurred_at, datetime.now(UTC)).project()
