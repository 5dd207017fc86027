"""Record: one row of one table, in our own names; every field declares its join.

Folding records is commutative, associative and idempotent, so repeats, retries, replays and racing workers all
produce the same rows. A record's table has its fields as columns, under the same names.
"""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeVar, dataclass_transform

from seven.histories import keep_earliest
from seven.joins import Join, RecordJoins

Class = TypeVar("Class")


@dataclass_transform(frozen_default=True)
def record_class(cls: type[Class]) -> type[Class]:
    """Make an immutable dataclass: type checkers enforce that, since `frozen` makes creation four times as slow."""
    return dataclass(slots=True, unsafe_hash=True)(cls)


@record_class
class Record:
    """One row of one table; `merge` is the join of its fields."""

    table: ClassVar[str]
    tracks_changes: ClassVar[bool] = False  # whether its table carries `changed_at`
    history_of: ClassVar[tuple[str, ...]] = ()
    """Of an entry of a history, the fields of its key without the time; empty for other records."""

    @property
    def key(self) -> tuple[Any, ...]:
        """The values of the key's fields, in the order of their declaration."""
        return JOINS[type(self)].key(self)

    def merge(self, other: Self) -> Self:
        """Merge two records with the same key."""
        joined: dict[str, Any] = {}
        joins = JOINS[type(self)]
        for name, field_join in joins.independent.items():
            ours, theirs = getattr(self, name), getattr(other, name)
            if theirs != ours:
                joined[name] = field_join.merge(ours, theirs)
        for name, (field_join, doubt) in joins.doubtful.items():
            ours, theirs = getattr(self, name), getattr(other, name)
            if theirs != ours:
                our_doubt, their_doubt = bool(getattr(self, doubt)), bool(getattr(other, doubt))
                if our_doubt == their_doubt:
                    joined[name] = field_join.merge(ours, theirs)
                elif our_doubt:
                    joined[name] = theirs
        if joins.is_above(other, self):
            joined.update((name, getattr(other, name)) for name in joins.names(Join.STANDING))
        return dataclasses.replace(self, **joined) if joined else self


def fold(records: Iterable[Record]) -> list[Record]:
    """Merge records into one per table and key, sorted by both: in this order, racing writers do not deadlock.

    Of the entries of a history without a time of their own, the earliest of each status. A key without a value is a
    fault of its event: no two NULLs are equal, so a repeat would be another row. Databases refuse it; here it raises
    TypeError where keys are compared.
    """
    tables: dict[type[Record], dict[tuple[Any, ...], Record]] = {}
    for record in records:
        kind = type(record)
        rows, key = tables.setdefault(kind, {}), JOINS[kind].key(record)
        known = rows.get(key)
        rows[key] = record if known is None else known.merge(record)
    folded: list[Record] = []
    for kind in sorted(tables, key=lambda kind: kind.table):
        rows = tables[kind]
        merged = [rows[key] for key in sorted(rows)]
        folded += keep_earliest(merged) if kind.history_of else merged
    return folded


class _JoinsByRecord(dict[type[Record], RecordJoins]):
    """The joins of each record class, made when it is first asked for."""

    def __missing__(self, record: type[Record]) -> RecordJoins:
        joins = self[record] = RecordJoins(record)
        return joins


JOINS = _JoinsByRecord()
