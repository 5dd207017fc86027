"""Record list: one list's columns, order and filters, read page by page."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, FromClause

from operations.keyset import WINDOW, Cursor, Keyset, Page, Row
from operations.record_lists.filters import Condition, Filter

PAGE = 50
ROWS_AT_ONCE = 1000
"""Rows of one transaction while all rows of a list are read."""


@dataclass(frozen=True, slots=True)
class ListColumn:
    """One column of a list."""

    name: str
    title: str
    """What people call it."""
    value: ColumnElement[Any]


@dataclass(frozen=True, slots=True)
class ListFilters:
    """The filters that are set: the text of each, as people wrote it, and its conditions."""

    texts: Mapping[str, str]
    window: tuple[Condition, ...] = ()
    rows: tuple[Condition, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.texts)


@dataclass(frozen=True, slots=True)
class RecordList:
    """One list."""

    name: str
    title: str
    sentence: str
    """What a row is, and in which order they stand."""
    empty: str
    """What it means if there is none."""
    source: FromClause
    columns: tuple[ListColumn, ...]
    """The time first, and second what leads to a row's story: it is in sight, however wide the list is."""
    order: tuple[Column[Any], ...]
    filters: tuple[Filter, ...]
    window: tuple[Condition, ...] = ()
    """Conditions of every row, which the index answers."""
    defaults: Mapping[str, Condition] = field(default_factory=dict)
    """What holds while a filter is not set; checked row by row."""
    ours: str | None = None
    """The column with our own number, where it is another one than `operations.masking` takes; empty for none."""
    contradiction: Callable[[Mapping[str, Any]], str | None] = lambda _: None
    """Why these values of the filters exclude each other, as a sentence."""

    def parse(self, texts: Mapping[str, str], now: datetime | None = None) -> ListFilters:
        """The filters of these texts by name; an empty one is not set.

        Raises ValueError, with a sentence, for an unknown filter and for values that make no sense.
        """
        known = {each.name: each for each in self.filters}
        texts = {name: text.strip() for name, text in texts.items() if text.strip()}
        if unknown := sorted(texts.keys() - known.keys()):
            raise ValueError(f"This list has no filter {unknown[0][:40]!r}; it has {', '.join(known) or 'none'}.")
        values = {name: known[name].parse(text, now or datetime.now(UTC)) for name, text in texts.items()}
        if "since" in values and "until" in values and values["since"] > values["until"]:
            raise ValueError("From day is after to day: no day lies between them.")
        if sentence := self.contradiction(values):
            raise ValueError(sentence)
        conditions = [known[name].conditions(value) for name, value in values.items()]
        return ListFilters(
            texts,
            tuple(condition for window, _ in conditions for condition in window),
            (
                *(condition for _, rows in conditions for condition in rows),
                *(condition for name, condition in self.defaults.items() if name not in values),
            ),
        )

    def cursor(self, text: str) -> Cursor | None:
        """The position that a page before named; None for an empty text. Raises ValueError for any other text."""
        return Cursor.decode(text, self.order) if text else None

    def page(
        self,
        connection: Connection,
        filters: ListFilters,
        after: Cursor | None = None,
        size: int = PAGE,
        window: int = WINDOW,
    ) -> Page:
        """The rows that follow `after`, at most `size`, as dictionaries by the names of the columns."""
        keyset = Keyset(
            order=self.order,
            columns={column.name: column.value for column in self.columns},
            source=self.source,
            window=(*self.window, *filters.window),
            rows=filters.rows,
        )
        return keyset.page(connection, after, size, window)


def read_rows(
    connect: Callable[[], AbstractContextManager[Connection]],
    record_list: RecordList,
    filters: ListFilters,
    size: int = ROWS_AT_ONCE,
) -> Iterator[list[Row]]:
    """All rows of a list, some at once; between two pages no connection is held."""
    after: Cursor | None = None
    while True:
        with connect() as connection:
            page = record_list.page(connection, filters, after, size)
        yield page.rows
        if (after := page.following) is None:
            return
