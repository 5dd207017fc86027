"""Claims: noted changes as they are claimed, and what is read of them."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Engine

from reactions.change import Change
from reactions.change_rows import read_changes
from reactions.claimed_change import ClaimedChange


def claimed(rows: Iterable[Any]) -> list[ClaimedChange]:
    """Rows of `changes`."""
    return [ClaimedChange(r.seq, r.topic, r.key, r.was, r.now, r.at, r.delivery_id) for r in rows]


def read_all(engine: Engine, wanted: Iterable[ClaimedChange], *, payload: bool = False) -> list[Change | None]:
    """What `read_changes` makes of them."""
    with engine.connect().execution_options(reads=True) as connection:
        return read_changes(connection, list(wanted), payload=payload)
