"""Change rows: adds the changes of a transaction to their table.

PostgreSQL takes them as one array per column. SQLite takes the rows of one statement in half the time that as many
statements cost: it looks at its clock and writes its last number only once for each.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache, partial
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Executable, bindparam, insert, select

from seven.changes import NotedChange
from store.schema import changes
from store.types import Time
from store.upsert import NOW, array_rows

_NAMES = (*NotedChange._fields, "delivery_id")
_ROWS_AT_ONCE = 64
"""Of SQLite: the driver keeps 128 statements compiled, and each number of rows is one."""

Row = tuple[str, str, str | None, str, Any, str | None]
"""A noted change, and the id of its delivery."""


def insert_changes(connection: Connection, rows: Sequence[Row], any_age: bool | None) -> None:
    """Add changes, of which there is at least one, with the database's time."""
    if connection.dialect.name == "postgresql":
        columns = zip(_NAMES, map(list, zip(*rows, strict=True)), strict=True)
        connection.execute(_arrays(), {**dict(columns), "any_age": any_age})
        return
    bind = partial(Time().process_bind_param, dialect=connection.dialect)
    bound = [(topic, key, was, now, bind(at), delivery) for topic, key, was, now, at, delivery in rows]
    for first in range(0, len(bound), _ROWS_AT_ONCE):
        portion = bound[first : first + _ROWS_AT_ONCE]
        connection.exec_driver_sql(_values(len(portion)), (any_age, *chain.from_iterable(portion)))


def insert_handed_out(connection: Connection, rows: Iterable[Mapping[str, Any]], now: datetime) -> None:
    """Add changes that no delivery brought; SQLite marks them as handed out, as its writers do."""
    common = {"noted_at": now, "fanned_out_at": now if connection.dialect.name == "sqlite" else None}
    if values := [{**row, **common} for row in rows]:
        connection.execute(insert(changes), values)


@cache
def _arrays() -> Executable:
    same = [bindparam("any_age", type_=changes.c.any_age.type), NOW["postgresql"]]
    listed = select(*array_rows([changes.c[name] for name in _NAMES]), *same)
    return insert(changes).from_select([*_NAMES, "any_age", "noted_at"], listed, include_defaults=False)


@cache
def _values(rows: int) -> str:
    """For SQLite, whose writers take turns: numbers tell there what is new, so that all is marked as handed out."""
    now, row = NOW["sqlite"], f"({', '.join('?' * len(_NAMES))})"
    return (
        f"INSERT INTO changes (any_age, noted_at, fanned_out_at, {', '.join(_NAMES)})"  # noqa: S608 - names of ours
        f" SELECT ?, {now}, {now}, * FROM (VALUES {', '.join([row] * rows)})"
    )
