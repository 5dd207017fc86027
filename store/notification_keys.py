"""Notification keys: many notifications by their keys, in one statement."""

from collections.abc import Collection
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select

from store.rows_by_keys import key_values, select_by_keys
from store.schema import notifications

Key = tuple[str, str, str]
"""Reaction, path and key: what a notification is about."""
NAMES = ("reaction", "path", "key")


def locked_notifications(connection: Connection, keys: Collection[Key]) -> dict[Key, dict[str, Any]]:
    """The notifications with these keys, locked."""
    if not keys:
        return {}
    dialect = connection.dialect.name
    rows = connection.execute(_by_keys(dialect), key_values(NAMES, sorted(keys), dialect)).mappings()
    return {(row["reaction"], row["path"], row["key"]): dict(row) for row in rows}


@cache
def _by_keys(dialect: str) -> Select[Any]:
    """Notifications by their keys, in the order of these."""
    keys = [notifications.c[name] for name in NAMES]
    query = select_by_keys(keys, list(notifications.c), dialect)
    return query.order_by(*keys).with_for_update(of=notifications)
