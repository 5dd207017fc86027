"""Keyset: pages of rows in the order of an index, the latest first, each at a bounded cost whatever the filter.

A page begins after the last row of the page before, by its values and not by its number: rows that arrive meanwhile
shift nothing. A filter that no index answers looks at `WINDOW` rows at most; the page says how far it has looked.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from sqlalchemy import Column, ColumnElement, Connection, FromClause, func, literal, select, tuple_

from seven.field_types import storable
from store.types import Time

Row = dict[str, Any]

WINDOW = 10_000
"""Rows that one page looks at for those that match."""
NO_SUCH_PAGE = "This page does not exist. Start again with the first page of the list."
LEAST_TIME = datetime.min.replace(tzinfo=UTC)
"""Every time is at least this one. SQLite from 3.51 scans a table rather than ask an index for all that is not null."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """A position: the values that rows are ordered by, of the last row that was seen. Personal if a key is."""

    values: tuple[datetime | str | None, ...]

    def encode(self) -> str:
        """The cursor as text, for the value behind a handle."""
        return json.dumps([value.isoformat() if isinstance(value, datetime) else value for value in self.values])

    @classmethod
    def decode(cls, text: str, order: Sequence[Column[Any]]) -> Self:
        """A cursor of rows in this order. Raises ValueError for any other text."""
        try:
            values: list[Any] = list(json.loads(text))
            return cls(tuple(_decoded(value, column) for value, column in zip(values, order, strict=True)))
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise ValueError(NO_SUCH_PAGE) from error


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, the latest first."""

    rows: list[Row] = field(default_factory=list)
    following: Cursor | None = None
    """Where the next page begins; None after the last one."""
    searched_to: datetime | str | None = None
    """Time or id of the last row that was looked at, if that is why the page is not full."""


@dataclass(frozen=True, slots=True)
class Keyset:
    """Rows to read in pages."""

    order: tuple[Column[Any], ...]
    """A time and the key, or the key alone. An index answers it, together with `window`."""
    columns: Mapping[str, ColumnElement[Any]]
    """The columns of a row by its names."""
    source: FromClause
    window: tuple[ColumnElement[bool], ...] = ()
    """Conditions that the index answers, too."""
    rows: tuple[ColumnElement[bool], ...] = ()
    """Conditions that it does not answer: they are checked row by row."""

    def page(self, connection: Connection, after: Cursor | None, size: int, window: int = WINDOW) -> Page:
        """At most `size` rows that follow `after`."""
        read: list[tuple[Row, Cursor]] = []
        for segment in self._segments(after):
            end = self._boundary(connection, segment, window) if self.rows else None
            bounds = [*segment, _compared(self.order, end, inclusive=True)] if end else segment
            read += self._read(connection, bounds, size + 1 - len(read))
            rows = [row for row, _ in read[:size]]
            if len(read) > size:
                return Page(rows, read[size - 1][1])
            if end is not None:
                return Page(rows, end, searched_to=end.values[0])
        return Page([row for row, _ in read])

    def _segments(self, after: Cursor | None) -> Iterator[list[ColumnElement[bool]]]:
        """The conditions of the rows with a time, and of those without, which follow them."""
        first, onward = self.order[0], [_compared(self.order, after)] if after else []
        if not first.nullable:
            yield [*self.window, *onward]
            return
        if after is None or after.values[0] is not None:
            yield [*self.window, first >= literal(LEAST_TIME, first.type), *onward]
            onward = []
        yield [*self.window, first.is_(None), *onward]

    def _boundary(self, connection: Connection, conditions: list[ColumnElement[bool]], window: int) -> Cursor | None:
        """The last of the rows that this page may look at; None if all that are left are fewer."""
        query = select(*self.order).where(*conditions).order_by(*_latest_first(self.order)).limit(window)
        ahead = query.cte("ahead")
        columns = [ahead.c[column.name] for column in self.order]
        full = select(func.count()).select_from(ahead).scalar_subquery() >= window
        row = connection.execute(select(*columns).where(full).order_by(*columns).limit(1)).first()
        return None if row is None else Cursor(tuple(row))

    def _read(
        self, connection: Connection, conditions: list[ColumnElement[bool]], size: int
    ) -> list[tuple[Row, Cursor]]:
        keys = [column.label(f"key_{position}") for position, column in enumerate(self.order)]
        columns = [column.label(name) for name, column in self.columns.items()]
        query = select(*columns, *keys).select_from(self.source).where(*conditions, *self.rows)
        answer = connection.execute(query.order_by(*_latest_first(self.order)).limit(size)).mappings()
        return [
            ({name: row[name] for name in self.columns}, Cursor(tuple(row[key.name] for key in keys))) for row in answer
        ]


def _latest_first(order: Sequence[Column[Any]]) -> list[ColumnElement[Any]]:
    return [column.desc() for column in order]


def _compared(order: Sequence[Column[Any]], cursor: Cursor, *, inclusive: bool = False) -> ColumnElement[bool]:
    """The rows that follow a cursor; `inclusive`: those down to it, itself among them."""
    bounded = [(column, value) for column, value in zip(order, cursor.values, strict=True) if value is not None]
    columns = tuple_(*(column for column, _ in bounded)) if len(bounded) > 1 else bounded[0][0]
    values = [literal(value, column.type) for column, value in bounded]
    bound = tuple_(*values) if len(values) > 1 else values[0]
    return columns >= bound if inclusive else columns < bound


def _decoded(value: Any, column: Column[Any]) -> datetime | str | None:
    if value is None and column.nullable:
        return None
    if not isinstance(value, str):
        raise ValueError(value)
    if isinstance(column.type, Time):
        return datetime.fromisoformat(value).astimezone(UTC)
    return storable(value)
