"""Joins: merge two values of one field, with the same result in any order and for any number of repeats.

Every field of a record declares one. NULL is below everything; text compares by code point. `store/upsert.py` has the
same joins in SQL; a property test proves the two equal.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from enum import Enum
from operator import attrgetter
from typing import Any

_END = datetime.max.replace(tzinfo=UTC)


class Join(Enum):
    """How two values of one field merge."""

    KEY = "part of the record's key; equal by definition"
    EARLIEST = "the lesser"
    GREATEST = "the greater: a counter, a later time, or any text over an empty one"
    STANDING = "taken together from one record: the first of these fields that differs, in declared order, decides"
    EVIDENCE = "NULL: from an event with a time; true: from one without; false: from both"
    UNANIMOUS = "true where it is true in both, else NULL"


@dataclass(frozen=True, slots=True)
class FieldJoin:
    """A field's join. `order` lists the field's values from the lowest up; empty for their natural order."""

    join: Join
    order: Sequence[str] = ()
    unless: str | None = None
    """Of a time, the field that makes it doubtful where it is true. In a standing a doubtful time decides nothing,
    until all else is equal: then the earlier stands. Of earliest times, a doubtful one counts only beside others."""
    lowest: bool = False
    """In a standing, the lesser value stands."""

    def sort_key(self, value: Any) -> tuple[bool, Any]:
        """A sort key for a value of this field, NULL below everything."""
        if value is None:
            return False, 0
        if self.lowest:
            return True, _END - value
        return True, self.order.index(value) if self.order else value

    def compared(self, record: object, name: str) -> Any:
        """The value of this field, called `name`, that decides in a standing: none while it is doubtful."""
        return None if self.unless and getattr(record, self.unless) else getattr(record, name)

    def merge(self, ours: Any, theirs: Any) -> Any:
        """Merge two values of a field that merges independently of others."""
        if self.join is Join.EVIDENCE:
            return ours if ours == theirs else False
        if self.join is Join.UNANIMOUS:
            return ours if ours == theirs else None
        if ours is None or theirs is None:
            return theirs if ours is None else ours
        return min(ours, theirs) if self.join is Join.EARLIEST else max(ours, theirs, key=self.sort_key)


def key() -> Any:
    """Declare a field of the record's key."""
    return field(metadata={"join": FieldJoin(Join.KEY)})


def earliest(*, unless: str | None = None) -> Any:
    """Declare a field that keeps the least value; `unless` as in `FieldJoin`."""
    return field(default=None, metadata={"join": FieldJoin(Join.EARLIEST, unless=unless)})


def greatest(order: Sequence[str] = ()) -> Any:
    """Declare a field that keeps the greatest value; for text, any value over NULL or an empty one."""
    return field(default=None, metadata={"join": FieldJoin(Join.GREATEST, order)})


def standing(order: Sequence[str] = (), *, unless: str | None = None, lowest: bool = False) -> Any:
    """Declare a field of the record's standing; the parameters are those of `FieldJoin`."""
    return field(default=None, metadata={"join": FieldJoin(Join.STANDING, order, unless, lowest)})


def evidence() -> Any:
    """Declare the field that says whether an entry of a history came from events with or without a time."""
    return field(default=None, metadata={"join": FieldJoin(Join.EVIDENCE)})


def unanimous() -> Any:
    """Declare a mark that a record keeps while everything merged into it has it."""
    return field(default=None, metadata={"join": FieldJoin(Join.UNANIMOUS)})


class RecordJoins:
    """The fields of a record class by join, in the order of declaration."""

    def __init__(self, record: type[Any]) -> None:
        self.field_joins: dict[str, FieldJoin] = {column.name: column.metadata["join"] for column in fields(record)}
        self._names = {join: tuple(n for n, d in self.field_joins.items() if d.join is join) for join in Join}
        apart = [(n, d) for n, d in self.field_joins.items() if d.join not in (Join.KEY, Join.STANDING)]
        self.independent = {n: d for n, d in apart if not d.unless}
        """The fields that merge independently of others."""
        self.doubtful = {n: (d, d.unless) for n, d in apart if d.unless}
        """The fields that merge independently unless just one of the two is in doubt, each with what says so."""
        compared = [(name, self.field_joins[name]) for name in self._names[Join.STANDING]]
        receipts = [(name, FieldJoin(Join.STANDING, lowest=True)) for name, declared in compared if declared.unless]
        self.standing_order: Sequence[tuple[str, FieldJoin]] = (*compared, *receipts)
        """What is compared of two standings: the first difference decides."""
        keys = self._names[Join.KEY]
        values = attrgetter(*keys)
        self.key: Callable[[Any], tuple[Any, ...]] = values if len(keys) > 1 else lambda record: (values(record),)

    def names(self, join: Join) -> tuple[str, ...]:
        """The fields with this join."""
        return self._names[join]

    def is_above(self, theirs: object, ours: object) -> bool:
        """Whether their standing is above ours: the first difference decides; False for records without one."""
        for name, declared in self.standing_order:
            their_value, our_value = declared.compared(theirs, name), declared.compared(ours, name)
            if their_value != our_value:
                their_key, our_key = declared.sort_key(their_value), declared.sort_key(our_value)
                if their_key != our_key:
                    return their_key > our_key
        return False
