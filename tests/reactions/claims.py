"""Claims: noted changes as they are claimed, and what is read of them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from reactions.change import Change
from reactions.change_rows import read_changes
from store.notifications import ClaimedNotification
from tests.factories.changes import NOON


def claimed(rows: Iterable[Any]) -> list[ClaimedNotification]:
    """Rows of `changes`."""
    return [claim(r.topic, r.key, r.now, seq=r.seq, was=r.was, at=r.at, delivery_id=r.delivery_id) for r in rows]


def claim(
    topic: str,
    key: str,
    now: str,
    *,
    seq: int = 1,
    was: str | None = None,
    at: datetime | None = NOON,
    delivery_id: str | None = None,
) -> ClaimedNotification:
    """A change as it was noted, claimed for a subscriber."""
    return ClaimedNotification("shop", "", key, seq, topic, was, now, at, delivery_id, NOON, 0, "claim")


def read_all(engine: Engine, wanted: Iterable[ClaimedNotification], *, payload: bool = False) -> list[Change | None]:
    """What `read_changes` makes of them."""
    with engine.connect().execution_options(reads=True) as connection:
        return read_changes(connection, list(wanted), payload=payload)
