"""Own change rows: changes that are of no record, as they are noted."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert

from store.schema import changes


def own_change(
    topic: str, key: str, was: str | None, now: str, at: datetime, *, reaction: str | None = None
) -> dict[str, Any]:
    """A change of this installation; with `reaction`, for that subscriber alone."""
    return {"topic": topic, "key": key, "was": was, "now": now, "at": at, "reaction": reaction}


def insert_own(connection: Connection, rows: Sequence[dict[str, Any]], now: datetime) -> None:
    """Note the changes, with what only the database of notifications needs."""
    handed_out = now if connection.dialect.name == "sqlite" else None
    if rows:
        connection.execute(insert(changes), [row | {"noted_at": now, "fanned_out_at": handed_out} for row in rows])
