"""Personal: which columns may say who somebody is, and how they are blanked; every other column names nobody.

Rows stay, so that what is counted, billed and audited stays; but where the key itself says it, or was made of what
says it, the row goes.
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
"""Rows that are read at once; between two pages no connection is held."""

Row = RowMapping


@dataclass(frozen=True)
class PersonalColumns:
    """What one table knows of people."""

    table: Table
    who: tuple[str, ...]
    """Where one of these is theirs, the row is about them, and all of `columns` is blanked."""
    columns: tuple[str, ...]
    """Each is blanked by itself, too, where it names them."""
    key: str | None = None
    """A part of the key that others may have put names into."""
    derived: str | None = None
    """A part of the key that is a digest of what names them, where the gateway told no id."""
    history: Table | None = None
    """Whose key begins with that of this table."""

    @property
    def names(self) -> list[str]:
        """All columns that have to be read."""
        its_key = [column.name for column in self.table.primary_key]
        return list(dict.fromkeys([*its_key, *self.who, *self.columns]))


RECORDS = (  # in this order they are looked through: links are theirs whose messages are
    PersonalColumns(messages, ("msg_id", "foreign_id"), ("foreign_id",)),
    PersonalColumns(links, ("sms_id",), ("label", "final_url"), key="tracking_url", history=link_events),
    PersonalColumns(inbound_messages, ("sender",), ("sender", "text"), derived="id"),
    PersonalColumns(
        calls, ("caller", "recipient", "foreign_id"), ("caller", "recipient", "foreign_id"), derived="call_id"
    ),
)
PAYLOADS = PersonalColumns(deliveries, ("payload",), ("payload", "digest"))
SAID = ("event_type", "reason")
"""Of a delivery: what others may have named as they liked, blanked where it names somebody."""
LETTERS = PersonalColumns(dead_letters, ("envelope",), ("envelope", "event_type", "reason"))
FAILURES = PersonalColumns(dead_letter_failures, (), ("reason",))


@dataclass(frozen=True, slots=True)
class Blanking:
    """What is to become of one row: these columns are blanked, or without any it is removed."""

    personal: PersonalColumns
    key: tuple[Any, ...]
    columns: tuple[str, ...] = ()


def rows(engine: Engine, personal: PersonalColumns, more: Sequence[str] = ()) -> Iterator[Sequence[Row]]:
    """All rows of a table in the order of its key, a page at a time, with what may be personal in them."""
    table = personal.table
    key = list(table.primary_key)
    wanted = select(*(table.c[name] for name in dict.fromkeys([*personal.names, *more]))).order_by(*key).limit(PAGE)
    page = wanted
    while True:
        with engine.connect().execution_options(reads=True) as connection:
            found = list(connection.execute(page).mappings())
        yield found
        if len(found) < PAGE:
            return
        last = tuple(found[-1][column.name] for column in key)
        page = wanted.where(tuple_(*key) > tuple_(*last) if len(key) > 1 else key[0] > last[0])


def size(engine: Engine) -> int:
    """How many rows there are to look through."""
    tables = [one.table for one in (*RECORDS, PAYLOADS, LETTERS, FAILURES)]
    with engine.connect().execution_options(reads=True) as connection:
        return sum(connection.execute(select(func.count()).select_from(table)).scalar_one() for table in tables)


def find_blanks(personal: PersonalColumns, row: Row, sought: DataSubject, theirs: bool) -> tuple[bool, Blanking | None]:
    """Whether a record is about them, and what is to become of it; None for nothing. `theirs` is known already."""
    about = theirs or any(_names(sought, name, row[name]) for name in personal.who)
    key = tuple(row[column.name] for column in personal.table.primary_key)
    named = personal.key is not None and _names(sought, personal.key, row[personal.key])
    if named or (about and personal.derived is not None and is_short_digest(row[personal.derived])):
        return True, Blanking(personal, key)
    columns = tuple(
        name for name in personal.columns if row[name] is not None and (about or _names(sought, name, row[name]))
    )
    return about, Blanking(personal, key, columns) if columns else None


def carry_out(connection: Connection, some: Sequence[Blanking]) -> dict[str, int]:
    """Blank or remove rows of one table, in the transaction under way; returns how many by `blanked`, `removed`."""
    done = {"blanked": 0, "removed": 0}
    for columns, group in groupby(sorted(some, key=lambda one: one.columns), key=lambda one: one.columns):
        its = list(group)
        personal, keys = its[0].personal, [one.key for one in its]
        table = personal.table
        condition = among(list(table.primary_key), keys)
        if columns:
            values: dict[str, Any] = dict.fromkeys(columns)
            if "changed_at" in table.c:
                values["changed_at"] = NOW[connection.dialect.name]
            done["blanked"] += connection.execute(update(table).where(condition).values(**values)).rowcount
            continue
        if personal.history is not None:
            about = [personal.history.c[column.name] for column in table.primary_key]
            connection.execute(delete(personal.history).where(among(about, keys)))
        done["removed"] += connection.execute(delete(table).where(condition)).rowcount
    return done


def portions(some: Sequence[Blanking]) -> Iterator[list[Blanking]]:
    """As many as one transaction takes, of one table each."""
    for _, group in groupby(some, key=lambda one: one.personal.table.name):
        its = list(group)
        yield from (its[start : start + KEYS_AT_ONCE] for start in range(0, len(its), KEYS_AT_ONCE))


def _names(sought: DataSubject, name: str, value: Any) -> bool:
    return value is not None and sought.is_told_by((name, str(value)))
