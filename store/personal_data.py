"""Personal data: which columns may identify a person, and how they are blanked; all other columns identify no one.

Rows stay, so that counts, bills and the audit stay correct; but a row whose key identifies a person, or is derived
from data that does, is removed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, Table, delete, func, select, tuple_, update

from seven.data_subject import DataSubject
from seven.digest import is_short_digest
from store.record_rows import KEYS_AT_ONCE, among
from store.schema import (
    calls,
    dead_letter_failures,
    dead_letters,
    deliveries,
    inbound_messages,
    link_events,
    links,
    messages,
)
from store.upsert import NOW

PAGE = 2_000
"""Rows read at once; between two pages no connection is held."""

Row = RowMapping


@dataclass(frozen=True)
class PersonalColumns:
    """The personal columns of one table."""

    table: Table
    identifying: tuple[str, ...]
    """If one of these matches the person, the row is about them, and all of `columns` is blanked."""
    columns: tuple[str, ...]
    """Each is also blanked on its own if it names the person."""
    key: str | None = None
    """A part of the key that may contain names given by others."""
    derived: str | None = None
    """A part of the key that is a digest of personal data if the gateway sent no id."""
    history: Table | None = None
    """The history table; its key begins with the key of this table."""

    @property
    def names(self) -> list[str]:
        """All columns to read."""
        key = [column.name for column in self.table.primary_key]
        return list(dict.fromkeys([*key, *self.identifying, *self.columns]))


RECORDS = (  # searched in this order: links belong to the person whose messages do
    PersonalColumns(messages, ("msg_id", "foreign_id"), ("foreign_id",)),
    PersonalColumns(links, ("sms_id",), ("label", "final_url"), key="tracking_url", history=link_events),
    PersonalColumns(inbound_messages, ("sender",), ("sender", "text"), derived="id"),
    PersonalColumns(
        calls, ("caller", "recipient", "foreign_id"), ("caller", "recipient", "foreign_id"), derived="call_id"
    ),
)
PAYLOADS = PersonalColumns(deliveries, ("payload",), ("payload", "digest"))
LABELS = ("event_type", "reason", "remark")
"""Columns of a delivery with free text from others, blanked if they name the person."""
LETTERS = PersonalColumns(dead_letters, ("envelope",), ("envelope", "event_type", "reason"))
FAILURES = PersonalColumns(dead_letter_failures, (), ("reason",))


@dataclass(frozen=True, slots=True)
class Blanking:
    """The change to one row: blank these columns, or remove the row if there are none."""

    personal: PersonalColumns
    key: tuple[Any, ...]
    columns: tuple[str, ...] = ()


def rows(engine: Engine, personal: PersonalColumns, more: Sequence[str] = ()) -> Iterator[Sequence[Row]]:
    """All rows of a table in the order of its key, page by page, with their personal columns and `more`."""
    table = personal.table
    key = list(table.primary_key)
    query = select(*(table.c[name] for name in dict.fromkeys([*personal.names, *more]))).order_by(*key).limit(PAGE)
    page_query = query
    while True:
        with engine.connect().execution_options(reads=True) as connection:
            page = list(connection.execute(page_query).mappings())
        yield page
        if len(page) < PAGE:
            return
        last = tuple(page[-1][column.name] for column in key)
        page_query = query.where(tuple_(*key) > tuple_(*last) if len(key) > 1 else key[0] > last[0])


def size(engine: Engine) -> int:
    """The number of rows to search."""
    tables = [personal.table for personal in (*RECORDS, PAYLOADS, LETTERS, FAILURES)]
    with engine.connect().execution_options(reads=True) as connection:
        return sum(connection.execute(select(func.count()).select_from(table)).scalar_one() for table in tables)


def find_blanks(
    personal: PersonalColumns, row: Row, subject: DataSubject, theirs: bool
) -> tuple[bool, Blanking | None]:
    """Whether a record is about the person, and the change to it, or None; `theirs` if that is known beforehand."""
    about = theirs or any(_names(subject, name, row[name]) for name in personal.identifying)
    key = tuple(row[column.name] for column in personal.table.primary_key)
    named = personal.key is not None and _names(subject, personal.key, row[personal.key])
    if named or (about and personal.derived is not None and is_short_digest(row[personal.derived])):
        return True, Blanking(personal, key)
    columns = tuple(
        name for name in personal.columns if row[name] is not None and (about or _names(subject, name, row[name]))
    )
    return about, Blanking(personal, key, columns) if columns else None


def blank_rows(connection: Connection, blankings: Sequence[Blanking]) -> dict[str, int]:
    """Blank or remove rows of one table, in the current transaction. Returns their numbers as `blanked`, `removed`."""
    counts = {"blanked": 0, "removed": 0}
    by_columns = sorted(blankings, key=lambda blanking: blanking.columns)
    for columns, group in groupby(by_columns, key=lambda blanking: blanking.columns):
        rows_alike = list(group)
        personal, keys = rows_alike[0].personal, [blanking.key for blanking in rows_alike]
        table = personal.table
        condition = among(list(table.primary_key), keys)
        if columns:
            values: dict[str, Any] = dict.fromkeys(columns)
            if "changed_at" in table.c:
                values["changed_at"] = NOW[connection.dialect.name]
            counts["blanked"] += connection.execute(update(table).where(condition).values(**values)).rowcount
            continue
        if personal.history is not None:
            shared_key = [personal.history.c[column.name] for column in table.primary_key]
            connection.execute(delete(personal.history).where(among(shared_key, keys)))
        counts["removed"] += connection.execute(delete(table).where(condition)).rowcount
    return counts


def portions(blankings: Sequence[Blanking]) -> Iterator[list[Blanking]]:
    """Split into portions for one transaction each, with rows of one table each."""
    for _, group in groupby(blankings, key=lambda blanking: blanking.personal.table.name):
        of_table = list(group)
        yield from (of_table[start : start + KEYS_AT_ONCE] for start in range(0, len(of_table), KEYS_AT_ONCE))


def _names(subject: DataSubject, name: str, value: Any) -> bool:
    return value is not None and subject.matches((name, str(value)))
