"""Replacement: what a change makes of the notification of its record, by what became of the one before.

What was not sent leaves its `was` to its successor, so that what a subscriber gets is a path. What may have arrived all
the same leaves its failure: then also a standing that is back as it was is sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from store.notification_keys import Key

WAITING, SENT, SUPERSEDED, STALE = "waiting", "sent", "superseded", "stale"
EXPIRED, SKIPPED = "expired", "skipped"
UNSENT = frozenset((SUPERSEDED, STALE, EXPIRED, SKIPPED))
"""How a notification was settled without being sent; one that `where` leaves out is as the subscriber wants it."""
IN_DOUBT = "its dispatcher ended, or was late"
"""The failure of a claim whose holder is no longer waited for."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """A notification's new values."""

    values: dict[str, Any]
    is_of_waiting: bool
    """Whether it replaces one that waited, and that nobody was sending."""


def replace(
    key: Key, stored: Mapping[str, Any] | None, change: Row[Any], now: datetime, *, is_stale: bool
) -> Replacement:
    """The notification of a change, in place of the stored one; settled where there is nothing to send."""
    waiting = stored if stored and stored["state"] == WAITING else None
    unsent = stored if stored and stored["state"] in UNSENT else None
    is_of_waiting = waiting is not None and waiting["claim"] is None
    values = _of_waiting(waiting, change, now) if waiting else _new(key, change, now)
    follows_unsent = unsent is not None and change.reaction is None  # a row as it stands, asked for, is sent anyway
    if unsent and follows_unsent:
        values |= {name: unsent[name] for name in ("was", "last_failure")}
    is_back = (is_of_waiting or follows_unsent) and values["was"] == values["now"]
    is_undone = is_back and values["last_failure"] is None
    if is_stale or is_undone:
        if values["claim"] is not None:
            values["last_failure"] = IN_DOUBT
        values |= {"state": STALE if is_stale else SUPERSEDED, "due_at": None, "settled_at": now, "claim": None}
    return Replacement(values, is_of_waiting)


def _new(key: Key, change: Row[Any], now: datetime) -> dict[str, Any]:
    """One of this change alone."""
    reaction, way, record = key
    return _change(change) | {
        "reaction": reaction,
        "path": way,
        "key": record,
        "was": change.was,
        "state": WAITING,
        "due_at": now,
        "claim": None,
        "attempts": 0,
        "last_failure": None,
        "settled_at": None,
    }


def _of_waiting(stored: Mapping[str, Any], change: Row[Any], now: datetime) -> dict[str, Any]:
    """One that waits, of the later change; a dispatcher that is sending the earlier one goes on.

    Otherwise it is due at once, however long the earlier one would have waited after its failures: one attempt for each
    change is no storm, and a target that fails again and again is left alone.
    """
    fresh = {"due_at": min(stored["due_at"], now), "attempts": 0} if stored["claim"] is None else {}
    return {**stored, **_change(change), **fresh}


def _change(change: Row[Any]) -> dict[str, Any]:
    return {name: getattr(change, name) for name in ("seq", "topic", "now", "at", "delivery_id", "noted_at")}
