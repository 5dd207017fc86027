"""Aggregates: the records of one subject, and the event types that write them."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations

from seven.events import EVENT_TYPES
from seven.joins import Join
from seven.record import JOINS, Record
from seven.records import (
    Call,
    CallDigit,
    CallStatus,
    InboundMessage,
    LinkEvent,
    Message,
    MessageReceipt,
    MessageStatus,
    SentMessage,
    TrackedLink,
)


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A record and its history, whose keys begin with the key of the record.

    Subjects are unique within one aggregate only: message 7 and inbound message 7 are different.
    """

    records: tuple[type[Record], ...]
    event_types: tuple[str, ...] = ()
    """The event types whose deliveries write these records; some deliveries of one may write others."""
    undivided: tuple[str, ...] = ()
    """Those of them whose deliveries write no others."""

    @property
    def name(self) -> str:
        """The table of its record: `deliveries.record` of the deliveries that write it."""
        return self.records[0].table

    def has(self, event_type: str | None, record: str | None) -> bool:
        """Whether a delivery is about one of its subjects, by `deliveries.record`.

        Versions before that column knew event types of one shape only.
        """
        return record == self.name if record else event_type in self.undivided

    @property
    def subject_fields(self) -> tuple[str, ...]:
        """The fields whose values, joined by a space, are the subject: the key of the first record."""
        return JOINS[self.records[0]].names(Join.KEY)

    def subject(self, record: Record) -> str | None:
        """The subject of a record; None for a record of another aggregate."""
        return " ".join(getattr(record, name) for name in self.subject_fields) if type(record) in self.records else None

    def possible_keys(self, subject: str) -> Iterator[tuple[str, ...]]:
        """Every way to split a subject into the values of its fields: a value may contain spaces."""
        spaces = [index for index, character in enumerate(subject) if character == " "]
        for cuts in combinations(spaces, len(self.subject_fields) - 1):
            starts, ends = [0, *(cut + 1 for cut in cuts)], [*cuts, len(subject)]
            yield tuple(subject[start:end] for start, end in zip(starts, ends, strict=True))


_RECORDS = (
    (Message, MessageStatus, MessageReceipt),
    (InboundMessage,),
    (Call, CallStatus, CallDigit),
    (TrackedLink, LinkEvent),
)

SENT_MESSAGES = Aggregate((SentMessage,))
"""Beside the others: no delivery writes it, so no rebuild replaces it."""


@cache
def aggregates() -> tuple[Aggregate, ...]:
    """Every aggregate that deliveries write."""
    about = {name: {shape.about for shape in event.shapes()} for name, event in EVENT_TYPES.items()}
    return tuple(
        Aggregate(
            records,
            tuple(name for name, types in about.items() if records[0] in types),
            tuple(name for name, types in about.items() if types == {records[0]}),
        )
        for records in _RECORDS
    )


def record_of(event_type: str | None, record: str | None) -> str | None:
    """The table of the record that a delivery is about, by its columns; None where it is about none."""
    return next((aggregate.name for aggregate in aggregates() if aggregate.has(event_type, record)), None)
