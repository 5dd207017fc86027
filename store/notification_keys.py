"""Notification keys: many notifications by their keys, in one statement."""

from collections.abc import Collection, Mapping
from functools import cache
from json import dumps
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, func, select

from store.schema import notifications
from store.upsert import array_rows

Key = tuple[str, str, str]
"""Reaction, path and key: what a notification is about."""


def locked_notifications(connection: Connection, keys: Collection[Key]) -> dict[Key, dict[str, Any]]:
    """The notifications with these keys, locked."""
    if not keys:
        return {}
    ordered, dialect = sorted(keys), connection.dialect.name
    values: Mapping[str, Any] = {"keys": dumps(ordered)}
    if dialect == "postgresql":
        values = dict(zip(("reaction", "path", "key"), map(list, zip(*ordered, strict=True)), strict=True))
    rows = connection.execute(_by_keys(dialect), values).mappings()
    return {(row["reaction"], row["path"], row["key"]): dict(row) for row in rows}


@cache
def _by_keys(dialect: str) -> Select[Any]:
    """Notifications by their keys, in the order of these: one array for each column, or for SQLite a JSON document."""
    columns = list(notifications.primary_key)
    if dialect == "postgresql":
        listed = array_rows(columns)
        source, same = listed[0].table, [column == its for column, its in zip(columns, listed, strict=True)]
    else:
        source = func.json_each(bindparam("keys")).table_valued("value", name="listed")
        same = [column == func.json_extract(source.c.value, f"$[{n}]") for n, column in enumerate(columns)]
    query = select(notifications).select_from(source).join(notifications, and_(*same))
    return query.order_by(*columns).with_for_update(of=notifications)
