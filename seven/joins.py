"""Joins: how two values of one field become one, the same in any order and however often.

Every field of a record declares one of these. NULL is below everything and text compares by code point. The same
joins stand in SQL in `store/upsert.py`; a property test holds the two together.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from enum import Enum
from operator import attrgetter
from typing import Any


class Join(Enum):
    """What becomes of two values of one field."""

    KEY = "part of what the record is about; equal by definition"
    EARLIEST = "the lesser"
    GREATEST = "the greater: a counter, a later time, or of two texts the one that says something"
    STANDING = "decided together with its neighbours, in the order of their declaration, by the first that differs"


@dataclass(frozen=True, slots=True)
class Declared:
    """A field's join; `order` names a field's values from the lowest up where their own order is not meant."""

    join: Join
    order: Sequence[str] = ()

    def sort_key(self, value: Any) -> tuple[bool, Any]:
        """A sort key for a value of this field, NULL below everything."""
        if value is None:
            return False, 0
        return True, self.order.index(value) if self.order else value


def key() -> Any:
    """Declare a field of the record's key."""
    return field(metadata={"declared": Declared(Join.KEY)})


def earliest() -> Any:
    """Declare a field that keeps the least value told."""
    return field(default=None, metadata={"declared": Declared(Join.EARLIEST)})


def greatest() -> Any:
    """Declare a field that keeps the greatest value told; for text that is any value over NULL or empty."""
    return field(default=None, metadata={"declared": Declared(Join.GREATEST)})


def standing(order: Sequence[str] = ()) -> Any:
    """Declare a field of the record's standing; `order` lists its values from the lowest up."""
    return field(default=None, metadata={"declared": Declared(Join.STANDING, order)})


class Shape:
    """The fields of one class of records by their joins, in the order of declaration."""

    def __init__(self, record: type[Any]) -> None:
        self.declared: dict[str, Declared] = {one.name: one.metadata["declared"] for one in fields(record)}
        self._names = {join: tuple(n for n, d in self.declared.items() if d.join is join) for join in Join}
        self.alone = {n: d for n, d in self.declared.items() if d.join in (Join.EARLIEST, Join.GREATEST)}
        """The fields that are joined each by itself."""
        keys = self._names[Join.KEY]
        told = attrgetter(*keys)
        self.key: Callable[[Any], tuple[Any, ...]] = told if len(keys) > 1 else lambda record: (told(record),)

    def names(self, join: Join) -> tuple[str, ...]:
        """The fields with this join."""
        return self._names[join]

    def sort_key(self, record: object) -> tuple[Any, ...]:
        """How a record's standing compares; empty, hence equal, for records that have none."""
        return tuple(self.declared[name].sort_key(getattr(record, name)) for name in self._names[Join.STANDING])
