"""Personal data: how the columns that identify a person are blanked (`store/personal_columns.py` lists them).

Rows stay, so that counts, bills and the audit stay correct. A row whose key identifies a person, or is derived from
data that does, gets another key, which is random.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    RowMapping,
    and_,
    delete,
    func,
    or_,
    select,
    tuple_,
    update,
)

from seven.data_subject import DataSubject
from seven.digest import is_short_digest
from seven.journal import JOURNALED
from seven.records import CallDigit
from store.personal_columns import FAILURES, LETTERS, PAYLOADS, RECORDS, PersonalColumns
from store.record_rows import KEYS_AT_ONCE, among
from store.schema import call_digits, calls, changes, missed_webhooks, notifications, sent_messages
from store.upsert import NOW, upsert

PAGE = 2_000
"""Rows read at once; between two pages no connection is held."""

Row = RowMapping


@dataclass(frozen=True, slots=True)
class Blanking:
    """The change to one row: blank these columns, and give it another key if `pseudonym` is set."""

    personal: PersonalColumns
    key: tuple[Any, ...]
    columns: tuple[str, ...] = ()
    renamed: str | None = None
    """The part of the key that names the person."""
    pseudonym: str | None = None
    """What it becomes."""

    def without(self, columns: Collection[str]) -> "Blanking":
        """The same, but these columns stay."""
        return replace(self, columns=tuple(name for name in self.columns if name not in columns))


def rows(engine: Engine, personal: PersonalColumns, more: Sequence[str] = ()) -> Iterator[Sequence[Row]]:
    """All rows of a table in the order of its key, page by page, with their personal columns and `more`."""
    table = personal.table
    key = list(table.primary_key)
    query = select(*(table.c[name] for name in dict.fromkeys([*personal.names, *more]))).order_by(*key).limit(PAGE)
    query = query.where(personal.condition)
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
    queries = [
        select(func.count()).select_from(personal.table).where(personal.condition)
        for personal in (*RECORDS, PAYLOADS, LETTERS, FAILURES)
    ]
    with engine.connect().execution_options(reads=True) as connection:
        return sum(connection.execute(query).scalar_one() for query in queries)


def values_of_others(
    engine: Engine, column: Column[Any], message: Column[Any], values: Collection[str], message_ids: Collection[str]
) -> set[str]:
    """Those of these values that rows of other messages have in a column; `message` is that of the message's id."""
    shared: set[str] = set()
    with engine.connect().execution_options(reads=True) as connection:
        for value in values:
            query = select(message).where(column == value).distinct().limit(len(message_ids) + 1)
            if any(id_ not in message_ids for id_ in connection.execute(query).scalars()):
                shared.add(value)
    return shared


def find_blanks(
    personal: PersonalColumns, row: Row, subject: DataSubject, theirs: bool
) -> tuple[bool, Blanking | None]:
    """Whether a record is about the person, and the change to it, or None; `theirs` if that is known beforehand.

    A key that names the person is to be renamed; the caller gives the pseudonym.
    """
    about = theirs or any(_names(subject, name, row[name]) for name in personal.identifying)
    key = tuple(row[column.name] for column in personal.table.primary_key)
    renamed = None
    if personal.key is not None and _names(subject, personal.key, row[personal.key]):
        about, renamed = True, personal.key
    elif about and personal.derived is not None and is_short_digest(row[personal.derived]):
        renamed = personal.derived
    columns = [
        name for name in personal.columns if row[name] is not None and (about or _names(subject, name, row[name]))
    ]
    columns += own_numbers(personal, row, subject)
    return about, Blanking(personal, key, tuple(columns), renamed) if columns or renamed else None


def own_numbers(personal: PersonalColumns, row: Row, subject: DataSubject) -> list[str]:
    """The columns that have the number as one of ours, if that is asked for."""
    return [name for name in personal.own if subject.own_number and _names(subject, name, row[name])]


def blank_rows(connection: Connection, blankings: Sequence[Blanking]) -> dict[str, int]:
    """Blank or rename rows of one table, in the current transaction. Returns their numbers as `blanked`, `removed`.

    A row is removed only if a repeat of what was renamed has written it again: it would count twice.
    """
    counts = {"blanked": 0, "removed": 0}
    for blanking in blankings:
        if blanking.pseudonym is not None:
            counts[_rename(connection, blanking)] += 1
    in_place = [blanking for blanking in blankings if blanking.pseudonym is None]
    for columns, group in groupby(sorted(in_place, key=lambda each: each.columns), key=lambda each: each.columns):
        rows_alike = list(group)
        table = rows_alike[0].personal.table
        values: dict[str, Any] = dict.fromkeys(columns)
        if "changed_at" in table.c:
            values["changed_at"] = NOW[connection.dialect.name]
        if table is sent_messages:  # as if read: the next reading takes it for blanked, also its sender's own
            values["journal_read_at"] = func.coalesce(table.c.journal_read_at, NOW[connection.dialect.name])
        condition = among(list(table.primary_key), [blanking.key for blanking in rows_alike])
        counts["blanked"] += connection.execute(update(table).where(condition).values(**values)).rowcount
        if table is calls:
            _blank_digits(connection, [blanking.key for blanking in rows_alike])
    return counts


def _blank_digits(connection: Connection, keys: Sequence[tuple[Any, ...]]) -> None:
    """That a key was pressed in these calls stays, and not which; several keys of one second become one."""
    c = call_digits.c
    named = and_(among([c.direction, c.call_id], keys), c.digit != "")
    pressed = [CallDigit(*row, "") for row in connection.execute(select(c.direction, c.call_id, c.at).where(named))]
    if pressed:
        upsert(connection, CallDigit.table, dict.fromkeys(pressed))
        connection.execute(delete(call_digits).where(named))


def _rename(connection: Connection, blanking: Blanking) -> str:
    """Blank a row and give it its pseudonym, with its history. `changed_at` stays: to a reader it is not news."""
    table, history = blanking.personal.table, blanking.personal.history
    renamed, names = blanking.renamed or "", [column.name for column in table.primary_key]
    _remove_changes(connection, " ".join(map(str, blanking.key)))
    pseudonym, old_key = {renamed: blanking.pseudonym}, dict(zip(names, blanking.key, strict=True))
    new_key = tuple((old_key | pseudonym)[name] for name in names)
    _remove_missed(connection, old_key.get(renamed, ""))
    if history is not None:
        of_old = among([history.c[name] for name in names], [blanking.key])
        other = history.alias()
        rest = [column.name for column in history.primary_key if column.name not in names]
        again = select(other).where(
            among([other.c[name] for name in names], [new_key]), *(other.c[name] == history.c[name] for name in rest)
        )
        connection.execute(update(history).where(of_old, ~again.exists()).values(**pseudonym))
        connection.execute(delete(history).where(of_old))
    old, new = (among(list(table.primary_key), [key]) for key in (blanking.key, new_key))
    if connection.execute(select(*table.primary_key).where(new)).first():
        connection.execute(delete(table).where(old))
        return "removed"
    connection.execute(update(table).where(old).values(**dict.fromkeys(blanking.columns), **pseudonym))
    return "blanked"


def _remove_missed(connection: Connection, id_: str) -> None:
    """Remove the record that a webhook with this id did not come; a webhook's id is derived as its row's is."""
    c = missed_webhooks.c
    of_it = delete(missed_webhooks).where(c.event_type.in_(JOURNALED), c.id == id_).returning(c.event_type)
    for event_type in connection.execute(of_it).scalars().all():
        _remove_changes(connection, f"{event_type} {id_}")


def _remove_changes(connection: Connection, subject: str) -> None:
    """Remove the changes of a record, and of its parts, with what was handed to subscribers."""
    in_own_file = connection.dialect.name == "sqlite"  # `remove_orphans` looks at it
    for table in (changes,) if in_own_file else (changes, notifications):  # "!" is the character after the space
        of_it = and_(table.c.key > f"{subject} ", table.c.key < f"{subject}!")
        connection.execute(delete(table).where(or_(table.c.key == subject, of_it)))


def portions(blankings: Sequence[Blanking]) -> Iterator[list[Blanking]]:
    """Split into portions for one transaction each, with rows of one table each."""
    for _, group in groupby(blankings, key=lambda blanking: blanking.personal.table.name):
        of_table = list(group)
        yield from (of_table[start : start + KEYS_AT_ONCE] for start in range(0, len(of_table), KEYS_AT_ONCE))


def _names(subject: DataSubject, name: str, value: Any) -> bool:
    return value is not None and subject.matches((name, str(value)))
