"""Comparing: which rows differ between what is kept and what is to be kept, from what to what."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from seven.records import SHAPES, Record, fold
from store.record_rows import Place, kept, place


@dataclass(frozen=True, slots=True)
class Change:
    """One row that differs. `before` is None for a row that is new, `after` for one that goes."""

    table: str
    key: tuple[object, ...]
    before: Record | None
    after: Record | None

    @property
    def fields(self) -> dict[str, tuple[object, object]]:
        """The fields that differ, each with its value before and after; of a new row those that say something."""
        one = self.after or self.before
        names = SHAPES[type(one)].declared if one else ()
        told = {name: (getattr(self.before, name, None), getattr(self.after, name, None)) for name in names}
        return {name: (before, after) for name, (before, after) in told.items() if before != after}


def changes(connection: Connection, records: Iterable[Record], replace: bool = False) -> list[Change]:
    """What would become of the rows that these records are about, in the order in which they would be written.

    Joined to what is kept as an upsert joins them; with `replace` put in its place. Equal rows are left out.
    """
    told = {place(record): record for record in fold(records)}
    before = kept(connection, told)
    return compared(before, told if replace else joined(before, told))


def joined(before: Mapping[Place, Record], told: Mapping[Place, Record]) -> dict[Place, Record]:
    """What is told, each joined to what is kept at its place."""
    return {where: before[where].merge(record) if where in before else record for where, record in told.items()}


def compared(before: Mapping[Place, Record], after: Mapping[Place, Record]) -> list[Change]:
    """The places where rows differ, sorted as `fold` sorts; what is missing from `after` goes."""
    return [
        Change(*where, before.get(where), after.get(where))
        for where in sorted(before.keys() | after.keys())
        if before.get(where) != after.get(where)
    ]
