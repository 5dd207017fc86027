"""Filters of the lists: what people may narrow a list by, from text as they write it to a condition."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Column, ColumnElement, func, literal_column

from seven.field_types import storable
from store.archive import ID_TOLERANCE_MS, first_id

Condition = ColumnElement[bool]
Conditions = tuple[tuple[Condition, ...], tuple[Condition, ...]]
"""Conditions that the list's index answers, and conditions that are checked row by row."""

MOST_TEXT = 255
MOST_HOURS = 8760


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter of a list."""

    name: str
    title: str
    kind: Literal["choice", "text", "day", "hours"]
    conditions: Callable[[Any], Conditions]
    """The conditions for a parsed value."""
    choices: tuple[str, ...] = ()
    """What may be chosen; of a text, what is known and suggested."""

    def parse(self, text: str, now: datetime) -> Any:
        """The value of a text that is not empty. Raises ValueError with a sentence for one that makes no sense."""
        return _PARSERS[self.kind](self, text, now)


def _choice(of: Filter, text: str, _: datetime) -> str:
    if text not in of.choices:
        raise ValueError(f"{of.title}: choose {_alternatives(of.choices)}.")
    return text


def _text(of: Filter, text: str, _: datetime) -> str:
    if len(text) > MOST_TEXT:
        raise ValueError(f"{of.title}: at most {MOST_TEXT} characters.")
    return storable(text)


def _day(of: Filter, text: str, _: datetime) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{of.title}: a day is written as 2026-03-29.") from error
    if not 1970 <= day.year < 9999:
        raise ValueError(f"{of.title}: a year from 1970 to 9998.")
    return day


def _hours(of: Filter, text: str, now: datetime) -> datetime:
    hours = int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(MOST_HOURS)) else 0
    if not 1 <= hours <= MOST_HOURS:
        raise ValueError(f"{of.title}: a whole number of hours, from 1 to {MOST_HOURS}.")
    return now - timedelta(hours=hours)


_PARSERS: dict[str, Callable[[Filter, str, datetime], Any]] = {
    "choice": _choice,
    "text": _text,
    "day": _day,
    "hours": _hours,
}


def _alternatives(choices: Iterable[str]) -> str:
    *others, last = choices
    return f"{', '.join(others)} or {last}"


def days_of(column: Column[datetime]) -> tuple[Filter, Filter]:
    """The filters by day, both included, in UTC, on the time that a list is ordered by."""
    return (
        Filter("since", "From day", "day", lambda day: ((column >= _midnight(day),), ())),
        Filter("until", "To day", "day", lambda day: ((column < _midnight(day, after=1),), ())),
    )


def days_of_ids(column: Column[str], received_at: ColumnElement[datetime]) -> tuple[Filter, Filter]:
    """The same, where rows are ordered by an id that begins with the time of receipt."""

    def since(day: date) -> Conditions:
        at = _midnight(day)
        return (column >= first_id(at, -ID_TOLERANCE_MS),), (received_at >= at,)

    def until(day: date) -> Conditions:
        at = _midnight(day, after=1)
        return (column < first_id(at, ID_TOLERANCE_MS),), (received_at < at,)

    return Filter("since", "From day", "day", since), Filter("until", "To day", "day", until)


def choice(name: str, title: str, column: ColumnElement[Any], choices: tuple[str, ...]) -> Filter:
    """One of a column's values, checked row by row."""
    checked = _without_index(column)
    return Filter(name, title, "choice", lambda value: ((), (checked == value,)), choices)


def word(name: str, title: str, column: ColumnElement[Any], known: tuple[str, ...] = ()) -> Filter:
    """A column's value, in the case it is written in, in upper or in lower case; no index answers it."""
    return Filter(name, title, "text", lambda text: ((), (column.in_({text, text.upper(), text.lower()}),)), known)


def part(name: str, title: str, column: ColumnElement[Any]) -> Filter:
    """A part of a text in any case, which no index answers."""
    return Filter(name, title, "text", lambda text: ((), (column.icontains(text, autoescape=True),)))


def spelled(column: Column[Any], comparison: str, value: str) -> Condition:
    """A comparison with its value written out, as it is in a partial index: a bound value would not match one."""
    return column.op(comparison, is_comparison=True)(literal_column(f"'{value}'"))


def _without_index(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """The column as an expression: SQLite would prefer any index on it to that of the order, and sort what it finds."""
    return func.coalesce(column, column)


def _midnight(day: date, after: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=after)
