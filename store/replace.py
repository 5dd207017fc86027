"""Replacing: rows are put in the place of others, as no join would, while nobody else writes them."""

from collections.abc import Collection, Iterable, Sequence
from itertools import groupby

from sqlalchemy import Connection, and_, bindparam, delete, text

from seven.aggregates import Family
from seven.joins import Join
from seven.records import SHAPES, Record
from store.diff import Change
from store.record_rows import KEYS_AT_ONCE, Place, among, place, select_records
from store.schema import SCHEMA, metadata
from store.upsert import upsert


def lock(connection: Connection, records: Iterable[type[Record]]) -> None:
    """Keep everybody else from writing into these records' tables until this transaction ends; reading goes on.

    Who has written some of them and has not committed yet is waited for. Tables are locked in the order in which
    `fold` has them written, so nobody waits in a circle. SQLite lets one write at a time anyhow.
    """
    if connection.dialect.name == "postgresql":
        tables = ", ".join(f"{SCHEMA}.{name}" for name in sorted(record.table for record in records))
        connection.execute(text(f"LOCK TABLE {tables} IN SHARE ROW EXCLUSIVE MODE"))


def kept_of(connection: Connection, family: Family, subjects: Collection[str]) -> dict[Place, Record]:
    """All rows of these subjects, whoever wrote them."""
    readings = sorted(reading for subject in subjects for reading in family.readings(subject))
    found: dict[Place, Record] = {}
    for record in family.records:
        columns = [metadata.tables[f"{SCHEMA}.{record.table}"].c[name] for name in family.about]
        for start in range(0, len(readings), KEYS_AT_ONCE):
            some = readings[start : start + KEYS_AT_ONCE]
            rows = connection.execute(select_records(record.table, among(columns, some))).mappings()
            found.update((place(row), row) for row in (record(**row) for row in rows))
    return found


def replace(connection: Connection, changes: Sequence[Change]) -> None:
    """Carry changes out: a row that differs goes and comes anew, and `changed_at` with it; others are not touched."""
    for table_name, some in groupby(changes, key=lambda change: change.table):
        its = list(some)
        if gone := [change.before for change in its if change.before]:
            table = metadata.tables[f"{SCHEMA}.{table_name}"]
            names = SHAPES[type(gone[0])].names(Join.KEY)
            condition = and_(*(table.c[name] == bindparam(f"its_{name}") for name in names))
            connection.execute(
                delete(table).where(condition), [{f"its_{n}": getattr(one, n) for n in names} for one in gone]
            )
        if come := [change.after for change in its if change.after]:
            upsert(connection, table_name, come)
