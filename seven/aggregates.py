"""Aggregates: the records of one subject, and the event types that write them."""

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

_LONG_AFTER = datetime(2100, 1, 1, tzinfo=UTC)  # later than any example


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A record and its history, whose keys begin with the key of the record.

    Subjects are unique within one aggregate only: message 7 and inbound message 7 are different.
    """

    records: tuple[type[Record], ...]
    event_types: tuple[str, ...] = ()
    """The event types whose deliveries write these records."""

    @property
    def subject_fields(self) -> tuple[str, ...]:
        """The fields whose values, joined by a space, are the subject: the key of the first record."""
        return SHAPES[self.records[0]].names(Join.KEY)

    def subject(self, record: Record) -> str | None:
        """The subject of a record; None for a record of another aggregate."""
        return " ".join(getattr(record, name) for name in self.subject_fields) if type(record) in self.records else None

    def possible_keys(self, subject: str) -> Iterator[tuple[str, ...]]:
        """Every way to split a subject into the values of its fields: a value may contain spaces."""
        spaces = [index for index, character in enumerate(subject) if character == " "]
        for cuts in combinations(spaces, len(self.subject_fields) - 1):
            starts, ends = [0, *(cut + 1 for cut in cuts)], [*cuts, len(subject)]
            yield tuple(subject[start:end] for start, end in zip(starts, ends, strict=True))


_RECORDS = ((Message, MessageStatus), (InboundMessage,), (Call, CallStatus), (TrackedLink, LinkEvent))


@cache
def aggregates() -> tuple[Aggregate, ...]:
    """Every aggregate. An event type belongs to the one whose records its example projects to."""
    written: dict[str, set[type[Record]]] = {}
    for event_type, event in EVENT_TYPES.items():
        example = event.parse(event.example, _LONG_AFTER, _LONG_AFTER)
        written[event_type] = {type(record) for record in example.project()}
    return tuple(
        Aggregate(records, tuple(event_type for event_type, types in written.items() if types & {*records}))
        for records in _RECORDS
    )
