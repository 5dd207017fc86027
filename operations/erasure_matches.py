"""Matches: what a search for one person found, and what an erasure did with it."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from seven.aggregates import SENT_MESSAGES, Aggregate, aggregates
from store.personal_data import Blanking
from store.schema import links


@dataclass(slots=True)
class Matches:
    """What one search found."""

    records: list[Blanking] = field(default_factory=list)
    deliveries: list[Blanking] = field(default_factory=list)
    """With their dead letters."""
    batches: list[str] = field(default_factory=list)
    """Ids of batches pending in the ledger that hold deliveries about the person."""
    waiting: int = 0
    """How many such deliveries these batches hold; an unreadable batch counts as one."""
    opt_outs: Counter[str] = field(default_factory=Counter)
    """Rows to put under the number's hash, by table."""
    until: datetime | None = None
    """The latest time of the deliveries about the person."""

    def __bool__(self) -> bool:
        return bool(self.records or self.deliveries or self.batches or self.opt_outs)

    @property
    def counts(self) -> "Erasure":
        """The rows that blanking would change."""
        counts = Erasure(blanked=Counter(self.opt_outs))
        for blanking in (*self.deliveries, *self.records):
            counts.blanked[blanking.personal.table.name] += 1
        return counts


@dataclass(slots=True)
class Erasure:
    """What an erasure did: rows by table."""

    blanked: Counter[str] = field(default_factory=Counter)
    removed: Counter[str] = field(default_factory=Counter)
    """Rows that repeats had written again while they were renamed."""
    passes: int = 0
    left: Matches | None = None
    """What the last search still found; None if it found nothing."""


@dataclass(slots=True)
class Subjects:
    """The subjects of the person's records, each with the table of its record."""

    known: set[tuple[str, str]] = field(default_factory=set)
    renamed: set[tuple[str, str]] = field(default_factory=set)
    """Those of renamed rows: such a subject is itself made of what names the person."""
    message_ids: set[str] = field(default_factory=set)
    """Links of these messages belong to the person, also links that have no row yet."""

    def include(self, record: str | None, subject: str | None) -> bool:
        """Whether a delivery about this record and subject is about one of the person's records."""
        if record is None or subject is None:
            return False
        of_links = record == links.name
        return (record, subject) in self.known or (of_links and subject.partition(" ")[0] in self.message_ids)


def aggregate_of(table: str) -> Aggregate:
    """The aggregate whose record has this table."""
    return next(aggregate for aggregate in (*aggregates(), SENT_MESSAGES) if aggregate.records[0].table == table)
