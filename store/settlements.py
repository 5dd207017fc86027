"""Settlements: what became of claims, written in one statement.

Where a later change of the record came meanwhile, that one is due, and what was sent is its former status.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Update, and_, bindparam, case, func, literal, null, select, update

from store.notifications import LONGEST_PAUSE, ClaimedNotification
from store.replacement import WAITING
from store.schema import notifications
from store.types import Time
from store.upsert import array_rows


class Fate(Enum):
    """What became of a claim."""

    SENT = "sent"
    SUPERSEDED = "superseded"
    """Its record stands otherwise by now; the later change is sent."""
    FILTERED = "filtered"
    """It is not what the subscriber's `where` asks for."""
    FAILED = "failed"
    """It is tried again."""
    RETURNED = "returned"
    """It was not tried."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of one claim."""

    claim: ClaimedNotification
    fate: Fate
    reason: str | None = None
    """Of a failure."""
    pause: timedelta = timedelta(0)
    """Until a failure is tried again."""


PREFIX, NOW = "incoming_", "current_time"
"""Of parameters: those of the columns' own names are SQLAlchemy's."""
c = notifications.c
_KEY = list(notifications.primary_key)
_INCOMING = (
    *_KEY, c.claim, c.seq, c.state, c.was, c.due_at, c.settled_at, c.attempts, c.last_failure
)  # fmt: skip


def settle(connection: Connection, now: datetime, settlements: Iterable[Settlement]) -> None:
    """Write what became of claims. One that has expired since belongs to its next claimant: its row stays."""
    ordered = sorted(settlements, key=lambda each: (each.claim.reaction, each.claim.path, each.claim.key))
    if not ordered:
        return
    rows = [_values(each, now) for each in ordered]
    if connection.dialect.name == "postgresql":
        arrays = {f"{PREFIX}{column.name}": [row[column.name] for row in rows] for column in _INCOMING}
        connection.execute(_for_arrays(), {**arrays, NOW: now})
    else:
        connection.execute(_for_each(), [{f"{PREFIX}{name}": row[name] for name in row} | {NOW: now} for row in rows])


def _values(settlement: Settlement, now: datetime) -> dict[str, Any]:
    """A row of what became of it. `was` is for a later change."""
    claim, is_open = settlement.claim, settlement.fate in (Fate.FAILED, Fate.RETURNED)
    return {
        "reaction": claim.reaction,
        "path": claim.path,
        "key": claim.key,
        "claim": claim.claim,
        "seq": claim.seq,
        "state": WAITING if is_open else settlement.fate.value,
        "was": claim.now if settlement.fate is Fate.SENT else None,
        "due_at": now + min(settlement.pause, LONGEST_PAUSE) if is_open else None,
        "settled_at": None if is_open else now,
        "attempts": claim.attempts + (settlement.fate is Fate.FAILED),
        "last_failure": settlement.reason or ("it failed" if settlement.fate is Fate.FAILED else None),
    }


@cache
def _for_arrays() -> Update:
    """For all at once. It locks in the order of the keys, as handing out does, so that the two do not deadlock."""
    incoming = array_rows(_INCOMING, PREFIX)
    by_name = dict(zip((column.name for column in _INCOMING), incoming, strict=True))
    same = and_(*(column == by_name[column.name] for column in (*_KEY, c.claim)))
    query = select(*incoming).join(notifications, same).order_by(*incoming[: len(_KEY)])
    locked = query.with_for_update(of=notifications).cte("locked").prefix_with("MATERIALIZED", dialect="postgresql")
    return (
        update(notifications)
        .where(*(column == locked.c[column.name] for column in _KEY))
        .values(_outcome({name: locked.c[name] for name in by_name}))
    )


@cache
def _for_each() -> Update:
    incoming = {column.name: bindparam(f"{PREFIX}{column.name}", type_=column.type) for column in _INCOMING}
    same = (column == incoming[column.name] for column in (*_KEY, c.claim))
    return update(notifications).where(*same).values(_outcome(incoming))


def _outcome(incoming: Mapping[str, ColumnElement[Any]]) -> Mapping[str, Any]:
    """The values of a settled row, or of one that a later change has taken meanwhile."""
    is_latest = c.seq == incoming["seq"]
    last_failure = func.coalesce(incoming["last_failure"], c.last_failure)
    later: Sequence[tuple[str, ColumnElement[Any]]] = (
        ("state", c.state),
        ("settled_at", c.settled_at),
        ("attempts", literal(0)),
        ("due_at", bindparam(NOW, type_=Time)),
    )
    settled = {name: case((is_latest, incoming[name]), else_=value) for name, value in later}
    settled["last_failure"] = case((incoming["was"].is_not(None), null()), else_=last_failure)
    return settled | {"was": case((is_latest, c.was), else_=func.coalesce(incoming["was"], c.was)), "claim": None}
