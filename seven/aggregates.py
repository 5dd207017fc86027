"""Families: all that is kept of one subject, and the event types that tell of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from itertools import combinations

from seven.events import EVENT_TYPES
from seven.joins import Join
from seven.records import (
    SHAPES,
    Call,
    CallStatus,
    InboundMessage,
    LinkEvent,
    Message,
    MessageStatus,
    Record,
    TrackedLink,
)

_LONG_AFTER = datetime(2100, 1, 1, tzinfo=UTC)  # than any example


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A record and its history, whose keys begin with the key of the record.

    A subject is its own within one family only: message 7 and inbound message 7 are two.
    """

    records: tuple[type[Record], ...]
    event_types: tuple[str, ...] = ()
    """Those whose deliveries tell of it."""

    @property
    def about(self) -> tuple[str, ...]:
        """The fields whose values, joined by a space, are a subject: the key of the first record."""
        return SHAPES[self.records[0]].names(Join.KEY)

    def subject(self, record: Record) -> str | None:
        """The subject that one of its records is about; None for a record of another family."""
        return " ".join(getattr(record, name) for name in self.about) if type(record) in self.records else None

    def readings(self, subject: str) -> Iterator[tuple[str, ...]]:
        """Every way to read a subject as values of the fields it is about: a value may have spaces of its own."""
        spaces = [place for place, one in enumerate(subject) if one == " "]
        for cuts in combinations(spaces, len(self.about) - 1):
            starts, ends = [0, *(cut + 1 for cut in cuts)], [*cuts, len(subject)]
            yield tuple(subject[start:end] for start, end in zip(starts, ends, strict=True))


_RECORDS = ((Message, MessageStatus), (InboundMessage,), (Call, CallStatus), (TrackedLink, LinkEvent))


@cache
def aggregates() -> tuple[Aggregate, ...]:
    """Every family; an event type tells of the one that its example projects to."""
    told: dict[str, set[type[Record]]] = {}
    for event_type, event in EVENT_TYPES.items():
        told[event_type] = {type(one) for one in event.parse(event.example, _LONG_AFTER, _LONG_AFTER).project()}
    return tuple(
        Aggregate(records, tuple(event_type for event_type, its in told.items() if its & {*records}))
        for records in _RECORDS
    )
